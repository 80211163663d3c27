import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import { attestBundle, attestLayer } from '../../../src/sign/cosign/attestation.ts';
import { toPreAuthentication } from '../../../src/sign/cosign/dsse.ts';
import { signBundle, signLayer } from '../../../src/sign/cosign/signature.ts';
import { type CosignTrust, parseCosignKey } from '../../../src/sign/cosign/trust.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../../src/sign/cosign/verification.ts';
import { algorithms, type Keys, makeKeys, makeSigner } from '../chain.ts';

const subject = { digest: `sha256:${'ab'.repeat(32)}` as Digest };
const other = { digest: `sha256:${'cd'.repeat(32)}` as Digest };
const now = () => new Date('2026-11-29T05:06:07Z');
const predicateType = 'https://example.com/tested/v1';

function toStatement(predicate: unknown, digest: Digest = subject.digest): Buffer {
  const hex = digest.slice('sha256:'.length);
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'app', digest: { sha256: hex } }],
      predicateType,
      predicate,
    }),
  );
}

function toTrust(...keys: readonly Keys[]): CosignTrust {
  return {
    keys: keys.map(({ publicKey }, at) => parseCosignKey(`key ${at}`, publicKey.export({ type: 'spki', format: 'pem' }).toString())),
    identities: [],
    openRoot: () => Promise.reject(new Error('no certificate is looked at')),
  };
}

test.each(algorithms)('%s: signatures and statements in both forms, by one of several keys', async (keyType, algorithm) => {
  const keys = makeKeys(keyType);
  const signer = makeSigner(algorithm, keys, []);
  const trust = toTrust(makeKeys('P-256'), keys);
  const metadata = new Map([['run', '42']]);
  const signature = { predicateType: 'https://sigstore.dev/cosign/sign/v1', predicate: {}, annotations: metadata, signedBy: 'key 1' };
  const { bytes } = await signBundle({ signer, subject, metadata }, now);
  expect(await verifyCosignBundle(bytes, subject, trust)).toEqual(signature);
  expect(await verifyCosignLayer(await signLayer({ signer, subject, metadata }, 'r/a'), subject, trust)).toEqual(signature);
  const predicate = { environment: { Path: '1', PATH: '2' } };
  const request = { signer, statement: toStatement(predicate), predicateType };
  const statement = { predicateType, predicate, annotations: new Map(), signedBy: 'key 1' };
  expect(await verifyCosignBundle((await attestBundle(request, now)).bytes, subject, trust)).toEqual(statement);
  expect(await verifyCosignLayer(await attestLayer(request), subject, trust)).toEqual(statement);
});

test('Ed25519, and a curve with the hash of another one, as cosign signs', async () => {
  const keys = generateKeyPairSync('ed25519');
  const wide = makeKeys('P-521');
  const payload = toStatement({});
  for (const [hash, { publicKey, privateKey }] of [
    [null, keys],
    ['sha256', wide],
  ] as const) {
    const sig = sign(hash, toPreAuthentication('application/vnd.in-toto+json', payload), privateKey).toString('base64');
    const envelope = { payload: payload.toString('base64'), payloadType: 'application/vnd.in-toto+json', signatures: [{ sig, keyid: '' }] };
    const layer = { mediaType: 'application/vnd.dsse.envelope.v1+json', bytes: Buffer.from(JSON.stringify(envelope)), annotations: {} };
    expect(await verifyCosignLayer(layer, subject, toTrust({ publicKey, privateKey }))).toMatchObject({ predicateType });
  }
});

describe('an envelope at the tag of cosign 2', () => {
  const keys = makeKeys('P-256');
  const payloadType = 'application/vnd.in-toto+json';
  const toLayer = (payload: Buffer, more: object = {}) => {
    const sig = sign('sha256', toPreAuthentication(payloadType, payload), keys.privateKey).toString('base64');
    const envelope = { payload: payload.toString('base64'), payloadType, signatures: [{ sig, ...more }] };
    return { mediaType: 'application/vnd.dsse.envelope.v1+json', bytes: Buffer.from(JSON.stringify(envelope)), annotations: {} };
  };

  test.each([
    ['text', toStatement('found nothing'), 'found nothing'],
    ['nothing', toStatement(null), {}],
  ])('may hold %s', async (_, payload, predicate) => {
    expect(await verifyCosignLayer(toLayer(payload), subject, toTrust(keys))).toMatchObject({ predicate });
  });

  test.each([null, '', 'any'])('may name its key %j, which says nothing', async (keyid) => {
    expect(await verifyCosignLayer(toLayer(toStatement({}), { keyid }), subject, toTrust(keys))).toMatchObject({ signedBy: 'key 0' });
  });

  test('has one subject of the manifest, among digests of other kinds', async () => {
    const statement = {
      ...JSON.parse(toStatement({}).toString()),
      subject: [{ digest: { dirHash: 'h1:x' } }, { digest: { sha256: 'ab'.repeat(32) }, annotations: null }],
    };
    const layer = toLayer(Buffer.from(JSON.stringify(statement)));
    expect(await verifyCosignLayer(layer, subject, toTrust(keys))).toMatchObject({ predicateType, annotations: new Map() });
    await expect(verifyCosignLayer(layer, other, toTrust(keys))).rejects.toMatchObject({ code: 'other-subject' });
  });

  test('has one signature', async () => {
    const layer = toLayer(toStatement({}));
    const envelope = JSON.parse(layer.bytes.toString());
    const bytes = Buffer.from(JSON.stringify({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }));
    await expect(verifyCosignLayer({ ...layer, bytes }, subject, toTrust(keys))).rejects.toMatchObject({ code: 'bundle' });
  });
});

test('of a layer with a certificate a trusted key is enough; an annotation without one is none', async () => {
  const keys = makeKeys('P-256');
  const layer = await signLayer({ signer: makeSigner('ES256', keys, []), subject, metadata: new Map() }, 'r/a');
  const withCertificate = (pem: string) => ({ ...layer, annotations: { ...layer.annotations, 'dev.sigstore.cosign/certificate': pem } });
  expect(await verifyCosignLayer(withCertificate(''), subject, toTrust(keys))).toMatchObject({ signedBy: 'key 0' });
  await expect(verifyCosignLayer(withCertificate('x'), subject, toTrust(keys))).rejects.toMatchObject({ code: 'bundle' });
});

test('a bundle of very many values is none, whatever they are: they would fill the memory', async () => {
  const junk = Buffer.from(`{"mediaType":[${'[],'.repeat(20_000)}[]]}`);
  const layer = { mediaType: 'application/vnd.dsse.envelope.v1+json', bytes: junk, annotations: {} };
  for (const read of [
    verifyCosignBundle(junk, subject, toTrust(makeKeys('P-256'))),
    verifyCosignLayer(layer, subject, toTrust(makeKeys('P-256'))),
  ])
    await expect(read).rejects.toMatchObject({ code: 'bundle', message: expect.stringContaining('values') });
});

describe('a bundle over the manifest itself', () => {
  const manifest = Buffer.from('{"schemaVersion":2}');
  const digest: Digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  const keys = makeKeys('P-256');
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'any' } },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: Buffer.from(digest.slice(7), 'hex').toString('base64') },
      signature: sign('sha256', manifest, keys.privateKey).toString('base64'),
    },
  };
  const bytes = Buffer.from(JSON.stringify(bundle));

  test('is a signature', async () => {
    const verified = await verifyCosignBundle(bytes, { digest, bytes: manifest }, toTrust(keys));
    expect(verified).toMatchObject({ predicateType: 'https://sigstore.dev/cosign/sign/v1', signedBy: 'key 0' });
  });

  test.each([
    ['of another manifest', other, 'other-subject'],
    ['of a manifest that is not at hand', { digest }, 'bundle'],
    ['of a manifest with other bytes', { digest, bytes: Buffer.from('{}') }, 'bundle'],
  ])('%s is refused', async (_, asked, code) => {
    await expect(verifyCosignBundle(bytes, asked, toTrust(keys))).rejects.toMatchObject({ code });
  });
});

test.each([
  ['a private key', makeKeys('P-256').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'has to begin with'],
  ['RSA with 1024 bits', makeKeys('RSA-1024').publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'RSA 1024'],
  ['another curve', makeKeys('secp256k1').publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'secp256k1'],
  [
    'two keys',
    ['P-256', 'P-384'].map((type) => makeKeys(type as 'P-256').publicKey.export({ type: 'spki', format: 'pem' })).join(''),
    '2 PEM blocks',
  ],
  ['nonsense', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'no public key'],
])('%s is no key to trust', (_, pem, reason) => {
  const isRefused = expect.objectContaining({ code: 'cosign-key', origin: 'input', message: expect.stringContaining(reason) });
  expect(() => parseCosignKey('cosign.pub', pem)).toThrow(isRefused);
});
