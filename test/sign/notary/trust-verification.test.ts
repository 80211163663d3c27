import { beforeAll, expect, test } from 'vitest';
import { StepError } from '../../../src/lib/step-error.ts';
import { createTimestampChain, type TimestampChain } from '../../../src/sandbox/timestamp/chain.ts';
import type { SigningScheme } from '../../../src/sign/notary/envelope-content.ts';
import { signNotary } from '../../../src/sign/notary/signature.ts';
import { parseTrustPolicy } from '../../../src/sign/notary/trust-policy.ts';
import type { TrustStores } from '../../../src/sign/notary/trust-store.ts';
import type { PolicyTrust } from '../../../src/sign/notary/trust-verification.ts';
import { verifyNotary } from '../../../src/sign/notary/verification.ts';
import type { RevocationContext, RevocationStatus } from '../../../src/sign/revocation/status.ts';
import { signatureError } from '../../../src/sign/signature-error.ts';
import { type ChainParts, makeChain, makeSigner } from '../chain.ts';
import { tokenOver } from '../timestamp/token.ts';

const subject = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'ab'.repeat(32)}`,
  size: 1234,
} as const;
const signed = new Date('2026-06-01T12:00:00Z');
const dayMs = 86_400_000;

interface Case {
  readonly level?: string;
  readonly override?: object;
  readonly stores?: readonly string[];
  readonly identities?: readonly string[];
  readonly scheme?: SigningScheme;
  readonly parts?: ChainParts;
  readonly trusted?: 'root' | 'other' | 'damaged';
  readonly now?: Date;
  readonly signedAt?: Date;
  readonly lifetimeMs?: number;
  readonly statuses?: readonly RevocationStatus['status'][];
  readonly other?: object;
  /** When a timestamp authority has countersigned. */
  readonly stampedAt?: Date;
  readonly timestamps?: string;
}

const chains = new Map<ChainParts | undefined, ReturnType<typeof makeChain>>();
const foreign = makeChain('P-256').chain[2] as Buffer;

function chainOf(parts: ChainParts | undefined) {
  const made = chains.get(parts) ?? makeChain('P-256', parts);
  chains.set(parts, made);
  return made;
}

let tsa: TimestampChain;
beforeAll(async () => {
  tsa = await createTimestampChain({
    validity: { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') },
  });
});

/** What the last signature's revocation was asked for with. */
const contexts: (RevocationContext | undefined)[] = [];

/** An envelope of that scheme, signed for real. */
async function sign({ parts, scheme = 'notary.x509', signedAt = signed, lifetimeMs, stampedAt }: Case) {
  const { chain, keys } = chainOf(parts);
  const signer = makeSigner('ES256', keys, chain);
  const timestamp = stampedAt && (async (signature: Uint8Array) => tokenOver(signature, tsa, { now: stampedAt }));
  if (scheme === 'notary.x509')
    return signNotary({ signer, subject, now: () => signedAt, agent: 'test', lifetimeMs, ...(timestamp && { timestamp }) });
  const authentic = 'io.cncf.notary.authenticSigningTime';
  const header = {
    alg: 'ES256',
    cty: 'application/vnd.cncf.notary.payload.v1+json',
    crit: ['io.cncf.notary.signingScheme', authentic],
    'io.cncf.notary.signingScheme': scheme,
    [authentic]: signedAt.toISOString(),
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const parted = { protected: encode(header), payload: encode({ targetArtifact: subject }) };
  const signature = Buffer.from(await signer.sign(Buffer.from(`${parted.protected}.${parted.payload}`))).toString('base64url');
  const x5c = chain.map((der) => der.toString('base64'));
  return { mediaType: 'application/jose+json', bytes: Buffer.from(JSON.stringify({ ...parted, header: { x5c }, signature })) };
}

/** What becomes of the case: `accepted`, the codes that were only logged, or the code of the refusal. */
async function verify(tested: Case): Promise<string> {
  const { level = 'strict', override = {}, stores = ['ca:acme'], identities = ['*'], statuses = [], trusted = 'root' } = tested;
  const statement = {
    name: 'test',
    registryScopes: ['*'],
    signatureVerification: { level, override, verifyTimestamp: tested.timestamps ?? '' },
    trustStores: stores,
    trustedIdentities: identities,
  };
  const [parsed] = parseTrustPolicy(Buffer.from(JSON.stringify({ version: '1.0', trustPolicies: [statement] }))).statements;
  if (parsed?.kind !== 'verify') throw new Error('skipped');
  const root = trusted === 'root' ? (chainOf(tested.parts).chain[2] as Buffer) : foreign;
  const trust: PolicyTrust = {
    now: () => tested.now ?? new Date(signed.getTime() + dayMs),
    statement: parsed,
    stores: storesOf(root, trusted === 'damaged'),
    checkRevocation: async (chain, context) => {
      contexts.push(context);
      return chain.map((_, at) => ({ subject: `certificate ${at}`, status: statuses[at] ?? 'not-checkable' }));
    },
  };
  try {
    const { warnings } = await verifyNotary(await sign(tested), { ...subject, ...tested.other }, trust);
    return ['accepted', ...warnings.map(({ check, error }) => `${check} ${error.code}`)].join(', ');
  } catch (error) {
    if (error instanceof StepError) return error.code;
    throw error;
  }
}

/** Stores named `acme`, of each type one. */
function storesOf(root: Buffer, isDamaged: boolean): TrustStores {
  return {
    read: async (type, name) => {
      if (type === 'tsa' && name === 'clock') return [tsa.certificates.at(-1)?.raw ?? Buffer.of()];
      if (name === 'acme' && !isDamaged) return [root];
      throw signatureError('trust-store', 'there is no such store', 'none');
    },
  };
}

const expiring: ChainParts = { leaf: { to: new Date('2026-07-01T00:00:00Z') } };
const after = new Date('2026-08-01T00:00:00Z');
const stamped = { stores: ['ca:acme', 'tsa:clock'], parts: expiring, now: after } as const;
const authority = { scheme: 'notary.x509.signingAuthority', stores: ['signingAuthority:acme'] } as const;

test.each<[string, string, Case]>([
  ['by a trusted authority', 'accepted', {}],
  ['by another authority', 'untrusted', { trusted: 'other' }],
  ['by another authority, logged', 'accepted, authenticity untrusted', { level: 'audit', trusted: 'other' }],
  ['by another authority, permissive', 'untrusted', { level: 'permissive', trusted: 'other' }],
  ['with a store that cannot be read', 'trust-store', { trusted: 'damaged' }],
  ['with a store that cannot be read, logged', 'accepted, authenticity trust-store', { level: 'audit', trusted: 'damaged' }],
  ['with stores of another type alone', 'untrusted', { stores: ['signingAuthority:acme'] }],
  ['by an identity that is trusted', 'accepted', { identities: ['x509.subject: C=DE, ST=Berlin, O=Tests, CN=Leaf'] }],
  ['by another identity', 'untrusted-identity', { identities: ['x509.subject: C=DE, ST=Berlin, O=Tests, CN=Other'] }],
  ['by the identity of an issuer', 'untrusted-identity', { identities: ['x509.subject: C=DE, ST=Berlin, O=Tests, CN=Root'] }],
  ['by identities for plugins alone', 'untrusted-identity', { identities: ['plugin.id:x'] }],
  [
    'by another identity, logged',
    'accepted, authenticity untrusted-identity',
    { level: 'audit', identities: ['x509.subject: C=DE, ST=Berlin, O=Tests, CN=Other'] },
  ],
  ['that has expired', 'expired', { lifetimeMs: dayMs }],
  ['that has expired, logged', 'accepted, expiry expired', { lifetimeMs: dayMs, level: 'permissive' }],
  ['by a certificate that has expired', 'certificate-time', { parts: expiring, now: after }],
  [
    'by a certificate that has expired, logged',
    'accepted, authenticTimestamp certificate-time',
    { parts: expiring, now: after, level: 'permissive' },
  ],
  ['by a certificate that is not valid yet', 'certificate-time', { now: new Date('2025-12-31T00:00:00Z'), signedAt: signed }],
  [
    'of a claimed time after its certificate, which notation passes over',
    'accepted',
    { parts: expiring, signedAt: new Date('2026-06-30T00:00:00Z') },
  ],
  ['with revocation good', 'accepted', { statuses: ['good', 'good'] }],
  ['by a certificate that is revoked', 'revoked', { statuses: ['revoked'] }],
  ['by an issuer that is revoked, the leaf unknown', 'revoked', { statuses: ['unknown', 'revoked'] }],
  ['by a certificate that is revoked, logged', 'accepted, revocation revoked', { statuses: ['revoked'], level: 'audit' }],
  ['whose revocation is unknown', 'revocation-unknown', { statuses: ['good', 'unknown'] }],
  ['whose revocation is unknown, skipped', 'accepted', { statuses: ['unknown'], override: { revocation: 'skip' } }],
  ['with a timestamp', 'accepted', { ...stamped, stampedAt: signed }],
  ['with a timestamp that has to be there', 'no-timestamp', stamped],
  ['with a timestamp of a later time', 'timestamp-validity', { ...stamped, stampedAt: after }],
  [
    'with a timestamp of a later time, logged',
    'accepted, authenticTimestamp timestamp-validity',
    { ...stamped, level: 'audit', stampedAt: after },
  ],
  [
    'with a timestamp and a store that does not have its root',
    'timestamp-untrusted',
    { ...stamped, stores: ['ca:acme', 'tsa:acme'], stampedAt: signed },
  ],
  ['with a timestamp whose authority is revoked', 'revoked', { ...stamped, stampedAt: signed, statuses: ['revoked'] }],
  [
    'without a timestamp that is wanted once the certificate has expired',
    'accepted',
    { stores: stamped.stores, timestamps: 'afterCertExpiry' },
  ],
  ['with a timestamp that is wanted now', 'accepted', { ...stamped, timestamps: 'afterCertExpiry', stampedAt: signed }],
  ['of another subject', 'other-subject', { other: { size: 1 }, level: 'audit' }],
  ['by a signing authority', 'accepted', authority],
  ['by a signing authority, the store being of another type', 'untrusted', { ...authority, stores: ['ca:acme'] }],
  ['by a signing authority, whose certificate has expired since', 'accepted', { ...authority, parts: expiring, now: after }],
  [
    'by a signing authority, whose certificate had expired',
    'certificate-time',
    { ...authority, parts: expiring, signedAt: after, now: after },
  ],
  ['by a chain that breaks a rule', 'certificate-rules', { ...authority, level: 'audit', parts: { intermediate: { extensions: [] } } }],
])('a signature %s is %s', async (_, outcome, tested) => {
  expect(await verify(tested)).toBe(outcome);
});

test('several failures that are logged are all told, in order', async () => {
  const tested: Case = { level: 'audit', trusted: 'other', lifetimeMs: dayMs, parts: expiring, now: after, statuses: ['revoked'] };
  expect(await verify(tested)).toBe(
    'accepted, authenticity untrusted, expiry expired, authenticTimestamp certificate-time, revocation revoked',
  );
});

test('addresses of a signer whom nobody trusts are not asked, those of an authority whose signer is another are', async () => {
  const logged = { level: 'audit', statuses: ['good'] } as const;
  await verify({ ...logged, trusted: 'other' });
  await verify({ ...logged, identities: ['x509.subject: C=DE, ST=Berlin, O=Other'] });
  await verify({ ...logged, ...authority });
  expect(contexts.slice(-3)).toEqual([
    { isTrusted: false, signingTime: undefined },
    { isTrusted: true, signingTime: undefined },
    { isTrusted: true, signingTime: signed },
  ]);
});
