import { constants, createHash, sign } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toDerSignature } from '../../src/lib/ecdsa-signature.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { KeySigner } from '../../src/model/signer.ts';
import { envelopeMediaTypes } from '../../src/sign/notary/envelope.ts';
import { notaryArtifactType, thumbprintAnnotation } from '../../src/sign/notary/signature.ts';
import { verifyNotary } from '../../src/sign/notary/verification.ts';
import { leafExtensions, makeCertificate, makeChain, makeKeys, makeSigner } from '../sign/chain.ts';
import { NotationRegistry, type Pushed } from './notation-registry.ts';
import { build, expiryName, type Format, type Parts, schemeName, type Tampering, time, timeName } from './tampered-envelope.ts';

interface Case extends Omit<Tampering, 'by'> {
  readonly what: string;
  /** What our error is: its code, and what it says of this case alone. */
  readonly code: string;
  readonly reason: RegExp;
  /** Read strictly by the specification or by us, where notation 1.3 lets it pass: why. */
  readonly acceptedByNotation?: string;
  readonly by?: KeySigner;
  /** Media type of the layer. */
  readonly as?: (format: Format) => string;
  readonly formats?: readonly Format[];
}

const { chain, keys } = makeChain('P-256');
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];
const signer = makeSigner('ES256', keys, chain);
const rsa = makeChain('RSA-2048');
const rsaSigner = makeSigner('PS256', rsa.keys, rsa.chain);
const stranger = makeChain('P-256');
const day = 86_400_000;
const now = new Date();
const short = (from: number, to: number) =>
  makeChain('P-256', { leaf: { from: new Date(now.getTime() + from), to: new Date(now.getTime() + to) } });
const expired = short(-30 * day, -day);
const early = short(day, 30 * day);

const target = (parts: Parts): Record<string, unknown> => (parts.payload as { targetArtifact: Record<string, unknown> }).targetArtifact;
const change =
  (name: string, value: unknown) =>
  (parts: Parts): void => {
    target(parts)[name] = value;
  };
const header =
  (name: string, value: unknown) =>
  ({ protected: headers }: Parts): void => {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  };
const withChain =
  (certificates: readonly Uint8Array[]) =>
  (parts: Parts): void => {
    parts.chain = certificates;
  };

const cases: readonly Case[] = [
  {
    what: 'another digest, signed as it should be',
    code: 'other-subject',
    reason: /over another digest/,
    forge: change('digest', `sha256:${'0'.repeat(64)}`),
  },
  { what: 'another size', code: 'other-subject', reason: /over another size/, forge: change('size', 1) },
  {
    what: 'another media type',
    code: 'other-subject',
    reason: /over another mediaType/,
    forge: change('mediaType', 'application/vnd.oci.image.index.v1+json'),
  },
  {
    what: 'its digest changed after it was signed',
    code: 'wrong-signature',
    reason: /not one by its certificate's key/,
    damage: change('digest', `sha256:${'1'.repeat(64)}`),
  },
  {
    what: 'metadata added after it was signed',
    code: 'wrong-signature',
    reason: /not one by its/,
    damage: change('annotations', { approved: 'yes' }),
  },
  { what: 'a header added after it was signed', code: 'wrong-signature', reason: /not one by its/, damage: header('com.example.x', 'y') },
  {
    what: 'its time changed after it was signed',
    code: 'wrong-signature',
    reason: /not one by its/,
    damage: header(timeName, time(-3_600_000)),
  },
  {
    what: 'its expiry taken out after it was signed',
    code: 'wrong-signature',
    reason: /not one by its/,
    forge: expiring(-1000),
    damage: ({ protected: headers }) => {
      headers.delete(expiryName);
      headers.set('crit', [schemeName]);
    },
  },
  {
    what: 'a signature with a bit changed',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: async (message, by) => flip(await by.sign(message)),
  },
  {
    what: 'a signature cut short',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: async (message, by) => (await by.sign(message)).subarray(0, 63),
  },
  {
    what: 'a signature with leading zeros',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: async (message, by) => Buffer.concat([Buffer.alloc(2), await by.sign(message)]),
  },
  {
    what: 'a signature in DER',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: async (message, by) => toDerSignature(await by.sign(message)),
  },
  { what: 'a signature of zeros', code: 'wrong-signature', reason: /not one by its/, signs: async () => Buffer.alloc(64) },
  { what: 'no signature', code: 'envelope|wrong-signature', reason: /signature/, signs: async () => Buffer.alloc(0) },
  {
    what: 'the signature of something else',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: (_, by) => by.sign(Buffer.from('something else')),
  },
  {
    what: 'a signature by another key',
    code: 'wrong-signature',
    reason: /not one by its/,
    signs: (message) => makeSigner('ES256', stranger.keys, []).sign(message),
  },
  {
    what: 'RSA in PKCS#1 v1.5 under the name of PSS',
    code: 'wrong-signature',
    reason: /not one by its/,
    by: rsaSigner,
    signs: async (message) => sign('sha256', message, { key: rsa.keys.privateKey, padding: constants.RSA_PKCS1_PADDING }),
  },
  {
    what: 'RSA in PKCS#1 v1.5 under its own name',
    code: 'envelope',
    reason: /algorithm|RS256/,
    by: rsaSigner,
    forge: header('alg', 'RS256'),
    signs: async (message) => sign('sha256', message, { key: rsa.keys.privateKey, padding: constants.RSA_PKCS1_PADDING }),
  },
  {
    what: 'RSA 2048 with SHA-384',
    code: 'envelope',
    reason: /is by "PS384", and its certificate's key signs with PS256/,
    by: rsaSigner,
    forge: header('alg', 'PS384'),
    signs: async (message) =>
      sign('sha384', message, { key: rsa.keys.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 }),
  },
  {
    what: 'an algorithm of another kind of key',
    code: 'envelope',
    reason: /is by "PS256", and its certificate's key signs with ES256/,
    forge: header('alg', 'PS256'),
  },
  {
    what: 'P-256 with SHA-384',
    code: 'envelope',
    reason: /is by "ES384", and its certificate's key signs with ES256/,
    forge: header('alg', 'ES384'),
    signs: async (message) => sign('sha384', message, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
  },
  { what: 'no algorithm', code: 'envelope', reason: /algorithm/, forge: header('alg', undefined) },
  {
    what: 'the algorithm "none"',
    code: 'envelope',
    reason: /algorithm/,
    forge: header('alg', 'none'),
    signs: async () => Buffer.from('x'),
    formats: ['jws'],
  },
  { what: 'an algorithm with a shared secret', code: 'envelope', reason: /algorithm/, forge: header('alg', 'HS256'), formats: ['jws'] },
  { what: 'another type of payload', code: 'envelope', reason: /content type|payload/i, forge: header('cty', 'text/plain') },
  { what: 'no type of payload', code: 'envelope', reason: /content type|payload/i, forge: header('cty', undefined) },
  {
    what: 'a critical header that nobody knows',
    code: 'critical-header',
    reason: /com\.example\.must/,
    forge: critical('com.example.must', 'y'),
    acceptedByNotation: 'its extended attributes are left to plugins, and without one are passed over',
  },
  {
    what: 'a critical header that is not there',
    code: 'envelope|critical-header',
    reason: /com\.example\.gone/,
    forge: critical('com.example.gone', undefined),
  },
  {
    what: 'an unknown critical header of the specification',
    code: 'critical-header|envelope',
    reason: /io\.cncf\.notary\.newer/,
    forge: critical('io.cncf.notary.newer', 'y'),
    acceptedByNotation: 'it takes it for an extended attribute, though the name is reserved',
  },
  {
    what: 'a plugin to verify with',
    code: 'critical-header',
    reason: /the plugin "com\.example\.verifier", and plugins are not run/,
    forge: critical('io.cncf.notary.verificationPlugin', 'com.example.verifier'),
  },
  {
    what: 'a plugin to verify with that is not critical',
    code: 'critical-header',
    reason: /the plugin "com\.example\.verifier", and plugins are not run/,
    forge: header('io.cncf.notary.verificationPlugin', 'com.example.verifier'),
  },
  { what: 'no critical headers', code: 'envelope', reason: /crit/, forge: header('crit', undefined) },
  { what: 'a scheme that is not critical', code: 'envelope', reason: /crit/, forge: header('crit', []) },
  {
    what: 'an expiry that is not critical',
    code: 'envelope',
    reason: /expiry/,
    forge: (parts) => {
      parts.protected.set(expiryName, time(day));
    },
  },
  { what: 'no scheme', code: 'envelope', reason: /its signing scheme \(undefined\) is not known/, forge: header(schemeName, undefined) },
  { what: 'another scheme', code: 'envelope', reason: /cheme/, forge: header(schemeName, 'notary.x510') },
  { what: 'no time', code: 'envelope', reason: /signingTime/, forge: header(timeName, undefined) },
  { what: 'a time that is none', code: 'envelope', reason: /signingTime/, forge: header(timeName, 'yesterday') },
  { what: 'a time that is the zero of Go', code: 'envelope', reason: /signingTime/, forge: header(timeName, '0001-01-01T00:00:00Z') },
  { what: 'an expiry that is past', code: 'expired', reason: /it expired at/, forge: expiring(-1000) },
  { what: 'an expiry before its time', code: 'envelope', reason: /it expires before it was made/, forge: expiring(-30 * day) },
  {
    what: 'a certificate that has expired, without a timestamp',
    code: 'certificate-rules',
    reason: /validity|expired|valid/,
    by: makeSigner('ES256', expired.keys, expired.chain),
    forge: header(timeName, time(-10 * day)),
  },
  {
    what: 'a time after the end of the certificate',
    code: 'certificate-rules',
    reason: /valid/,
    by: makeSigner('ES256', expired.keys, expired.chain),
  },
  {
    what: 'a certificate that is not valid yet',
    code: 'certificate-rules',
    reason: /valid/,
    by: makeSigner('ES256', early.keys, early.chain),
  },
  {
    what: 'a time before the certificate',
    code: 'certificate-rules',
    reason: /valid/,
    forge: header(timeName, new Date('2020-01-01T00:00:00Z')),
    acceptedByNotation: 'the claimed time is not held against the chain under notary.x509',
  },
  { what: 'a chain in reverse order', code: 'wrong-signature|envelope', reason: /./, forge: withChain([root, intermediate, leaf]) },
  {
    what: 'a chain with its issuers in the wrong order',
    code: 'certificate-rules',
    reason: /order|issue/i,
    forge: withChain([leaf, root, intermediate]),
  },
  { what: 'a chain without its middle', code: 'certificate-rules', reason: /issue/i, forge: withChain([leaf, root]) },
  { what: 'a chain without its root', code: 'certificate-rules', reason: /self-signed|root|ends/i, forge: withChain([leaf, intermediate]) },
  { what: 'a chain of the leaf alone', code: 'certificate-rules', reason: /self-signed|root|ends|issue/i, forge: withChain([leaf]) },
  { what: 'a chain with the leaf twice', code: 'certificate-rules', reason: /./, forge: withChain([leaf, leaf, intermediate, root]) },
  {
    what: 'a chain with a stranger at its end',
    code: 'certificate-rules',
    reason: /./,
    forge: withChain([...chain, ...stranger.chain.slice(2)]),
  },
  { what: 'no chain', code: 'envelope', reason: /x5c|x5chain/, forge: withChain([]) },
  {
    what: 'a chain that is no certificate',
    code: 'envelope|certificate-rules',
    reason: /certificate/,
    forge: withChain([Buffer.from('certificate')]),
  },
  {
    what: 'a stranger with certificates of the same names',
    code: 'untrusted',
    reason: /no certificate of its chain is trusted/,
    by: makeSigner('ES256', stranger.keys, stranger.chain),
  },
  {
    what: "a stranger's leaf under the real issuers",
    code: 'certificate-rules',
    reason: /issue|sign/i,
    by: makeSigner('ES256', stranger.keys, [stranger.chain[0] ?? leaf, intermediate, root]),
  },
  { what: 'the real certificate at the end of a self-signed one', code: 'certificate-rules', reason: /./, by: aloneWith(root) },
  {
    what: 'a payload that is no JSON',
    code: 'envelope',
    reason: /payload/,
    forge: (parts) => {
      parts.payload = Buffer.from('{"targetArtifact":');
    },
  },
  {
    what: 'a payload of nothing',
    code: 'envelope',
    reason: /payload/,
    forge: (parts) => {
      parts.payload = {};
    },
  },
  { what: 'a payload without a digest', code: 'envelope', reason: /digest/, forge: change('digest', undefined) },
  { what: 'a size with a fraction', code: 'envelope', reason: /payload/, forge: rewritten('}}', '.0}}') },
  { what: 'addresses that are none in its payload', code: 'envelope', reason: /urls/, forge: change('urls', 'https://example.com') },
  {
    what: 'a member more in its payload',
    code: 'envelope',
    reason: /com\.example/,
    forge: change('com.example', 'x'),
    acceptedByNotation: 'Go passes over members that it does not know; the specification allows none',
  },
  {
    what: 'a countersignature where none belongs',
    code: 'envelope',
    reason: /header 11 has no place/,
    forge: (parts) => {
      (parts.protected as Map<unknown, unknown>).set(11, []);
    },
    formats: ['cose'],
  },
  {
    what: 'a payload that says its digest twice',
    code: 'envelope',
    reason: /payload/,
    forge: rewritten('"targetArtifact":{', `"targetArtifact":{"digest":"sha256:${'0'.repeat(64)}",`),
    acceptedByNotation: 'Go reads the last of them',
  },
  { what: 'half an envelope', code: 'envelope', reason: /envelope/, whole: (bytes) => bytes.subarray(0, bytes.length / 2) },
  { what: 'an envelope without its last byte', code: 'envelope', reason: /envelope/, whole: (bytes) => bytes.subarray(0, -1) },
  {
    what: 'an envelope with something after it',
    code: 'envelope',
    reason: /envelope/,
    whole: (bytes) => Buffer.concat([bytes, Buffer.from('{}')]),
  },
  { what: 'an envelope of nothing', code: 'envelope', reason: /./, whole: () => Buffer.from('{}') },
  {
    what: 'the name of the other form',
    code: 'envelope',
    reason: /envelope|COSE/,
    as: (format) => envelopeMediaTypes[format === 'jws' ? 'cose' : 'jws'],
  },
  { what: 'the name of no form', code: 'envelope', reason: /media type/, as: () => 'application/json' },
];

function expiring(offsetMs: number) {
  return (parts: Parts): void => {
    parts.protected.set(timeName, time(-day));
    parts.protected.set(expiryName, time(offsetMs));
    parts.protected.set('crit', [...(parts.protected.get('crit') as string[]), expiryName]);
  };
}

function critical(name: string, value: unknown) {
  return (parts: Parts): void => {
    parts.protected.set('crit', [...(parts.protected.get('crit') as string[]), name]);
    if (value !== undefined) parts.protected.set(name, value);
  };
}

function rewritten(from: string, to: string) {
  return (parts: Parts): void => {
    parts.payload = Buffer.from(JSON.stringify(parts.payload).replace(from, to));
  };
}

function flip(bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes);
  changed[10] = (changed[10] ?? 0) ^ 1;
  return changed;
}

function aloneWith(trusted: Buffer): KeySigner {
  const own = makeKeys('P-256');
  return makeSigner('ES256', own, [makeCertificate({ name: 'Alone', keys: own, extensions: leafExtensions }), trusted]);
}

let registry: NotationRegistry;
let subject: Pushed;
beforeAll(async () => {
  registry = await NotationRegistry.start();
});
afterAll(() => registry?.stop());

function toSignature(bytes: Uint8Array, mediaType: string, certificates: readonly Uint8Array[]) {
  const thumbprints = certificates.map((der) => createHash('sha256').update(der).digest('hex'));
  return { artifactType: notaryArtifactType, mediaType, bytes, annotations: { [thumbprintAnnotation]: JSON.stringify(thumbprints) } };
}

async function refusalOf(bytes: Uint8Array, mediaType: string, trusted: readonly Uint8Array[]): Promise<StepError | undefined> {
  try {
    await verifyNotary({ bytes, mediaType }, subject, { now: () => new Date(), trusted });
    return undefined;
  } catch (error) {
    if (error instanceof StepError) return error;
    throw error;
  }
}

const all = cases.flatMap((given) => (given.formats ?? (['jws', 'cose'] as const)).map((format) => ({ ...given, format })));

test.each(all)('$format: $what is refused by us, and by notation', async (given) => {
  const { format, what, code, reason, acceptedByNotation, by = signer, as = () => envelopeMediaTypes[format] } = given;
  const repository = `tampered/${format}-${cases.findIndex((other) => other.what === what)}`;
  subject = await registry.pushImage(repository);
  const bytes = await build(format, subject, { ...given, by });
  const isStranger = code === 'untrusted';
  const trusted = isStranger ? root : Buffer.from(by.certificateChain.at(-1) ?? root);
  const refusal = await refusalOf(bytes, as(format), [trusted]);
  expect(refusal?.code).toMatch(new RegExp(`^(?:${code})$`));
  expect(refusal?.message).toMatch(reason);
  await registry.attach(repository, subject, toSignature(bytes, as(format), by.certificateChain));
  const verdict = await registry.verify(repository, subject.digest, trusted);
  if (acceptedByNotation === undefined) expect(verdict).not.toContain('Successfully verified');
  else expect(verdict).toContain('Successfully verified');
});
