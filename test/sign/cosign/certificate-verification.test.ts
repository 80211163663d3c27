import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import { startTimestampAuthority, type TimestampAuthority } from '../../../src/sandbox/timestamp.ts';
import { toPreAuthentication } from '../../../src/sign/cosign/dsse.ts';
import { parseCosignIdentity } from '../../../src/sign/cosign/identity.ts';
import type { CosignTrust } from '../../../src/sign/cosign/trust.ts';
import { parseTrustedRoot } from '../../../src/sign/cosign/trusted-root.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../../src/sign/cosign/verification.ts';
import { toTimestampRequest } from '../../../src/sign/timestamp/request.ts';
import { type SigstoreInstance, startSigstore } from '../sigstore-instance.ts';
import { issuer, makeCertifiedBundle, makeCertifiedLayer, payloadType, workflow } from './certified.ts';

const subject = { digest: `sha256:${'ab'.repeat(32)}` as Digest };
const predicateType = 'https://example.com/tested/v1';
const statement = Buffer.from(
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { sha256: 'ab'.repeat(32) } }],
    predicateType,
    predicate: { tested: true },
  }),
);
const document = Buffer.from(
  JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'r/a' },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  }),
);

let sigstore: SigstoreInstance;
beforeAll(async () => {
  sigstore = await startSigstore();
});
afterEach(() => vi.useRealTimers());
afterAll(() => sigstore.close());

function trust(...identities: readonly string[]): CosignTrust {
  return {
    keys: [],
    identities: identities.map(parseCosignIdentity),
    openRoot: async () => parseTrustedRoot('root.json', sigstore.trustedRoot),
  };
}
const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));

test.each([
  ['the exact words', [`${issuer} ${workflow}`]],
  ['a regular expression that fits the whole', [`${issuer} /https://github.com/octo-org/.*/`]],
  ['the second of two', [`${issuer} someone@example.com`, `/.*/ ${workflow}`]],
])('a bundle by a certificate holds by %s', async (_, identities) => {
  const { bundle, answer } = await makeCertifiedBundle(sigstore, statement);
  expect(await verifyCosignBundle(bytesOf(bundle), subject, trust(...identities))).toEqual({
    predicateType,
    predicate: { tested: true },
    annotations: new Map(),
    signedBy: `${workflow} (${issuer})`,
    time: new Date(answer.integratedTime * 1000),
  });
});

test('a bundle as older writers have it: a chain, nulls, and the promise of the log alone', async () => {
  const { bundle, certificate } = await makeCertifiedBundle(sigstore, statement);
  const tlogEntries = bundle.verificationMaterial.tlogEntries.map((entry) => ({ ...entry, inclusionProof: null }));
  const x509CertificateChain = { certificates: [{ rawBytes: certificate.toString('base64') }] };
  const old = {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: { x509CertificateChain, tlogEntries, timestampVerificationData: null },
    dsseEnvelope: bundle.dsseEnvelope,
  };
  await expect(verifyCosignBundle(bytesOf(old), subject, trust(`${issuer} ${workflow}`))).resolves.toMatchObject({ predicateType });
});

/** As cosign 3 signs where its signing configuration names the second version of Rekor: the log has what the envelope is signed over. */
async function makeTiledBundle(digest = createHash('sha256').update(toPreAuthentication(payloadType, statement)).digest()) {
  const made = await makeCertifiedBundle(sigstore, statement);
  const { bundle, certificate, signature } = made;
  const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes: certificate.toString('base64') } };
  const content = signature.toString('base64');
  const entry = sigstore.logTiled({ hashedRekordRequestV002: { digest: digest.toString('base64'), signature: { content, verifier } } });
  const stamp = { signedTimestamp: (await sigstore.timestamp(signature)).toString('base64') };
  const { verificationMaterial } = bundle;
  const tiled = { ...verificationMaterial, tlogEntries: [entry], timestampVerificationData: { rfc3161Timestamps: [stamp] } };
  return { ...made, entry, stamp, bundle: { ...bundle, verificationMaterial: tiled } };
}

test('a bundle in the second version of Rekor holds by the time of an authority, and not without', async () => {
  for (let size = 1; size < 6; size += 1) {
    const { bundle } = await makeTiledBundle();
    await expect(verifyCosignBundle(bytesOf(bundle), subject, trust(`${issuer} ${workflow}`))).resolves.toMatchObject({ predicateType });
    const verificationMaterial = { ...bundle.verificationMaterial, timestampVerificationData: null };
    await expect(
      verifyCosignBundle(bytesOf({ ...bundle, verificationMaterial }), subject, trust(`${issuer} ${workflow}`)),
    ).rejects.toMatchObject({ code: 'certified-signature', message: expect.stringContaining('timestamp') });
  }
});

test('the time beside an entry counts for nothing where the log has not signed it', async () => {
  const { bundle, entry, certificate } = await makeTiledBundle();
  const { verificationMaterial } = bundle;
  const dated = (integratedTime: string, timestampVerificationData: object | null) => {
    const tlogEntries = [{ ...entry, integratedTime }];
    return bytesOf({ ...bundle, verificationMaterial: { ...verificationMaterial, tlogEntries, timestampVerificationData } });
  };
  const inTime = String(Date.parse(new X509Certificate(certificate).validFrom) / 1000);
  const { timestampVerificationData } = verificationMaterial;
  const verify = (bytes: Buffer) => verifyCosignBundle(bytes, subject, trust(`${issuer} ${workflow}`));
  await expect(verify(dated(inTime, timestampVerificationData))).resolves.toMatchObject({ predicateType });
  await expect(verify(dated(inTime, null))).rejects.toMatchObject({ message: expect.stringContaining('got 0') });
  await expect(verify(dated('1000000000', timestampVerificationData))).rejects.toMatchObject({
    message: expect.stringContaining('beside the entry'),
  });
});

test('a bundle whose log has the hash of something else is refused', async () => {
  const { bundle } = await makeTiledBundle(createHash('sha256').update(statement).digest());
  await expect(verifyCosignBundle(bytesOf(bundle), subject, trust(`${issuer} ${workflow}`))).rejects.toMatchObject({
    code: 'certified-signature',
    message: expect.stringContaining('of something else'),
  });
});

async function stampBy(authority: TimestampAuthority, signature: Uint8Array) {
  const { bytes } = toTimestampRequest(signature, 'ES256');
  const answer = await fetch(authority.url, { method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body: bytes });
  return { signedTimestamp: Buffer.from(await answer.arrayBuffer()).toString('base64') };
}

test('what logs and authorities that the root does not name vouch for neither helps nor harms', async () => {
  const other = await startSigstore();
  const authority = await startTimestampAuthority();
  try {
    const ours = await makeTiledBundle();
    const { signature, certificate, bundle } = ours;
    const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes: certificate.toString('base64') } };
    const content = signature.toString('base64');
    const theirs = other.logTiled({ hashedRekordRequestV002: { digest: '', signature: { content, verifier } } });
    const stamp = await stampBy(authority, signature);
    const verify = (tlogEntries: readonly object[], rfc3161Timestamps: readonly object[]) => {
      const verificationMaterial = { ...bundle.verificationMaterial, tlogEntries, timestampVerificationData: { rfc3161Timestamps } };
      return verifyCosignBundle(bytesOf({ ...bundle, verificationMaterial }), subject, trust(`${issuer} ${workflow}`));
    };
    await expect(verify([theirs, ours.entry], [stamp, ours.stamp])).resolves.toMatchObject({ predicateType });
    await expect(verify([theirs], [ours.stamp])).rejects.toMatchObject({ code: 'certified-signature' });
    await expect(verify([ours.entry], [stamp])).rejects.toMatchObject({ code: 'certified-signature' });
  } finally {
    await Promise.all([other.close(), authority.close()]);
  }
});

type Tiled = Awaited<ReturnType<typeof makeTiledBundle>>['bundle'];
type TiledEntry = Record<string, unknown> & { inclusionProof: { logIndex: string; checkpoint: { envelope: string } } };

/** Each of them is refused by sigstore-go as well. */
test.each<readonly [string, (material: Tiled['verificationMaterial'], entry: TiledEntry) => void, RegExp]>([
  ['an entry that is there twice', (material, entry) => Object.assign(material, { tlogEntries: [entry, entry] }), /twice/],
  [
    'an entry that names another log',
    (_, entry) => Object.assign(entry, { logId: { keyId: toLogId(sigstore, 0) } }),
    /no checkpoint signature/,
  ],
  ['an entry that names no log of the root', (_, entry) => Object.assign(entry, { logId: { keyId: 'AAAA' } }), /tlog/],
  ['an entry at another place than the proof', (_, entry) => Object.assign(entry, { logIndex: '999' }), /another place/],
  [
    'a checkpoint by a part of the name',
    (_, entry) => rewrite(entry, (text) => text.replaceAll('127.0.0.1 ', '127 ')),
    /no checkpoint signature/,
  ],
  ['a checkpoint with a line that is no signature', (_, entry) => rewrite(entry, (text) => `${text}x\n`), /no signature/],
  [
    'a checkpoint with a signature that is no base64',
    (_, entry) => rewrite(entry, (text) => `${text}\u2014 x AAAAAAAAAA\n`),
    /no signature/,
  ],
  ['a checkpoint with two empty lines', (_, entry) => rewrite(entry, (text) => text.replace('\n\n', '\n\n\n\n')), /no signed note/],
  ['a checkpoint without end', (_, entry) => rewrite(entry, (text) => text.trimEnd()), /no signed note/],
  [
    'a timestamp with something behind it',
    ({
      timestampVerificationData: {
        rfc3161Timestamps: [stamp],
      },
    }) => lengthen(stamp),
    /no answer/,
  ],
])('a bundle with %s is refused', async (_, change, reason) => {
  const { bundle } = await makeTiledBundle();
  const changed = structuredClone(bundle);
  change(changed.verificationMaterial, changed.verificationMaterial.tlogEntries[0] as TiledEntry);
  await expect(verifyCosignBundle(bytesOf(changed), subject, trust(`${issuer} ${workflow}`))).rejects.toMatchObject({
    code: 'certified-signature',
    message: expect.stringMatching(reason),
  });
});

function rewrite(entry: TiledEntry, change: (text: string) => string): void {
  const { checkpoint } = entry.inclusionProof;
  checkpoint.envelope = change(checkpoint.envelope);
}

function toLogId({ trustedRoot }: SigstoreInstance, at: number): string {
  return JSON.parse(trustedRoot.toString()).tlogs[at].logId.keyId;
}

function lengthen(stamp: { signedTimestamp: string } | undefined): void {
  if (stamp !== undefined)
    stamp.signedTimestamp = Buffer.concat([Buffer.from(stamp.signedTimestamp, 'base64'), Buffer.of(0)]).toString('base64');
}

test('a log of the first version may sign by the name of its machine, as one in a cluster does', async () => {
  const { bundle } = await makeCertifiedBundle(sigstore, statement);
  const root = JSON.parse(sigstore.trustedRoot.toString());
  const [log] = root.tlogs;
  const material = { ...root, tlogs: [{ ...log, baseUrl: 'http://rekor.rekor-system.svc' }] };
  const openRoot = async () => parseTrustedRoot('root.json', bytesOf(material));
  await expect(verifyCosignBundle(bytesOf(bundle), subject, { ...trust(`${issuer} ${workflow}`), openRoot })).resolves.toMatchObject({
    predicateType,
  });
});

test.each([
  ['the first', ['sigstore', 'other']],
  ['the second', ['other', 'sigstore']],
])('a bundle of %s of two trusted instances holds, a root a line', async (_, order) => {
  const other = await startSigstore();
  try {
    const { bundle } = await makeCertifiedBundle(sigstore, statement);
    const roots = { sigstore: sigstore.trustedRoot, other: other.trustedRoot };
    const lines = order.map((name) => roots[name as keyof typeof roots].toString());
    const openRoot = async () => parseTrustedRoot('roots.jsonl', Buffer.from(`${lines.join('\n')}\n`));
    const both = { ...trust(`${issuer} ${workflow}`), openRoot };
    await expect(verifyCosignBundle(bytesOf(bundle), subject, both)).resolves.toMatchObject({ predicateType });
    const theirs = { ...both, openRoot: async () => parseTrustedRoot('root.json', other.trustedRoot) };
    await expect(verifyCosignBundle(bytesOf(bundle), subject, theirs)).rejects.toMatchObject({ code: 'certified-signature' });
  } finally {
    await other.close();
  }
});

test('a layer of cosign 2 by a certificate holds', async () => {
  const layer = await makeCertifiedLayer(sigstore, document);
  expect(await verifyCosignLayer(layer, subject, trust(`${issuer} ${workflow}`))).toMatchObject({
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    signedBy: `${workflow} (${issuer})`,
    time: expect.any(Date),
  });
});

test.each([0, 5, 50, 500, 120, 123])('a timestamp of an authority counts beside the log, %i ms after the second', async (milliseconds) => {
  const { bundle, signature, answer } = await makeCertifiedBundle(sigstore, statement);
  vi.useFakeTimers({ toFake: ['Date'], now: (answer.integratedTime + 1) * 1000 + milliseconds });
  bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps.push({
    signedTimestamp: (await sigstore.timestamp(signature)).toString('base64'),
  });
  await expect(verifyCosignBundle(bytesOf(bundle), subject, trust(`${issuer} ${workflow}`))).resolves.toMatchObject({ predicateType });
});

test.each([
  ['nobody is trusted', []],
  ['another subject is', [`${issuer} ${workflow}2`]],
  ['another issuer is', [`https://example.com ${workflow}`]],
  ['a regular expression fits a part alone', [`${issuer} /https://github.com/octo-org/`]],
])('a bundle by a certificate is refused where %s', async (_, identities) => {
  const { bundle } = await makeCertifiedBundle(sigstore, statement);
  await expect(verifyCosignBundle(bytesOf(bundle), subject, trust(...identities))).rejects.toMatchObject({ code: 'untrusted' });
});

test.each([
  ['one word', issuer],
  ['three words', `${issuer} a b`],
  ['a regular expression that is none', `${issuer} /(/`],
])('an identity of %s is refused', (_, text) => {
  expect(() => parseCosignIdentity(text)).toThrow(expect.objectContaining({ code: 'cosign-identity', origin: 'input' }));
});

test.each([
  ['no JSON', (): unknown => 'x', 'JSON'],
  ['another type', (root: object) => ({ ...root, mediaType: 'application/json' }), 'mediaType'],
  ['nobody who certifies', (root: object) => ({ ...root, certificateAuthorities: [] }), 'certificateAuthorities'],
  ['nobody who says when', (root: object) => ({ ...root, tlogs: [], timestampAuthorities: [] }), 'tlogs'],
  [
    'a key that is none',
    (root: object) => ({
      ...root,
      tlogs: [{ publicKey: { rawBytes: 'AAAA', validFor: { start: '2020-01-01T00:00:00Z' } }, logId: { keyId: '' } }],
    }),
    'cannot be read',
  ],
  [
    'a log whose key counts since always',
    (root: { readonly ctlogs: readonly { readonly publicKey: object }[] }) => ({
      ...root,
      ctlogs: root.ctlogs.map((log) => ({ ...log, publicKey: { ...log.publicKey, validFor: { end: '2040-01-01T00:00:00Z' } } })),
    }),
    'since when',
  ],
])('a trusted root with %s is refused', async (what, change, reason) => {
  const root = change(JSON.parse(sigstore.trustedRoot.toString()));
  const bytes = what === 'no JSON' ? Buffer.from('{') : bytesOf(root as object);
  expect(() => parseTrustedRoot('root.json', bytes)).toThrow(
    expect.objectContaining({
      code: 'trusted-root',
      origin: 'input',
      message: expect.stringContaining(reason),
    }),
  );
});
