import { describe, expect, test } from 'vitest';
import { StepError } from '../../../src/lib/step-error.ts';
import { parseTrustPolicy, statementFor } from '../../../src/sign/notary/trust-policy.ts';

const identity = 'x509.subject: C=DE, ST=Berlin, O=Tests';
const statement = {
  name: 'images',
  registryScopes: ['registry.example.com/shop/web'],
  signatureVerification: { level: 'strict' },
  trustStores: ['ca:acme'],
  trustedIdentities: [identity],
};

function parse(...changes: readonly object[]) {
  return parseTrustPolicy(
    Buffer.from(JSON.stringify({ version: '1.0', trustPolicies: changes.map((change) => ({ ...statement, ...change })) })),
  );
}

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof StepError) return `${error.origin} ${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const all = { integrity: 'enforce', authenticity: 'enforce', authenticTimestamp: 'enforce', expiry: 'enforce', revocation: 'enforce' };
const logged = { ...all, authenticTimestamp: 'log', expiry: 'log', revocation: 'log' };

test.each([
  ['strict', {}, all],
  ['permissive', {}, logged],
  ['audit', {}, { ...logged, authenticity: 'log' }],
  ['strict', { revocation: 'skip', expiry: 'log' }, { ...all, revocation: 'skip', expiry: 'log' }],
  ['audit', { authenticity: 'enforce', authenticTimestamp: 'enforce' }, { ...logged, authenticTimestamp: 'enforce' }],
])('level %s with %o', (level, override, actions) => {
  expect(parse({ signatureVerification: { level, override } }).statements[0]).toMatchObject({
    kind: 'verify',
    actions,
    timestamps: 'always',
  });
});

test('stores, identities and the time of timestamps are read', () => {
  const { statements } = parse({
    signatureVerification: { level: 'strict', verifyTimestamp: 'afterCertExpiry' },
    trustStores: ['ca:acme.x-1', 'tsa:clock', 'signingAuthority:aws'],
    trustedIdentities: ['x509.subject: C=DE, S=Berlin, O=A', 'x509.subject: CN=web,C=DE,ST=Berlin,O=B', 'plugin.subject:whatever'],
  });
  expect(statements[0]).toMatchObject({
    timestamps: 'afterCertExpiry',
    trustStores: [
      { type: 'ca', name: 'acme.x-1' },
      { type: 'tsa', name: 'clock' },
      { type: 'signingAuthority', name: 'aws' },
    ],
    trustedIdentities: [
      new Map([
        ['C', 'DE'],
        ['ST', 'Berlin'],
        ['O', 'A'],
      ]),
      new Map([
        ['CN', 'web'],
        ['C', 'DE'],
        ['ST', 'Berlin'],
        ['O', 'B'],
      ]),
    ],
  });
  expect(parse({ trustedIdentities: ['*'] }).statements[0]).toMatchObject({ trustedIdentities: 'any' });
});

test('members that are null count as absent, unknown ones are passed over', () => {
  const { statements } = parse({
    signatureVerification: { level: 'skip', override: null },
    trustStores: null,
    trustedIdentities: null,
    note: 1,
  });
  expect(statements).toEqual([{ kind: 'skip', name: 'images', registryScopes: statement.registryScopes }]);
});

test('the statement that names a repository comes before the one for all', () => {
  const policy = parse({ name: 'all', registryScopes: ['*'] }, {});
  expect(statementFor(policy, 'registry.example.com/shop/web').name).toBe('images');
  expect(statementFor(policy, 'registry.example.com/shop').name).toBe('all');
  expect(statementFor(policy, 'registry.example.com/shop/web2').name).toBe('all');
  expect(refusalOf(() => statementFor(parse({}), 'other.example.com/shop/web'))).toMatch(
    /^signature no-trust-policy: .*other\.example\.com/,
  );
});

describe('what notation refuses is refused', () => {
  const verification = (change: object) => ({ signatureVerification: { level: 'strict', ...change } });
  test.each<[string, readonly object[], RegExp]>([
    ['no statement', [], /no statement/],
    ['a statement without a name', [{ name: '' }], /no name/],
    ['a name twice', [{}, { registryScopes: ['*'] }], /"images"/],
    ['no level', [{ signatureVerification: {} }], /level/],
    ['an unknown level', [verification({ level: 'Strict' })], /"Strict"/],
    ['a level of a prototype', [verification({ level: 'constructor' })], /"constructor"/],
    ['an override of what there is not', [verification({ override: { hash: 'log' } })], /"hash"/],
    ['an override with what there is not', [verification({ override: { expiry: 'warn' } })], /"warn"/],
    ['an override of integrity', [verification({ override: { integrity: 'log' } })], /integrity/],
    ['expiry skipped', [verification({ override: { expiry: 'skip' } })], /expiry cannot be skipped/],
    ['authenticity skipped', [verification({ override: { authenticity: 'skip' } })], /authenticity cannot be skipped/],
    [
      'an override of skip',
      [{ ...verification({ level: 'skip', override: { expiry: 'log' } }), trustStores: [], trustedIdentities: [] }],
      /skip/,
    ],
    ['skip with stores', [{ ...verification({ level: 'skip' }), trustedIdentities: [] }], /skip/],
    ['skip with identities', [{ ...verification({ level: 'skip' }), trustStores: [] }], /skip/],
    ['another time of timestamps', [verification({ verifyTimestamp: 'never' })], /"never"/],
    ['no stores', [{ trustStores: [] }], /trustStores/],
    ['no identities', [{ trustedIdentities: [] }], /trustedIdentities/],
    ['a store without a type', [{ trustStores: ['acme'] }], /"acme"/],
    ['a store of another type', [{ trustStores: ['root:acme'] }], /"root:acme"/],
    ['a store with a path', [{ trustStores: ['ca:../acme'] }], /"ca:\.\.\/acme"/],
    ['a store that is the folder above', [{ trustStores: ['ca:..'] }], /"ca:\.\."/],
    ['a store without a name', [{ trustStores: ['ca:'] }], /"ca:"/],
    ['everybody and somebody', [{ trustedIdentities: ['*', identity] }], /"\*"/],
    ['an identity without a kind', [{ trustedIdentities: ['C=DE,ST=Berlin,O=Tests'] }], /x509\.subject/],
    ['an empty identity', [{ trustedIdentities: [''] }], /x509\.subject/],
    ['an identity without a value', [{ trustedIdentities: ['x509.subject:'] }], /C, ST, O is missing/],
    ['an identity without ST', [{ trustedIdentities: ['x509.subject: C=DE, O=Tests'] }], /ST is missing/],
    ['an identity in lower case', [{ trustedIdentities: ['x509.subject: c=DE, st=Berlin, o=Tests'] }], /missing/],
    ['an identity with O twice', [{ trustedIdentities: [`${identity}, O=Others`] }], /"O" is there twice/],
    ['an identity with S and ST', [{ trustedIdentities: [`${identity}, S=Bayern`] }], /"ST" is there twice/],
    ['joined attributes', [{ trustedIdentities: [`${identity}+CN=web`] }], /\+/],
    ['a hexadecimal value', [{ trustedIdentities: [`${identity}, CN=#0c0161`] }], /=#/],
    ['a name that ends', [{ trustedIdentities: [`${identity}, CN`] }], /no name/],
    ['a broken escape', [{ trustedIdentities: [`${identity}, CN=\\zz`] }], /backslash/],
    ['identities that overlap', [{ trustedIdentities: [identity, `${identity}, CN=web`] }], /overlaps/],
    ['the same identity twice', [{ trustedIdentities: [identity, identity] }], /overlaps/],
    ['no scopes', [{ registryScopes: [] }], /registryScopes/],
    ['all and one', [{ registryScopes: ['*', 'a.example/b'] }], /"\*"/],
    ['a wildcard in a scope', [{ registryScopes: ['a.example/*'] }], /"a\.example\/\*"/],
    ['a host alone', [{ registryScopes: ['a.example'] }], /"a\.example"/],
    ['a scope with a scheme', [{ registryScopes: ['https://a.example/b'] }], /https/],
    ['a scope with a tag', [{ registryScopes: ['a.example/b:1'] }], /b:1/],
    ['a scope in capitals', [{ registryScopes: ['a.example/B'] }], /B/],
    ['a scope in two statements', [{}, { name: 'more' }], /twice/],
    ['a scope twice', [{ registryScopes: ['a.example/b', 'a.example/b'] }], /twice/],
  ])('%s', (_, statements, reason) => {
    const refusal = refusalOf(() => parse(...statements));
    expect(refusal).toMatch(/^input trust-policy: Cannot use the trust policy: /);
    expect(refusal).toMatch(reason);
  });

  test.each([
    ['another version', '{"version":"2.0","trustPolicies":[]}'],
    ['no version', '{"trustPolicies":[]}'],
    ['no document', '[]'],
    ['no JSON', '{'],
  ])('%s', (_, text) => {
    expect(refusalOf(() => parseTrustPolicy(Buffer.from(text)))).toMatch(/^input trust-policy/);
  });

  test('and so is what readers read differently', () => {
    const twice = JSON.stringify({ version: '1.0', trustPolicies: [statement] }).replace(
      '"level":"strict"',
      '"level":"strict","Level":"skip"',
    );
    expect(refusalOf(() => parseTrustPolicy(Buffer.from(twice)))).toMatch(/differ in case alone/);
  });
});

test('a long scope does not take long', () => {
  expect(refusalOf(() => parse({ registryScopes: [`a.example/${'a'.repeat(50_000)}!`] }))).toMatch(/registry scope/);
});
