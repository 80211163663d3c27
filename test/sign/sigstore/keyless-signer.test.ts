import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttp } from '../../../src/lib/http-client.ts';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { attestBundle, attestLayer } from '../../../src/sign/cosign/attestation.ts';
import { parseCosignIdentity } from '../../../src/sign/cosign/identity.ts';
import { signBundle, signLayer } from '../../../src/sign/cosign/signature.ts';
import { parseTrustedRoot } from '../../../src/sign/cosign/trusted-root.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../../src/sign/cosign/verification.ts';
import { type KeylessOptions, openKeyless } from '../../../src/sign/sigstore/keyless-signer.ts';
import { openPublicRoot } from '../../../src/sign/sigstore/public-root.ts';
import { issuer, workflow } from '../cosign/certified.ts';
import { type SigstoreInstance, startSigstore, toToken } from '../sigstore-instance.ts';

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
const now = () => new Date();
const http = createHttp({ userAgent: 'test' });

let sigstore: SigstoreInstance;
beforeAll(async () => {
  sigstore = await startSigstore();
});
afterAll(() => sigstore.close());

async function open(changes: Partial<KeylessOptions> = {}, token = toToken({ iss: issuer, sub: workflow })) {
  return openKeyless({
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    root: parseTrustedRoot('root.json', sigstore.trustedRoot),
    fetchIdentityToken: async (audience) => new SecretValue(audience === 'sigstore' ? token : 'another audience'),
    http,
    retry: { now, random: () => 0, sleep: () => Promise.resolve() },
    ...changes,
  });
}

test('signs and attests in both forms by one certificate, and all of it verifies by the identity', async () => {
  const signer = await open();
  const trust = {
    keys: [],
    identities: [parseCosignIdentity(`${issuer} ${workflow}`)],
    openRoot: async () => parseTrustedRoot('root.json', sigstore.trustedRoot),
  };
  const from = sigstore.asked.length;
  const request = { signer, subject, metadata: new Map([['run', '42']]) };
  const [bundle, layer, attested, envelope] = await Promise.all([
    signBundle(request, now),
    signLayer(request, 'r/a'),
    attestBundle({ signer, statement, predicateType }, now),
    attestLayer({ signer, statement, predicateType }),
  ]);
  expect(sigstore.asked.slice(from).toSorted()).toEqual([
    'POST /api/v1/log/entries',
    'POST /api/v1/log/entries',
    'POST /api/v1/log/entries',
    'POST /api/v1/log/entries',
    'POST /api/v2/signingCert',
  ]);
  const signedBy = `${workflow} (${issuer})`;
  const signature = { predicateType: 'https://sigstore.dev/cosign/sign/v1', signedBy, annotations: request.metadata };
  expect(await verifyCosignBundle(bundle.bytes, subject, trust)).toMatchObject(signature);
  expect(await verifyCosignLayer(layer, subject, trust)).toMatchObject(signature);
  const made = { predicateType, predicate: { tested: true }, signedBy, time: expect.any(Date) };
  expect(await verifyCosignBundle(attested.bytes, subject, trust)).toMatchObject(made);
  expect(await verifyCosignLayer(envelope, subject, trust)).toMatchObject(made);
  const { verificationMaterial } = JSON.parse(Buffer.from(bundle.bytes).toString());
  expect(Object.keys(verificationMaterial).toSorted()).toEqual(['certificate', 'timestampVerificationData', 'tlogEntries']);
  expect(layer.annotations['dev.sigstore.cosign/certificate']).toMatch(/^-----BEGIN CERTIFICATE-----/);
});

test('the address in a token is what Fulcio wants to be signed', async () => {
  const signer = await open({}, toToken({ iss: issuer, sub: 'id', email: 'someone@example.com' }));
  const [leaf = Buffer.alloc(0)] = await signer.witness.certify();
  expect(new X509Certificate(leaf).validTo).toMatch(/GMT$/);
});

test('a service that is short of breath is asked again', async () => {
  sigstore.fail('/api/v2/signingCert', 503);
  sigstore.fail('/api/v1/log/entries', 502, 500);
  await expect(attestBundle({ signer: await open(), statement, predicateType }, now)).resolves.toMatchObject({});
});

test.each([
  ['the authority refuses', '/api/v2/signingCert', [403], 'sigstore-refused', /certificate authority .* 403/],
  ['the authority fails three times', '/api/v2/signingCert', [500, 500, 500], 'sigstore-refused', /500/],
  ['the log refuses', '/api/v1/log/entries', [400], 'sigstore-refused', /log .* 400/],
  ['the log answers with something else', '/api/v1/log/entries', [200], 'sigstore-answer', /no entry/],
  ['the authority answers with something else', '/api/v2/signingCert', [201], 'sigstore-answer', /no chain/],
])('nothing is signed where %s', async (_, path, statuses, code, message) => {
  sigstore.fail(path, ...statuses);
  await expect(attestBundle({ signer: await open(), statement, predicateType }, now)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test('a service that is not there', async () => {
  const fulcioUrl = 'http://127.0.0.1:1';
  await expect(attestBundle({ signer: await open({ fulcioUrl }), statement, predicateType }, now)).rejects.toMatchObject({
    code: 'sigstore-unreachable',
  });
});

test('a token that is none is not told', async () => {
  const signer = await open({}, 'not.a-secret.token');
  const refusal = await attestBundle({ signer, statement, predicateType }, now).catch((error: Error) => error);
  expect(refusal).toMatchObject({ code: 'sigstore-answer' });
  expect(JSON.stringify(refusal) + String(refusal)).not.toContain('a-secret');
});

test('what verifiers of the instance would not accept is not attached', async () => {
  const other = await startSigstore();
  try {
    const signer = await open({ root: parseTrustedRoot('other.json', other.trustedRoot) });
    const refused = { code: 'certified-signature' };
    await expect(attestBundle({ signer, statement, predicateType }, now)).rejects.toMatchObject(refused);
    await expect(attestLayer({ signer, statement, predicateType })).rejects.toMatchObject(refused);
    await expect(signLayer({ signer, subject, metadata: new Map() }, 'r/a')).rejects.toMatchObject(refused);
  } finally {
    await other.close();
  }
});

test('the root of the public instance is the one of its TUF repository, and can be read', async () => {
  const bytes = await readFile(new URL('../../../src/sign/sigstore/public-root.json', import.meta.url));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe('6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66');
  const { material, thresholds } = await openPublicRoot();
  expect(material.tlogs.map(({ baseURL }) => baseURL)).toContain('https://rekor.sigstore.dev');
  expect(thresholds).toEqual({ tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
});
