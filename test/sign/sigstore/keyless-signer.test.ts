import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttp } from '../../../src/lib/http-client.ts';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import type { Digest } from '../../../src/model/digest.ts';
import { startTimestampAuthority } from '../../../src/sandbox/timestamp.ts';
import { attestBundle, attestLayer } from '../../../src/sign/cosign/attestation.ts';
import { parseCosignIdentity } from '../../../src/sign/cosign/identity.ts';
import { signBundle, signLayer } from '../../../src/sign/cosign/signature.ts';
import { parseTrustedRoot } from '../../../src/sign/cosign/trusted-root.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../../src/sign/cosign/verification.ts';
import { type KeylessOptions, openKeyless } from '../../../src/sign/sigstore/keyless-signer.ts';
import { openPublicRoot } from '../../../src/sign/sigstore/public-root.ts';
import type { LogVersion, SigstoreServices } from '../../../src/sign/sigstore/signing-config.ts';
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
    services: toServices(),
    root: parseTrustedRoot('root.json', sigstore.trustedRoot),
    fetchIdentityToken: async (audience) => new SecretValue(audience === 'sigstore' ? token : 'another audience'),
    http,
    retry: { now, random: () => 0, sleep: () => Promise.resolve() },
    ...changes,
  });
}

function toServices(changes: Partial<SigstoreServices> = {}): SigstoreServices {
  return { fulcioUrl: sigstore.url, logs: [{ url: sigstore.url, version: 1 }], timestampUrls: [], ...changes };
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

test.each([
  ['says so', 413, statement],
  ['only fails', 500, Buffer.concat([statement, Buffer.alloc(4_000_000, 0x20)])],
])('where a log that was sent too much %s, the error tells what to leave out', async (_, status, sent) => {
  sigstore.fail('/api/v1/log/entries', status, status, status);
  const error = await attestBundle({ signer: await open(), statement: sent, predicateType }, now).catch((reason: Error) => reason);
  expect(error).toMatchObject({ code: 'sigstore-refused', hint: expect.stringMatching(/sent \d+\.\d MB.* leave sbom out of attest/) });
});

test('the words of a service are repeated, without the token', async () => {
  const token = toToken({ iss: issuer, sub: workflow });
  sigstore.fail('/api/v2/signingCert', { status: 400, message: `There was an error processing the identity token ${token}` });
  const error = await attestBundle({ signer: await open({}, token), statement, predicateType }, now).catch((reason: Error) => reason);
  expect(error).toMatchObject({ message: expect.stringMatching(/status 400: There was an error processing the identity token \*\*\*/) });
  expect(String(error)).not.toContain(token.split('.')[1]);
});

test.each([
  ['certificate authority', () => toServices({ fulcioUrl: nowhere }), 'sigstore-unreachable'],
  ['log', () => toServices({ logs: [{ url: nowhere, version: 2 }] }), 'sigstore-unreachable'],
  ['authority of time', () => toServices({ timestampUrls: [nowhere] }), 'sigstore-refused'],
])('a %s that is not there', async (_, services, code) => {
  const signer = await open({ services: services() });
  await expect(attestBundle({ signer, statement, predicateType }, now)).rejects.toMatchObject({ code });
});
const nowhere = 'http://127.0.0.1:1';

test.each([
  ['the second version of Rekor and an authority of time', 1, 1, { logs: [2] }],
  ['both versions of Rekor and two authorities', 2, 2, { logs: [1, 2], timestamps: 2 }],
  ['an authority of time alone', 0, 1, { logs: [] }],
] as const)(
  'a bundle by %s verifies',
  async (_, entries, stamps, { logs, timestamps = 1 }: { logs: readonly LogVersion[]; timestamps?: number }) => {
    const other = await startTimestampAuthority();
    const json = JSON.parse(sigstore.trustedRoot.toString());
    const certificates = other.chain.certificates.map(({ raw }) => ({ rawBytes: raw.toString('base64') }));
    const uri = other.url;
    const timestampAuthorities = [
      ...json.timestampAuthorities,
      { uri, certChain: { certificates }, validFor: { start: '2020-01-01T00:00:00Z' } },
    ];
    const root = parseTrustedRoot(
      'root.json',
      Buffer.from(JSON.stringify({ ...json, timestampAuthorities, ...(logs.length === 0 && { tlogs: [] }) })),
    );
    const services = toServices({
      logs: logs.map((version) => ({ url: sigstore.url, version })),
      timestampUrls: [sigstore.timestampUrl, other.url].slice(0, timestamps),
    });
    const signer = await open({ services, root });
    const { bytes } = await attestBundle({ signer, statement, predicateType }, now);
    await other.close();
    const { verificationMaterial } = JSON.parse(Buffer.from(bytes).toString());
    expect(verificationMaterial.tlogEntries ?? []).toHaveLength(entries);
    expect(verificationMaterial.timestampVerificationData.rfc3161Timestamps).toHaveLength(stamps);
    const trust = { keys: [], identities: [parseCosignIdentity(`${issuer} ${workflow}`)], openRoot: async () => root };
    expect(await verifyCosignBundle(bytes, subject, trust)).toMatchObject({ predicateType, time: expect.any(Date) });
  },
);

test('a layer has a timestamp beside its entry, or alone', async () => {
  const timestamps = { timestampUrls: [sigstore.timestampUrl] };
  const json = JSON.parse(sigstore.trustedRoot.toString());
  for (const [logs, root, annotations] of [
    [[{ url: sigstore.url, version: 1 }], sigstore.trustedRoot, ['bundle', 'rfc3161timestamp']],
    [[], Buffer.from(JSON.stringify({ ...json, tlogs: [] })), ['rfc3161timestamp']],
  ] as const) {
    const trusted = parseTrustedRoot('root.json', root);
    const signer = await open({ services: toServices({ logs, ...timestamps }), root: trusted });
    const layer = await signLayer({ signer, subject, metadata: new Map() }, 'r/a');
    const names = Object.keys(layer.annotations).map((name) => name.split('/')[1] ?? '');
    expect(names.filter((name) => ['bundle', 'rfc3161timestamp'].includes(name)).toSorted()).toEqual(annotations);
    const trust = { keys: [], identities: [parseCosignIdentity(`${issuer} ${workflow}`)], openRoot: async () => trusted };
    expect(await verifyCosignLayer(layer, subject, trust)).toMatchObject({ time: expect.any(Date) });
    const envelope = await attestLayer({ signer, statement, predicateType });
    expect(await verifyCosignLayer(envelope, subject, trust)).toMatchObject({ predicate: { tested: true }, time: expect.any(Date) });
  }
});

test('what the root names nobody for is not attached, though something else vouches for it', async () => {
  const stranger = await startTimestampAuthority();
  const signer = await open({ services: toServices({ timestampUrls: [stranger.url] }) });
  await expect(attestBundle({ signer, statement, predicateType }, now)).rejects.toMatchObject({
    code: 'certified-signature',
    message: expect.stringContaining('does not name each'),
  });
  await stranger.close();
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
  const [{ material, thresholds } = { material: undefined, thresholds: undefined }, ...others] = await openPublicRoot();
  expect(others).toEqual([]);
  expect(material?.tlogs.map(({ baseURL }) => baseURL)).toContain('https://rekor.sigstore.dev');
  expect(thresholds).toEqual({ tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
});
