import * as v from 'valibot';
import { findCaseVariant, parseStrictJson } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';
import { type DistinguishedName, isSubset, parseDistinguishedName } from './trust-identity.ts';

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#signature-verification-details */
export type TrustCheck = 'integrity' | 'authenticity' | 'authenticTimestamp' | 'expiry' | 'revocation';
export type TrustAction = 'enforce' | 'log' | 'skip';
export type StoreType = 'ca' | 'signingAuthority' | 'tsa';

/** A statement of a trust policy. */
export type TrustStatement = SkippingStatement | VerifyingStatement;

interface Scoped {
  readonly name: string;
  /** Repositories, `HOST/PATH`, or `*` alone. */
  readonly registryScopes: readonly string[];
}

/** Level `skip`: signatures are not looked at. */
export interface SkippingStatement extends Scoped {
  readonly kind: 'skip';
}

export interface VerifyingStatement extends Scoped {
  readonly kind: 'verify';
  /** With its overrides; integrity is always enforced. */
  readonly actions: Readonly<Record<TrustCheck, TrustAction>>;
  readonly trustStores: readonly { readonly type: StoreType; readonly name: string }[];
  /** `any`: whoever has a certificate of the stores. */
  readonly trustedIdentities: 'any' | readonly DistinguishedName[];
  readonly timestamps: 'always' | 'afterCertExpiry';
}

export interface TrustPolicy {
  readonly statements: readonly TrustStatement[];
}

/**
 * Reads a trust policy (trustpolicy.json, version 1.0) by the rules of notation, and as strict JSON: keys that are there twice or differ in case alone
 * are refused. Throws a StepError with code `trust-policy`.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#oci-trust-policy
 */
export function parseTrustPolicy(bytes: Uint8Array): TrustPolicy {
  const { version, trustPolicies } = parseDocument(bytes);
  if (version !== '1.0') throw broken(`its version is ${JSON.stringify(version)}; 1.0 is supported`);
  if (trustPolicies.length === 0) throw broken('it has no statement');
  const names = trustPolicies.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw broken(`more than one statement has the name ${JSON.stringify(twice)}`);
  const statements = trustPolicies.map(toStatement);
  verifyScopes(statements);
  return { statements };
}

/**
 * The statement for a repository (`HOST/PATH`, as in the reference): one that names it comes before one for `*`. Throws a StepError with code
 * `no-trust-policy` where neither is there.
 */
export function statementFor({ statements }: TrustPolicy, repository: string): TrustStatement {
  const statement =
    statements.find(({ registryScopes }) => registryScopes.includes(repository)) ??
    statements.find(({ registryScopes }) => registryScopes.includes('*'));
  if (statement !== undefined) return statement;
  throw signatureError(
    'no-trust-policy',
    `Cannot verify signatures of ${repository}: no statement of the trust policy is for it`,
    'Add the repository to the registryScopes of the statement that should hold for it (trustpolicy.json).',
  );
}

type RawStatement = v.InferOutput<typeof statementShape>;

function parseDocument(bytes: Uint8Array): v.InferOutput<typeof documentShape> {
  let document: unknown;
  try {
    document = parseStrictJson(bytes, { maxBytes: maxPolicyBytes });
  } catch (error) {
    throw broken(`it is no JSON that reads in one way only (${error instanceof Error ? error.message : 'unreadable'})`);
  }
  const result = v.safeParse(documentShape, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw broken(`it has a wrong value at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`);
}

function toStatement(raw: RawStatement): TrustStatement {
  const { name, registryScopes, signatureVerification, trustStores, trustedIdentities } = raw;
  if (name === '') throw broken('a statement has no name');
  const scoped = { name, registryScopes };
  const actions = toActions(raw);
  const timestamps = signatureVerification.verifyTimestamp || 'always';
  if (timestamps !== 'always' && timestamps !== 'afterCertExpiry')
    throw brokenBy(name, `its verifyTimestamp is ${JSON.stringify(timestamps)}; always and afterCertExpiry are accepted`);
  if (signatureVerification.level === 'skip') {
    if (trustStores.length > 0 || trustedIdentities.length > 0)
      throw brokenBy(name, 'its level is skip, and it has trustStores or trustedIdentities');
    return { kind: 'skip', ...scoped };
  }
  if (trustStores.length === 0 || trustedIdentities.length === 0)
    throw brokenBy(name, 'trustStores and trustedIdentities have to be there, both');
  return {
    kind: 'verify',
    ...scoped,
    actions,
    timestamps,
    trustStores: trustStores.map((store) => toStore(name, store)),
    trustedIdentities: toIdentities(name, trustedIdentities),
  };
}

function toActions({ name, signatureVerification }: RawStatement): Readonly<Record<TrustCheck, TrustAction>> {
  const { level, override } = signatureVerification;
  const base = Object.hasOwn(levels, level) ? levels[level as keyof typeof levels] : undefined;
  if (base === undefined) throw brokenBy(name, `its level is ${JSON.stringify(level)}; ${Object.keys(levels).join(', ')} are accepted`);
  const overrides = Object.entries(override ?? {});
  if (overrides.length > 0 && level === 'skip') throw brokenBy(name, 'its level is skip, which has nothing to override');
  for (const [check, action] of overrides) {
    if (!Object.hasOwn(base, check))
      throw brokenBy(name, `it overrides ${JSON.stringify(check)}; there are ${Object.keys(base).join(', ')}`);
    if (!actionNames.includes(action))
      throw brokenBy(name, `it overrides ${check} with ${JSON.stringify(action)}; enforce, log and skip are accepted`);
    if (check === 'integrity') throw brokenBy(name, 'integrity cannot be overridden');
    if (action === 'skip' && check !== 'revocation') throw brokenBy(name, `${check} cannot be skipped`);
  }
  return { ...base, ...(override as Partial<Record<TrustCheck, TrustAction>>) };
}

function toStore(name: string, store: string): { readonly type: StoreType; readonly name: string } {
  const [, type, storeName] = /^([^:]*):(.*)$/s.exec(store) ?? [];
  const known = storeTypes.find((storeType) => storeType === type);
  if (known === undefined || storeName === undefined)
    throw brokenBy(name, `its trust store ${JSON.stringify(store)} is not TYPE:NAME with one of the types ${storeTypes.join(', ')}`);
  if (!/^[a-zA-Z0-9_.-]+$/.test(storeName) || /^\.\.?$/.test(storeName))
    throw brokenBy(name, `the name of its trust store ${JSON.stringify(store)} is none of letters, digits, "_", "." and "-"`);
  return { type: known, name: storeName };
}

function toIdentities(name: string, identities: readonly string[]): 'any' | readonly DistinguishedName[] {
  if (identities.includes('*')) {
    if (identities.length > 1) throw brokenBy(name, 'its trusted identity "*" has to stand alone');
    return 'any';
  }
  const names = identities.flatMap((identity) => {
    const separator = identity.indexOf(':');
    if (separator === -1) throw brokenBy(name, `its trusted identity ${JSON.stringify(identity)} is not of the form x509.subject:NAME`);
    // Other kinds are for plugins: they match nothing here.
    if (identity.slice(0, separator) !== 'x509.subject') return [];
    try {
      return [{ identity, parsed: parseDistinguishedName(identity.slice(separator + 1)) }];
    } catch (error) {
      throw brokenBy(name, `its trusted identity ${JSON.stringify(identity)} is no name of a signer: ${(error as Error).message}`);
    }
  });
  for (const [at, one] of names.entries()) {
    const other = names.find(({ parsed }, index) => index !== at && isSubset(one.parsed, parsed));
    if (other !== undefined)
      throw brokenBy(name, `its trusted identity ${JSON.stringify(one.identity)} overlaps with ${JSON.stringify(other.identity)}`);
  }
  return names.map(({ parsed }) => parsed);
}

function verifyScopes(statements: readonly TrustStatement[]): void {
  const seen = new Set<string>();
  for (const { name, registryScopes } of statements) {
    if (registryScopes.length === 0) throw brokenBy(name, 'it has no registryScopes');
    if (registryScopes.length > 1 && registryScopes.includes('*')) throw brokenBy(name, 'its registry scope "*" has to stand alone');
    for (const scope of registryScopes) {
      if (scope !== '*' && !scopePattern.test(scope))
        throw brokenBy(name, `its registry scope ${JSON.stringify(scope)} is no repository (HOST/PATH without scheme, tag or wildcard)`);
      if (seen.has(scope)) throw broken(`the registry scope ${JSON.stringify(scope)} is there twice`);
      seen.add(scope);
    }
  }
}

function brokenBy(name: string, reason: string) {
  return broken(`in its statement ${JSON.stringify(name)} ${reason}`);
}

function broken(reason: string) {
  return signatureError(
    'trust-policy',
    `Cannot use the trust policy: ${reason}`,
    'Mend the file; notation policy show tells what notation makes of it.',
  );
}

const maxPolicyBytes = 1024 * 1024;
const storeTypes: readonly StoreType[] = ['ca', 'signingAuthority', 'tsa'];
const actionNames: readonly string[] = ['enforce', 'log', 'skip'];

const levels = {
  strict: toLevel('enforce', 'enforce', 'enforce'),
  permissive: toLevel('enforce', 'enforce', 'log'),
  audit: toLevel('enforce', 'log', 'log'),
  skip: toLevel('skip', 'skip', 'skip'),
} as const;

function toLevel(integrity: TrustAction, authenticity: TrustAction, others: TrustAction): Readonly<Record<TrustCheck, TrustAction>> {
  return { integrity, authenticity, authenticTimestamp: others, expiry: others, revocation: others };
}

/** The grammar of distribution's references, as notation has it. */
const domain = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const scopePattern = new RegExp(`^${domain}(?:\\.${domain})*(?::[0-9]+)?/${component}(?:/${component})*$`);

const texts = v.nullish(v.array(v.string()), []);
const statementShape = inCase({
  name: v.nullish(v.string(), ''),
  registryScopes: texts,
  signatureVerification: inCase({
    level: v.string(),
    override: v.nullish(v.record(v.string(), v.string())),
    verifyTimestamp: v.nullish(v.string(), ''),
  }),
  trustStores: texts,
  trustedIdentities: texts,
});
const documentShape = inCase({ version: v.string(), trustPolicies: v.array(statementShape) });

/** notation takes a key in any case: one that would be passed over here as unknown is refused. */
function inCase<Entries extends v.ObjectEntries>(entries: Entries) {
  const names = Object.keys(entries);
  return v.pipe(
    v.looseObject(entries),
    v.check(
      (value) => findCaseVariant(value, names) === undefined,
      ({ input }) => `the key ${JSON.stringify(findCaseVariant(input, names))} is written in another case`,
    ),
  );
}
