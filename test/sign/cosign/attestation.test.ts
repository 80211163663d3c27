import { verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { attestBundle, attestLayer } from '../../../src/sign/cosign/attestation.ts';
import { toPreAuthentication } from '../../../src/sign/cosign/dsse.ts';
import { openOwnBundle, openOwnEnvelope } from '../../../src/sign/cosign/own-signature.ts';
import { algorithms, makeKeys, makeSigner } from '../chain.ts';

const predicateType = 'https://example.com/tested/v1';
const statement = Buffer.from(
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { sha256: 'ab'.repeat(32) } }],
    predicateType,
    predicate: { tested: true },
  }),
);
const now = () => new Date('2026-11-29T05:06:07.890Z');

test.each(algorithms)('%s signs a statement as a bundle and as a layer, byte for byte', async (keyType, algorithm) => {
  const keys = makeKeys(keyType);
  const signer = makeSigner(algorithm, keys, []);
  const bundle = await attestBundle({ signer, statement, predicateType }, now);
  const layer = await attestLayer({ signer, statement, predicateType });
  expect(bundle.annotations).toMatchObject({
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': predicateType,
    'org.opencontainers.image.created': '2026-11-29T05:06:07Z',
  });
  expect(layer).toMatchObject({
    mediaType: 'application/vnd.dsse.envelope.v1+json',
    annotations: { 'dev.cosignproject.cosign/signature': '', predicateType },
  });
  const hash = algorithm.startsWith('PS') ? 'sha256' : `sha${algorithm.slice(2)}`;
  for (const envelope of [JSON.parse(Buffer.from(bundle.bytes).toString()).dsseEnvelope, JSON.parse(Buffer.from(layer.bytes).toString())]) {
    const { payload, payloadType, signatures } = envelope;
    expect(Buffer.from(payload, 'base64').equals(statement)).toBe(true);
    const message = toPreAuthentication(payloadType, statement);
    expect(verify(hash, message, keys.publicKey, Buffer.from(signatures[0].sig, 'base64'))).toBe(true);
  }
});

test('own statements are opened, and nobody else’s', async () => {
  const signer = makeSigner('ES256', makeKeys('P-256'), []);
  const other = makeSigner('ES256', makeKeys('P-256'), []);
  const { bytes: bundle } = await attestBundle({ signer, statement, predicateType }, now);
  const { bytes: envelope } = await attestLayer({ signer, statement, predicateType });
  expect(openOwnBundle(bundle, signer)).toEqual(statement);
  expect(openOwnEnvelope(envelope, signer)).toEqual(statement);
  expect([openOwnBundle(bundle, other), openOwnEnvelope(envelope, other)]).toEqual([undefined, undefined]);
  expect([openOwnBundle(envelope, signer), openOwnEnvelope(bundle, signer)]).toEqual([undefined, undefined]);
  const changed = JSON.parse(Buffer.from(envelope).toString());
  const payload = Buffer.from(statement.toString().replace('true', 'null')).toString('base64');
  expect(openOwnEnvelope(Buffer.from(JSON.stringify({ ...changed, payload })), signer)).toBe(undefined);
});
