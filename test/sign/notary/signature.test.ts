import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { StepError } from '../../../src/lib/step-error.ts';
import type { KeySigner } from '../../../src/model/signer.ts';
import { payloadMediaType, type SignedSubject } from '../../../src/sign/notary/envelope-content.ts';
import { signNotary } from '../../../src/sign/notary/signature.ts';
import { verifyNotary } from '../../../src/sign/notary/verification.ts';
import { algorithms, leafExtensions, makeCertificate, makeChain, makeKeys, makeSigner } from '../chain.ts';

const subject: SignedSubject = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'ab'.repeat(32)}`,
  size: 1234,
};
const now = () => new Date('2026-06-01T12:00:00.789Z');
const { chain, keys } = makeChain('P-256');
const signer = makeSigner('ES256', keys, chain);
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];
const trust = { now, trusted: [root] };

function signature(overrides: Partial<Parameters<typeof signNotary>[0]> = {}) {
  return signNotary({ signer, subject, now, agent: 'image-custody/0.0.0', ...overrides });
}

/** An envelope signed for real whose header, payload or outside is not as it should be. */
async function forge(
  change: {
    header?: object;
    headerText?: (text: string) => string;
    payload?: unknown;
    outer?: object;
    raw?: (text: string) => string;
  },
  by: KeySigner = signer,
) {
  const header = {
    alg: 'ES256',
    cty: payloadMediaType,
    crit: ['io.cncf.notary.signingScheme'],
    'io.cncf.notary.signingScheme': 'notary.x509',
    'io.cncf.notary.signingTime': '2026-06-01T12:00:00Z',
    ...change.header,
  };
  const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const text = JSON.stringify(header);
  const parts = {
    protected: encode(change.headerText?.(text) ?? text),
    payload: encode(change.payload ?? { targetArtifact: subject }),
  };
  const value = await by.sign(Buffer.from(`${parts.protected}.${parts.payload}`));
  const x5c = by.certificateChain.map((der) => Buffer.from(der).toString('base64'));
  const whole = JSON.stringify({ ...parts, header: { x5c }, signature: Buffer.from(value).toString('base64url'), ...change.outer });
  return Buffer.from(change.raw?.(whole) ?? whole);
}

async function codeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof StepError) return error.code;
    throw error;
  }
  return 'accepted';
}

test.each(algorithms)('%s: what is signed by %s verifies', async (keyType, algorithm) => {
  const made = makeChain(keyType);
  const signed = await signature({ signer: makeSigner(algorithm, made.keys, made.chain) });
  const verified = await verifyNotary(signed, subject, { now, trusted: [made.chain[0] ?? Buffer.of()] });
  expect(verified.algorithm).toBe(algorithm);
  expect(verified.signingTime.toISOString()).toBe('2026-06-01T12:00:00.000Z');
  expect(verified.agent).toBe('image-custody/0.0.0');
});

test('annotations name the chain by its thumbprints, and nothing but digest, media type and size is signed', async () => {
  const signed = await signature({ subject: { ...subject, annotations: { a: 'b' } } as SignedSubject });
  const thumbprints = chain.map((der) => new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase());
  expect(signed).toMatchObject({
    artifactType: 'application/vnd.cncf.notary.signature',
    mediaType: 'application/jose+json',
    annotations: {
      'io.cncf.notary.x509chain.thumbprint#S256': JSON.stringify(thumbprints),
      'org.opencontainers.image.created': '2026-06-01T12:00:00Z',
    },
  });
  const envelope = JSON.parse(Buffer.from(signed.bytes).toString());
  expect(JSON.parse(Buffer.from(envelope.payload, 'base64url').toString())).toEqual({ targetArtifact: subject });
});

test('an expiry is critical, holds until it comes, and ends the signature', async () => {
  const signed = await signature({ lifetimeMs: Date.parse('2026-07-01T00:00:00Z') - Date.parse('2026-06-01T12:00:00Z') });
  const at = (time: string) => () => verifyNotary(signed, subject, { now: () => new Date(time), trusted: [leaf] });
  expect(await at('2026-06-30T23:59:59Z')()).toMatchObject({ expiry: new Date('2026-07-01T00:00:00Z') });
  expect(await codeOf(at('2026-07-01T00:00:00Z'))).toBe('expired');
});

test('a chain that no verifier accepts is refused before the key is used', async () => {
  let used = false;
  const sign = async (message: Uint8Array) => {
    used = true;
    return signer.sign(message);
  };
  const careful = { ...signer, certificateChain: [leaf, intermediate], sign };
  await expect(signature({ signer: careful })).rejects.toMatchObject({ code: 'certificate-rules', origin: 'signature' });
  expect(used).toBe(false);
});

test.each([
  ['by another key', async () => makeSigner('ES256', makeChain('P-256').keys, chain).sign(Buffer.from('x'))],
  ['of other bytes', async () => signer.sign(Buffer.from('something else'))],
  ['that is empty', async () => Buffer.alloc(0)],
  ['of zeros', async () => Buffer.alloc(64)],
])('a signature %s is never given back', async (_, sign) => {
  await expect(signature({ signer: { ...signer, sign } })).rejects.toMatchObject({ code: 'wrong-signature' });
});

test('an ECDSA signature in DER is not taken for one of JWS', async () => {
  const { sign } = await import('node:crypto');
  const der = { ...signer, sign: async (message: Uint8Array) => sign('sha256', message, keys.privateKey) };
  await expect(signature({ signer: der })).rejects.toMatchObject({ code: 'wrong-signature' });
});

test('a signer whose certificate is for another kind of key is refused', async () => {
  await expect(signature({ signer: { ...signer, certificateChain: makeChain('P-384').chain } })).rejects.toMatchObject({
    code: 'key-mismatch',
  });
});

test('200 signatures in a row have the full length, leading zeros and all', async () => {
  for (let round = 0; round < 200; round++) {
    const value = await signer.sign(Buffer.from(`message ${round}`));
    expect(value.length).toBe(64);
  }
});

test.each([
  ['another digest', { digest: `sha256:${'cd'.repeat(32)}` as const }],
  ['another size', { size: 1235 }],
  ['another media type', { mediaType: 'application/vnd.oci.image.index.v1+json' }],
])('a signature over %s is refused', async (_, other) => {
  const signed = await signature();
  expect(await codeOf(() => verifyNotary(signed, { ...subject, ...other }, trust))).toBe('other-subject');
});

test('a chain that is sound and not trusted is refused, and so is one without any trust', async () => {
  const signed = await signature();
  expect(await codeOf(() => verifyNotary(signed, subject, { now, trusted: [makeChain('P-256').chain[2] ?? Buffer.of()] }))).toBe(
    'untrusted',
  );
  expect(await codeOf(() => verifyNotary(signed, subject, { now, trusted: [] }))).toBe('untrusted');
});

test('a certificate that has expired since is refused', async () => {
  const signed = await signature();
  expect(await codeOf(() => verifyNotary(signed, subject, { ...trust, now: () => new Date('2047-01-01T00:00:00Z') }))).toBe(
    'certificate-rules',
  );
});

test.each<[string, string, Parameters<typeof forge>[0]]>([
  ['as it should be', 'accepted', {}],
  ['with a header of its own that is not critical', 'accepted', { header: { 'com.example.build': '1' } }],
  [
    'with an unknown critical header',
    'critical-header',
    { header: { 'com.example.must': '1', crit: ['io.cncf.notary.signingScheme', 'com.example.must'] } },
  ],
  [
    'that asks for a verification plugin',
    'critical-header',
    { header: { 'io.cncf.notary.verificationPlugin': 'p', crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.verificationPlugin'] } },
  ],
  ['that asks for one without marking it critical', 'critical-header', { header: { 'io.cncf.notary.verificationPlugin': 'p' } }],
  ['with an expiry in another case', 'envelope', { header: { 'io.cncf.notary.Expiry': '2026-06-02T12:00:00Z' } }],
  [
    'with a timestamp in another case',
    'envelope',
    { outer: { header: { x5c: [leaf.toString('base64')], 'IO.cncf.notary.timestampSignature': '' } } },
  ],
  ['of a time before 1970', 'envelope', { header: { 'io.cncf.notary.signingTime': '0001-01-01T00:00:00Z' } }],
  ['whose time is written with an escape', 'envelope', { headerText: (text) => text.replace('"2026-', '"\\u0032026-') }],
  ['without critical headers', 'envelope', { header: { crit: undefined } }],
  ['whose scheme is not critical', 'envelope', { header: { crit: [] } }],
  ['whose expiry is not critical', 'envelope', { header: { 'io.cncf.notary.expiry': '2027-01-01T00:00:00Z' } }],
  ['whose critical expiry is missing', 'envelope', { header: { crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry'] } }],
  [
    'that expires before it was made',
    'envelope',
    { header: { 'io.cncf.notary.expiry': '2026-05-01T00:00:00Z', crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry'] } },
  ],
  ['of another scheme', 'envelope', { header: { 'io.cncf.notary.signingScheme': 'notary.x509.signingAuthority' } }],
  ['with a claimed authority time', 'envelope', { header: { 'io.cncf.notary.authenticSigningTime': '2026-06-01T12:00:00Z' } }],
  ['without a time', 'envelope', { header: { 'io.cncf.notary.signingTime': undefined } }],
  ['with a time that is none', 'envelope', { header: { 'io.cncf.notary.signingTime': 'yesterday' } }],
  ['made before its certificate was valid', 'certificate-rules', { header: { 'io.cncf.notary.signingTime': '2020-01-01T00:00:00Z' } }],
  ['of another content type', 'envelope', { header: { cty: 'application/json' } }],
  ['by algorithm none', 'envelope', { header: { alg: 'none' } }],
  ['by HS256', 'envelope', { header: { alg: 'HS256' } }],
  ['by an algorithm that its key does not have', 'envelope', { header: { alg: 'ES384' } }],
  ['with a surplus field', 'envelope', { outer: { signatures: [] } }],
  ['without certificates', 'envelope', { outer: { header: { x5c: [] } } }],
  ['with a header signed and unsigned', 'envelope', { outer: { header: { x5c: [leaf.toString('base64')], alg: 'ES256' } } }],
  ['with critical headers unsigned', 'envelope', { outer: { header: { x5c: [leaf.toString('base64')], crit: [] } } }],
  ['with padding in base64url', 'envelope', { raw: (text) => text.replace(/"signature":"([^"]+)"/, '"signature":"$1="') }],
  ['with a key twice', 'envelope', { raw: (text) => text.replace('{', '{"payload":"e30",') }],
  ['with an escaped key twice', 'envelope', { raw: (text) => text.replace('{', '{"\\u0070ayload":"e30",') }],
  ['with text after it', 'envelope', { raw: (text) => `${text}{}` }],
  ['with a byte order mark', 'envelope', { raw: (text) => `\ufeff${text}` }],
  ['over a payload that is no object', 'envelope', { payload: '[]' }],
  [
    'over a payload with the subject twice',
    'envelope',
    { payload: JSON.stringify({ targetArtifact: subject }).replace('"size":1234', '"size":1,"size":1234') },
  ],
  [
    'over a payload with the digest in two cases',
    'envelope',
    { payload: { targetArtifact: { ...subject, Digest: `sha256:${'00'.repeat(32)}` } } },
  ],
  ['over a size with an exponent', 'envelope', { payload: JSON.stringify({ targetArtifact: subject }).replace('1234', '12.34e2') }],
  ['over a size with a fraction', 'envelope', { payload: JSON.stringify({ targetArtifact: subject }).replace('1234', '1234.0') }],
  ['over more than a digest', 'envelope', { payload: { targetArtifact: { ...subject, urls: ['https://example.com'] } } }],
  ['over something beside its subject', 'envelope', { payload: { targetArtifact: subject, other: 1 } }],
  ['over metadata', 'accepted', { payload: { targetArtifact: { ...subject, annotations: { a: '1.0', A: '2e3' } } } }],
  ['over a digest of another kind', 'envelope', { payload: { targetArtifact: { ...subject, digest: 'md5:abc' } } }],
])('an envelope %s is %s', async (_, outcome, change) => {
  const bytes = await forge(change);
  expect(await codeOf(() => verifyNotary({ bytes, mediaType: 'application/jose+json' }, subject, trust))).toBe(outcome);
});

test('no single changed byte of an envelope passes, but in the unsigned name of its writer', async () => {
  const own = makeKeys('P-256');
  const alone = makeCertificate({ name: 'Alone', keys: own, extensions: leafExtensions });
  const { bytes } = await signature({ signer: makeSigner('ES256', own, [alone]) });
  const text = Buffer.from(bytes).toString();
  const agent = text.indexOf('image-custody/0.0.0');
  const passed: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 0x01;
    const document = { bytes: changed, mediaType: 'application/jose+json' };
    if ((await codeOf(() => verifyNotary(document, subject, { now, trusted: [alone] }))) === 'accepted') passed.push(index);
  }
  expect(passed.filter((index) => index < agent - '"io.cncf.notary.signingAgent":"'.length || index > agent + 18)).toEqual([]);
});

test('what nobody could read is not signed at all', async () => {
  let asked = 0;
  const counting: KeySigner = {
    ...signer,
    sign: (message) => {
      asked += 1;
      return signer.sign(message);
    },
  };
  for (const format of ['jws', 'cose'] as const)
    for (const change of [{ lifetimeMs: 0 }, { lifetimeMs: 31_536_000_000 * 10_000 }, { metadata: new Map([['__proto__', 'x']]) }])
      await expect(signature({ signer: counting, format, ...change })).rejects.toMatchObject({ code: 'envelope' });
  expect(asked).toBe(0);
});

test.each(['alg', 'crit', 'x5c', 'io.cncf.notary.expiry', 'io.cncf.notary.anything'])(
  'an attribute cannot take the place of the header %s',
  async (name) => {
    for (const format of ['jws', 'cose'] as const)
      await expect(signature({ format, attributes: [{ name, value: 'x' }] })).rejects.toMatchObject({ code: 'envelope' });
  },
);
