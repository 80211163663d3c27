import { describe, expect, test } from 'vitest';
import { StepError } from '../../../src/lib/step-error.ts';
import { parseTrustPolicy, statementFor } from '../../../src/sign/notary/trust-policy.ts';
import { refusedPolicies, statement, toPolicy } from './refused-policies.ts';

function parse(...changes: readonly object[]) {
  return parseTrustPolicy(Buffer.from(toPolicy(changes)));
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

test.each([
  [{ TrustStores: ['ca:other'], trustStores: undefined }, 'TrustStores'],
  [{ signatureVerification: { level: 'audit', Override: { authenticity: 'enforce' } } }, 'Override'],
])('a key in another case, which notation reads and we would pass over, is refused: %j', (change, key) => {
  expect(refusalOf(() => parse(change))).toContain(`the key "${key}" is written in another case`);
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
  test.each(refusedPolicies)('%s', (_, statements, reason) => {
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
