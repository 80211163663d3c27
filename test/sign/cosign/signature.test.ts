import { createHash, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { toPreAuthentication } from '../../../src/sign/cosign/dsse.ts';
import { isBySigner, isOwnBundle } from '../../../src/sign/cosign/own-signature.ts';
import { signBundle, signLayer, toSimpleSigning } from '../../../src/sign/cosign/signature.ts';
import { algorithms, makeKeys, makeSigner } from '../chain.ts';

const subject = { digest: `sha256:${'ab'.repeat(32)}` as const };
const now = () => new Date('2026-11-29T05:06:07.890Z');

test('the example of the DSSE specification', () => {
  expect(Buffer.from(toPreAuthentication('http://example.com/HelloWorld', Buffer.from('hello world'))).toString()).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
});

test.each(algorithms)('%s signs a bundle over a statement of the digest', async (keyType, algorithm) => {
  const keys = makeKeys(keyType);
  const signer = makeSigner(algorithm, keys, []);
  const { bytes, artifactType, annotations } = await signBundle({ signer, subject, metadata: new Map([['run', '42']]) }, now);
  const bundle = JSON.parse(Buffer.from(bytes).toString());
  const { payload, payloadType, signatures } = bundle.dsseEnvelope;
  const content = Buffer.from(payload, 'base64');
  expect(JSON.parse(content.toString())).toEqual({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: 'ab'.repeat(32) }, annotations: { run: '42' } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  });
  const hash = algorithm.startsWith('PS') ? 'sha256' : `sha${algorithm.slice(2)}`;
  expect(verify(hash, toPreAuthentication(payloadType, content), keys.publicKey, Buffer.from(signatures[0].sig, 'base64'))).toBe(true);
  const hint = createHash('sha256')
    .update(keys.publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64');
  expect(bundle.verificationMaterial).toEqual({ publicKey: { hint } });
  expect(artifactType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
  expect(annotations['org.opencontainers.image.created']).toBe('2026-11-29T05:06:07Z');
});

test('simple signing names digest and repository', async () => {
  const keys = makeKeys('P-256');
  const signer = makeSigner('ES256', keys, []);
  const layer = await signLayer({ signer, subject, metadata: new Map() }, 'registry.example.com/team/app');
  expect(JSON.parse(Buffer.from(layer.bytes).toString())).toEqual({
    critical: {
      identity: { 'docker-reference': 'registry.example.com/team/app' },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  });
  const signature = Buffer.from(layer.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
  expect(verify('sha256', layer.bytes, keys.publicKey, signature)).toBe(true);
});

test.each([
  ['by another key', async () => makeSigner('ES256', makeKeys('P-256'), [])],
  [
    'of another message',
    async () => {
      const signer = makeSigner('ES256', makeKeys('P-256'), []);
      return { ...signer, sign: () => signer.sign(Buffer.from('another')) };
    },
  ],
  [
    'cut short',
    async () => {
      const signer = makeSigner('ES256', makeKeys('P-256'), []);
      return { ...signer, sign: async (message: Uint8Array) => (await signer.sign(message)).subarray(0, 63) };
    },
  ],
])('refuses a signature %s', async (what, make) => {
  const made = await make();
  const own = makeSigner('ES256', makeKeys('P-256'), []);
  const signer = what === 'by another key' ? { ...made, publicKey: own.publicKey } : made;
  const request = { signer, subject, metadata: new Map() };
  await expect(signBundle(request, now)).rejects.toMatchObject({ code: 'wrong-signature' });
  await expect(signLayer(request, 'r/a')).rejects.toMatchObject({ code: 'wrong-signature' });
});

test.each(algorithms)(
  '%s: own signatures are told from those of other keys, manifests and metadata, and from changed ones',
  async (keyType, algorithm) => {
    const signer = makeSigner(algorithm, makeKeys(keyType), []);
    const request = { signer, subject, metadata: new Map([['run', '42']]) };
    const others = [
      { ...request, signer: makeSigner(algorithm, makeKeys(keyType), []) },
      { ...request, subject: { digest: `sha256:${'cd'.repeat(32)}` as const } },
      { ...request, metadata: new Map([['run', '43']]) },
      { ...request, metadata: new Map() },
    ];
    const { bytes } = await signBundle(request, now);
    const layer = await signLayer(request, 'r/a');
    const signature = Buffer.from(layer.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
    const isOwnLayer = (other: typeof request) => isBySigner(other.signer, toSimpleSigning(other, 'r/a'), signature);
    expect([isOwnBundle(bytes, request), isOwnLayer(request)]).toEqual([true, true]);
    for (const other of others) expect([isOwnBundle(bytes, other), isOwnLayer(other)]).toEqual([false, false]);
    const changed = JSON.parse(Buffer.from(bytes).toString());
    const [first] = changed.dsseEnvelope.signatures;
    const damaged = Buffer.from(first.sig, 'base64');
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    const text = (sig: string) =>
      Buffer.from(JSON.stringify({ ...changed, dsseEnvelope: { ...changed.dsseEnvelope, signatures: [{ sig }] } }));
    expect(isOwnBundle(text(damaged.toString('base64')), request)).toBe(false);
    expect(isOwnBundle(text(''), request)).toBe(false);
    expect(isOwnBundle(Buffer.from('{}'), request)).toBe(false);
    expect(isOwnBundle(Buffer.from(bytes).subarray(1), request)).toBe(false);
    expect(isBySigner(signer, layer.bytes, Buffer.alloc(0))).toBe(false);
  },
);
