import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto';
import type { Digest } from '../../src/model/digest.ts';
import type { TaggedLayer } from '../../src/model/signed-document.ts';
import { toPreAuthentication } from '../../src/sign/cosign/dsse.ts';
import { makeKeys } from '../sign/chain.ts';
import { makeCertifiedBundle, makeCertifiedLayer, workflow } from '../sign/cosign/certified.ts';
import { type SigstoreInstance, startSigstore } from '../sign/sigstore-instance.ts';

export interface Case<Made> {
  readonly what: string;
  readonly make: () => Promise<Made> | Made;
  /** What our error is: its code, and what it says of this case. */
  readonly code: string;
  readonly reason: RegExp;
  /** Whose root is trusted; absent: the one that all others are by. */
  readonly root?: () => SigstoreInstance;
  /** Where cosign 3.1.3 lets it pass: why. */
  readonly acceptedByCosign?: string;
}

const payloadType = 'application/vnd.in-toto+json';
export const predicateType = 'https://example.com/tested/v1';
export const manifest = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', layers: [] }),
);
export const digest: Digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
export const keys = makeKeys('P-256');
const stranger = makeKeys('P-256');
const hint = ({ publicKey }: { readonly publicKey: KeyObject }) =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

/** Instances that the cases are made with; `late` certifies for ten minutes of last week. */
export interface Instances {
  readonly sigstore: SigstoreInstance;
  readonly other: SigstoreInstance;
  readonly late: SigstoreInstance;
}

let instances: Instances | undefined;

function of(name: keyof Instances): SigstoreInstance {
  if (instances === undefined) throw new Error('no instance is there yet');
  return instances[name];
}

export async function startInstances(): Promise<Instances> {
  const week = 7 * 86_400_000;
  instances = { sigstore: await startSigstore(), other: await startSigstore(), late: await startSigstore(new Date(Date.now() - week)) };
  return instances;
}

function toStatement(changes: object = {}): Buffer {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { sha256: digest.slice(7) } }],
    predicateType,
  };
  return Buffer.from(JSON.stringify({ ...statement, predicate: { tested: true }, ...changes }));
}

/** A bundle by a key, over `payload`. */
export function toBundle(payload = toStatement(), key = keys.privateKey, hash = 'sha256') {
  const signature = sign(hash, toPreAuthentication(payloadType, payload), key);
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: hint(keys) } } as Record<string, unknown>,
    dsseEnvelope: { payload: payload.toString('base64'), payloadType, signatures: [{ sig: signature.toString('base64') }] },
  };
}

function bySignature(change: (signature: Buffer) => Buffer) {
  const bundle = toBundle();
  const [{ sig }] = bundle.dsseEnvelope.signatures as [{ sig: string }];
  return {
    ...bundle,
    dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [{ sig: change(Buffer.from(sig, 'base64')).toString('base64') }] },
  };
}

function flip(bytes: Buffer, at = bytes.length - 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** DER whose first number has a needless zero before it. */
function padded(der: Buffer): Buffer {
  const [, length = 0, , first = 0] = der;
  return Buffer.concat([Buffer.from([0x30, length + 1, 0x02, first + 1, 0]), der.subarray(4)]);
}

const envelopeOf = (changes: object) => ({ ...toBundle(), dsseEnvelope: { ...toBundle().dsseEnvelope, ...changes } });
export const text = (value: object) => JSON.stringify(value);

export const byKey: readonly Case<object | string>[] = [
  {
    what: 'another payload',
    make: () => envelopeOf({ payload: toStatement({ predicate: {} }).toString('base64') }),
    code: 'wrong-signature',
    reason: /not one by key\.pub/,
  },
  { what: 'a bit of the signature', make: () => bySignature(flip), code: 'wrong-signature', reason: /key\.pub/ },
  {
    what: 'a signature by another key under our hint',
    make: () => toBundle(toStatement(), stranger.privateKey),
    code: 'wrong-signature',
    reason: /key\.pub/,
  },
  {
    what: 'a signature by another key',
    make: () => ({ ...toBundle(toStatement(), stranger.privateKey), verificationMaterial: { publicKey: { hint: hint(stranger) } } }),
    code: 'untrusted',
    reason: /none of the trusted keys/,
  },
  { what: 'SHA-1', make: () => toBundle(toStatement(), keys.privateKey, 'sha1'), code: 'wrong-signature', reason: /key\.pub/ },
  { what: 'DER with a leading zero', make: () => bySignature(padded), code: 'wrong-signature', reason: /key\.pub/ },
  {
    what: 'bytes behind DER',
    make: () => bySignature((der) => Buffer.concat([der, Buffer.of(0)])),
    code: 'wrong-signature',
    reason: /key\.pub/,
  },
  { what: 'truncated DER', make: () => bySignature((der) => der.subarray(0, -1)), code: 'wrong-signature', reason: /key\.pub/ },
  {
    what: 'r and s instead of DER',
    make: () =>
      bySignature(() =>
        sign('sha256', toPreAuthentication(payloadType, toStatement()), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
    code: 'wrong-signature',
    reason: /key\.pub/,
    acceptedByCosign: 'it takes both encodings, though it writes DER alone',
  },
  { what: 'another type of payload', make: () => envelopeOf({ payloadType: 'text/plain' }), code: 'bundle', reason: /type "text\/plain"/ },
  {
    what: 'two signatures',
    make: () => envelopeOf({ signatures: [...toBundle().dsseEnvelope.signatures, ...toBundle().dsseEnvelope.signatures] }),
    code: 'bundle',
    reason: /dsseEnvelope\.signatures/,
  },
  { what: 'no signature', make: () => envelopeOf({ signatures: [] }), code: 'bundle', reason: /dsseEnvelope\.signatures/ },
  { what: 'a payload that is no base64', make: () => envelopeOf({ payload: '{}' }), code: 'bundle', reason: /dsseEnvelope\.payload/ },
  {
    what: 'a key of JSON twice',
    make: () => text(toBundle()).replace('"payload":', '"payload":"e30=","payload":'),
    code: 'bundle',
    reason: /twice/,
  },
  {
    what: 'a key of JSON in another case',
    make: () => text(toBundle()).replace('"payload":', '"Payload":"e30=","payload":'),
    code: 'bundle',
    reason: /differ in case/,
  },
  { what: 'a field that nobody knows', make: () => ({ ...toBundle(), note: 'x' }), code: 'bundle', reason: /note/ },
  {
    what: 'a version that nobody knows',
    make: () => ({ ...toBundle(), mediaType: 'application/vnd.dev.sigstore.bundle.v0.9+json' }),
    code: 'bundle',
    reason: /mediaType/,
  },
  { what: 'half of a bundle', make: () => text(toBundle()).slice(0, 200), code: 'bundle', reason: /JSON/ },
  {
    what: 'neither key nor certificate',
    make: () => ({ ...toBundle(), verificationMaterial: {} }),
    code: 'bundle',
    reason: /one key or certificate/,
  },
  {
    what: 'no content',
    make: () => ({ ...toBundle(), dsseEnvelope: undefined }),
    code: 'bundle',
    reason: /one of dsseEnvelope and messageSignature/,
  },
  {
    what: 'a statement about another image',
    make: () => toBundle(toStatement({ subject: [{ digest: { sha256: 'ab'.repeat(32) } }] })),
    code: 'other-subject',
    reason: /is over "(?:ab){32}"/,
  },
  {
    what: 'a statement about another hash',
    make: () => toBundle(toStatement({ subject: [{ digest: { sha512: digest.slice(7) } }] })),
    code: 'other-subject',
    reason: /nothing with a SHA-256/,
  },
  { what: 'a statement about nothing', make: () => toBundle(toStatement({ subject: [] })), code: 'bundle', reason: /subject/ },
  {
    what: 'a statement of another form',
    make: () => toBundle(toStatement({ _type: 'https://example.com/Statement/v9' })),
    code: 'bundle',
    reason: /_type/,
    acceptedByCosign: 'it does not look at the form of a statement that it does not know',
  },
  {
    what: 'a field of a statement that nobody knows',
    make: () => toBundle(toStatement({ note: 'x' })),
    code: 'bundle',
    reason: /statement: what stands at note/,
  },
  {
    what: 'a field of a subject that nobody knows',
    make: () => toBundle(toStatement({ subject: [{ digest: { sha256: digest.slice(7) }, note: 'x' }] })),
    code: 'bundle',
    reason: /subject\.0\.note/,
  },
  {
    what: 'a digest that is not in hexadecimal digits',
    make: () => toBundle(toStatement({ subject: [{ digest: { sha256: digest.slice(7), dirHash: 'h1:x' } }] })),
    code: 'bundle',
    reason: /hexadecimal/,
  },
  {
    what: 'too many digests of one subject',
    make: () => {
      const others = Array.from({ length: 32 }, (_, at) => [`hash${at}`, 'ab']);
      return toBundle(toStatement({ subject: [{ digest: { sha256: digest.slice(7), ...Object.fromEntries(others) } }] }));
    },
    code: 'bundle',
    reason: /more than 32 digests/,
  },
  { what: 'a predicate that is text', make: () => toBundle(toStatement({ predicate: 'x' })), code: 'bundle', reason: /predicate is text/ },
  { what: 'a predicate that is a list', make: () => toBundle(toStatement({ predicate: [] })), code: 'bundle', reason: /predicate/ },
  {
    what: 'a number that other readers have no room for',
    make: () => toBundle(Buffer.from(toStatement().toString().replace('true', '1e400'))),
    code: 'bundle',
    reason: /number that is too large/,
  },
  {
    what: 'a log entry without a proof',
    make: async () => {
      const { bundle } = await again();
      const { inclusionProof: _, ...entry } = bundle.verificationMaterial.tlogEntries[0] ?? {};
      return { ...toBundle(), verificationMaterial: { ...toBundle().verificationMaterial, tlogEntries: [entry] } };
    },
    code: 'bundle',
    reason: /no inclusionProof/,
  },
  {
    what: 'a certificate where a key is to be named',
    make: async () => ({ ...toBundle(), verificationMaterial: { certificate: (await again()).bundle.verificationMaterial.certificate } }),
    code: 'wrong-signature',
    reason: /certificate's key/,
  },
  {
    what: 'a statement whose subject is there twice',
    make: () => toBundle(Buffer.from(toStatement().toString().replace('"subject"', '"subject":[],"subject"'))),
    code: 'bundle',
    reason: /"subject" is there twice/,
  },
];

type Certified = Awaited<ReturnType<typeof makeCertifiedBundle>>;

/** A bundle by a certificate, of which `change` exchanges something. */
function certified(change: (made: Certified) => unknown, from = () => of('sigstore'), ...who: readonly string[]) {
  return async () => {
    const made = await makeCertifiedBundle(from(), toStatement(), ...who);
    await change(made);
    return made.bundle;
  };
}
const entryOf = ({ bundle }: Certified) =>
  bundle.verificationMaterial.tlogEntries[0] as NonNullable<Certified['bundle']['verificationMaterial']['tlogEntries'][0]>;
export const again = () => makeCertifiedBundle(of('sigstore'), toStatement());

export const byCertificate: readonly Case<object>[] = [
  {
    what: 'no entry of a log',
    make: certified(({ bundle }) => {
      bundle.verificationMaterial.tlogEntries = [];
    }),
    code: 'certified-signature',
    reason: /expected 1 timestamps, got 0/,
  },
  {
    what: 'the log entry of another signature',
    make: certified(async (made) => {
      made.bundle.verificationMaterial.tlogEntries = [entryOf(await again())];
    }),
    code: 'certified-signature',
    reason: /another certificate/,
  },
  {
    what: 'the log entry twice',
    make: certified((made) => {
      made.bundle.verificationMaterial.tlogEntries.push(entryOf(made));
    }),
    code: 'certified-signature',
    reason: /there twice/,
  },
  {
    what: 'a bit of the log’s promise',
    make: certified((made) => {
      const { inclusionPromise } = entryOf(made);
      inclusionPromise.signedEntryTimestamp = flip(Buffer.from(inclusionPromise.signedEntryTimestamp, 'base64')).toString('base64');
    }),
    code: 'certified-signature',
    reason: /inclusion promise/,
  },
  {
    what: 'another time of the log',
    make: certified((made) => {
      const entry = entryOf(made);
      entry.integratedTime = String(Number(entry.integratedTime) + 1);
    }),
    code: 'certified-signature',
    reason: /inclusion promise/,
  },
  {
    what: 'another place in the log',
    make: certified((made) => {
      entryOf(made).logIndex += '1';
    }),
    code: 'certified-signature',
    reason: /inclusion promise/,
  },
  {
    what: 'another tree of the log',
    make: certified((made) => {
      entryOf(made).inclusionProof.rootHash = Buffer.alloc(32, 1).toString('base64');
    }),
    code: 'certified-signature',
    reason: /another tree/,
  },
  {
    what: 'a checkpoint of another log',
    make: certified(async (made) => {
      entryOf(made).inclusionProof = entryOf(await makeCertifiedBundle(of('other'), toStatement())).inclusionProof;
    }),
    code: 'certified-signature',
    reason: /checkpoint signature/,
  },
  {
    what: 'a checkpoint signed by a regular expression',
    make: certified((made) => {
      const { checkpoint } = entryOf(made).inclusionProof;
      checkpoint.envelope = checkpoint.envelope.replace(/^\u2014 \S+/m, '\u2014 (.*)*');
    }),
    code: 'certified-signature',
    reason: /no name/,
    acceptedByCosign: 'it looks for the key of a checkpoint by its hint, whatever the name',
  },
  {
    what: 'a log entry of another kind',
    make: certified((made) => {
      entryOf(made).kindVersion.kind = 'rekord';
    }),
    code: 'certified-signature',
    reason: /kind rekord/,
    acceptedByCosign: 'it reads the kind in the entry itself',
  },
  {
    what: 'a certificate of another instance',
    make: certified(
      () => undefined,
      () => of('other'),
    ),
    code: 'certified-signature',
    reason: /certificate/,
  },
  {
    what: 'a certificate whose time was over',
    make: certified(
      () => undefined,
      () => of('late'),
    ),
    code: 'certified-signature',
    reason: /expired/,
    root: () => of('late'),
  },
  {
    what: 'another certificate for the same identity',
    make: certified(async ({ bundle }) => {
      bundle.verificationMaterial.certificate.rawBytes = (await again()).certificate.toString('base64');
    }),
    code: 'wrong-signature',
    reason: /certificate's key/,
  },
  { what: 'another subject', make: certified(() => undefined, undefined, `${workflow}2`), code: 'untrusted', reason: /main2/ },
  {
    what: 'another issuer',
    make: certified(() => undefined, undefined, workflow, 'https://example.com'),
    code: 'untrusted',
    reason: /example\.com/,
  },
  {
    what: 'a certificate chain',
    make: certified(({ bundle, certificate }) => {
      Object.assign(bundle.verificationMaterial, {
        certificate: undefined,
        x509CertificateChain: { certificates: [{ rawBytes: certificate.toString('base64') }] },
      });
    }),
    code: 'bundle',
    reason: /certificate chain/,
  },
  {
    what: 'a timestamp of another signature',
    make: certified(async ({ bundle }) => {
      bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps.push({
        signedTimestamp: (await of('sigstore').timestamp(Buffer.from('x'))).toString('base64'),
      });
    }),
    code: 'certified-signature',
    reason: /timestamp/i,
    acceptedByCosign: 'it looks at timestamps where it is asked to, and at the log else',
  },
  {
    what: 'another payload',
    make: certified(({ bundle }) => {
      bundle.dsseEnvelope.payload = toStatement({ predicate: {} }).toString('base64');
    }),
    code: 'wrong-signature',
    reason: /certificate's key/,
  },
];

export const document = (changes: object = {}) =>
  Buffer.from(
    text({
      critical: {
        identity: { 'docker-reference': 'r/a' },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
        ...changes,
      },
      optional: null,
    }),
  );
export function toLayer(bytes = document(), key = keys.privateKey): TaggedLayer {
  return {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    bytes,
    annotations: { 'dev.cosignproject.cosign/signature': sign('sha256', bytes, key).toString('base64') },
  };
}
const certifiedLayer = (change: (annotations: Record<string, string>) => unknown) => async (): Promise<TaggedLayer> => {
  const layer = await makeCertifiedLayer(of('sigstore'), document());
  const annotations = { ...layer.annotations };
  await change(annotations);
  return { ...layer, annotations };
};
const logName = 'dev.sigstore.cosign/bundle';
function changeLog(
  annotations: Record<string, string>,
  change: (log: { SignedEntryTimestamp: string; Payload: Record<string, unknown> }) => unknown,
) {
  const log = JSON.parse(annotations[logName] ?? '');
  change(log);
  annotations[logName] = text(log);
}

export const layersByKey: readonly Case<TaggedLayer>[] = [
  {
    what: 'a signature of another image',
    make: () => toLayer(document({ image: { 'docker-manifest-digest': `sha256:${'ab'.repeat(32)}` } })),
    code: 'other-subject',
    reason: /(?:ab){32}/,
  },
  {
    what: 'another document',
    make: () => ({ ...toLayer(), bytes: document({ identity: { 'docker-reference': 'r/b' } }) }),
    code: 'untrusted',
    reason: /none of the trusted keys/,
  },
  { what: 'another key', make: () => toLayer(document(), stranger.privateKey), code: 'untrusted', reason: /none of the trusted keys/ },
  { what: 'no signature', make: () => ({ ...toLayer(), annotations: {} }), code: 'bundle', reason: /no signature in base64/ },
  {
    what: 'a signature that is no base64',
    make: () => ({ ...toLayer(), annotations: { 'dev.cosignproject.cosign/signature': '!' } }),
    code: 'bundle',
    reason: /no signature in base64/,
  },
  {
    what: 'a document of another type',
    make: () => toLayer(document({ type: 'other' })),
    code: 'bundle',
    reason: /critical\.type/,
    acceptedByCosign: 'it compares the digest alone',
  },
  {
    what: 'a repository that is no text',
    make: () => toLayer(document({ identity: { 'docker-reference': 1 } })),
    code: 'bundle',
    reason: /docker-reference/,
  },
  {
    what: 'a field of the document that nobody knows',
    make: () => toLayer(document({ note: 'x' })),
    code: 'bundle',
    reason: /critical\.note/,
    acceptedByCosign: 'it reads what it knows; Podman refuses it',
  },
  {
    what: 'a document that names two images',
    make: () => toLayer(Buffer.from(document().toString().replace('"image":', '"image":{"docker-manifest-digest":"sha256:0"},"image":'))),
    code: 'bundle',
    reason: /"image" is there twice/,
    acceptedByCosign: 'the last one wins in Go',
  },
];
export const layersByCertificate: readonly Case<TaggedLayer>[] = [
  {
    what: 'no certificate that can be read',
    make: certifiedLayer((annotations) => {
      annotations['dev.sigstore.cosign/certificate'] = 'x';
    }),
    code: 'bundle',
    reason: /is no certificate/,
  },
  {
    what: 'no entry of a log',
    make: certifiedLayer((annotations) => {
      delete annotations[logName];
    }),
    code: 'certified-signature',
    reason: /expected 1 timestamps, got 0/,
  },
  {
    what: 'another place in the log',
    make: certifiedLayer((annotations) =>
      changeLog(annotations, ({ Payload }) => {
        Payload.logIndex = 1;
      }),
    ),
    code: 'certified-signature',
    reason: /inclusion promise/,
  },
  {
    what: 'the log entry of another signature',
    make: certifiedLayer(async (annotations) => {
      annotations[logName] = (await makeCertifiedLayer(of('sigstore'), document())).annotations[logName] ?? '';
    }),
    code: 'certified-signature',
    reason: /another certificate/,
  },
  {
    what: 'the certificate of another key',
    make: certifiedLayer(async (annotations) => {
      annotations['dev.sigstore.cosign/certificate'] = new X509Certificate((await again()).certificate).toString();
    }),
    code: 'wrong-signature',
    reason: /certificate's key/,
  },
];
