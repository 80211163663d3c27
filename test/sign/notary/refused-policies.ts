export const identity = 'x509.subject: C=DE, ST=Berlin, O=Tests';

/** A statement that is good; the others are this with something changed. */
export const statement = {
  name: 'images',
  registryScopes: ['registry.example.com/shop/web'],
  signatureVerification: { level: 'strict' },
  trustStores: ['ca:acme'],
  trustedIdentities: [identity],
};

export function toPolicy(changes: readonly object[]): string {
  return JSON.stringify({ version: '1.0', trustPolicies: changes.map((change) => ({ ...statement, ...change })) });
}

const verification = (change: object) => ({ signatureVerification: { level: 'strict', ...change } });

/** What is wrong, the statements by what differs, and what our refusal says. */
export const refusedPolicies: readonly (readonly [string, readonly object[], RegExp])[] = [
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
];
