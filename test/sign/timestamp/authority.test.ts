import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createHttp } from '../../../src/lib/http-client.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import type { SignatureAlgorithm } from '../../../src/model/signer.ts';
import { createSigningChain } from '../../../src/sandbox/certificate.ts';
import { startStandIn } from '../../../src/sandbox/stand-in.ts';
import { createTimestampChain } from '../../../src/sandbox/timestamp/chain.ts';
import { startTimestampAuthority, type TimestampAuthorityOptions } from '../../../src/sandbox/timestamp.ts';
import { fetchTimestamp, readTimestampRoots } from '../../../src/sign/timestamp/authority.ts';
import { verifyTimestamp } from '../../../src/sign/timestamp/verification.ts';

const signer = await createSigningChain();
const dayMs = 86_400_000;
const authorityChain = await createTimestampChain({
  validity: { notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() + 30 * dayMs) },
});
const root = authorityChain.certificates.at(-1)?.raw ?? new Uint8Array();
const retry = { now: () => new Date(), random: () => 0, sleep: async () => {} };

function fetchFrom(
  url: string,
  {
    algorithm = 'ES256',
    signature = randomBytes(64),
    certificates = signer.certificates,
  }: {
    algorithm?: SignatureAlgorithm;
    signature?: Uint8Array;
    certificates?: typeof signer.certificates;
  } = {},
) {
  const http = createHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const certificateChain = certificates.map(({ raw }) => raw);
  return fetchTimestamp({ url: new URL(url), trusted: [root] }, signature, { algorithm, certificateChain }, { http, retry });
}

async function start(options: TimestampAuthorityOptions = {}) {
  const authority = await startTimestampAuthority({ chain: authorityChain, ...options });
  onTestFinished(() => authority.close());
  return authority;
}

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return `${error.code}: ${error.message} ${error.hint}`;
    throw error;
  }
  return 'none';
}

test.each(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const)('a signature by %s is countersigned', async (algorithm) => {
  const { url, requests } = await start({ token: { accuracy: { seconds: 1 } } });
  const signature = randomBytes(64);
  const token = await fetchFrom(url, { algorithm, signature });
  const { time, accuracyMs } = verifyTimestamp(token, signature, algorithm, { trusted: [root] });
  expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000);
  expect(accuracyMs).toBe(1000);
  expect(requests.map(({ method, headers }) => [method, headers['content-type'], headers.accept])).toEqual([
    ['POST', 'application/timestamp-query', 'application/timestamp-reply'],
  ]);
});

test('each request has a nonce of its own', async () => {
  const { url, requests } = await start();
  const signature = randomBytes(64);
  for (let count = 0; count < 3; count += 1) await fetchFrom(url, { signature });
  expect(new Set(requests.map(({ body }) => body.toString('hex'))).size).toBe(3);
});

test('an authority that refuses is quoted, on one line', async () => {
  const { url } = await start({ refusal: { text: 'out of time\n::error::x', failure: 'timeNotAvailable' } });
  const { host } = new URL(url);
  expect(await refusalOf(fetchFrom(url))).toContain(
    `timestamp-refused: Cannot get a timestamp from ${host}: it refuses (rejection): out of time\\n::error::x, timeNotAvailable`,
  );
});

test.each([
  ['other-imprint', /^timestamp-imprint: /],
  ['other-nonce', /^timestamp-nonce: .*nonce of another request/],
  ['no-nonce', /^timestamp-nonce: .*no nonce/],
  ['no-certificates', /^timestamp-certificate: /],
  ['damaged-signature', /^timestamp-signature: /],
] as const)('a token with the flaw %s is not taken', async (flaw, reason) => {
  const { url } = await start({ token: { flaw } });
  expect(await refusalOf(fetchFrom(url))).toMatch(reason);
});

test('a token of another authority is not taken', async () => {
  const { url } = await start({ chain: await createTimestampChain() });
  expect(await refusalOf(fetchFrom(url))).toMatch(/^timestamp-untrusted: .*timestamp-certificate/);
});

test('a timestamp at which the signing certificate was not valid is not taken', async () => {
  const { url } = await start();
  for (const flaw of ['expired', 'not-yet-valid'] as const) {
    const { certificates } = await createSigningChain({ flaw });
    expect(await refusalOf(fetchFrom(url, { certificates }))).toMatch(
      /^timestamp-validity: .*"C=US, ST=WA, O=Image Custody sandbox, CN=image-custody-sandbox"/,
    );
  }
});

test('a signing certificate that may have been not valid yet is not taken', async () => {
  const notBefore = Math.max(...signer.certificates.map(({ validFrom }) => Date.parse(validFrom)));
  const { url } = await start({ token: { accuracy: { seconds: 10 } }, now: () => new Date(notBefore + 9_000) });
  expect(await refusalOf(fetchFrom(url))).toMatch(/^timestamp-validity: Cannot verify the signature by its timestamp/);
});

test('an authority that is busy is asked again, and not without end', async () => {
  const { url, requests } = await start({ faults: [{ status: 503, times: 2 }] });
  await fetchFrom(url);
  expect(requests).toHaveLength(3);
  const busy = await start({ faults: [{ status: 429, times: 100 }] });
  expect(await refusalOf(fetchFrom(busy.url))).toMatch(/^timestamp-authority: .*status 429/);
  expect(busy.requests).toHaveLength(4);
});

test.each([
  ['a page', 200, 'text/html', '<html>', /content of type "text\/html" instead of application\/timestamp-reply/],
  ['no reply', 200, 'application/timestamp-reply', 'x', /no TimeStampResp/],
  ['nothing', 200, 'application/timestamp-reply', '', /no TimeStampResp/],
  ['a redirect', 302, 'text/html', '', /status 302/],
  ['an error', 403, 'text/plain', 'no', /status 403/],
] as const)('who answers with %s is no authority', async (_, status, type, body, reason) => {
  const other = await startStandIn(() => ({ status, headers: { 'content-type': type, location: '/x' }, body: Buffer.from(body) }));
  onTestFinished(() => other.close());
  expect(await refusalOf(fetchFrom(other.url))).toMatch(reason);
  expect(await refusalOf(fetchFrom(other.url))).toMatch(/^timestamp-authority/);
});

test('an answer larger than any token is not read to its end', async () => {
  const other = await startStandIn(() => ({
    status: 200,
    headers: { 'content-type': 'application/timestamp-reply' },
    body: Buffer.alloc(2 * 1024 * 1024),
  }));
  onTestFinished(() => other.close());
  expect(await refusalOf(fetchFrom(other.url))).toMatch(/^timestamp-authority: .*larger/);
});

test('an authority that does not listen is told by its host, without its query', async () => {
  const { url, close } = await startTimestampAuthority({ chain: authorityChain });
  await close();
  const refusal = await refusalOf(fetchFrom(`${url}/?key=abc123`));
  expect(refusal).toMatch(/^timestamp-authority: Cannot get a timestamp from 127\.0\.0\.1:\d+: .*no connection/);
  expect(refusal).not.toContain('abc123');
});

test('roots are self-signed certificates in PEM or DER', async () => {
  const pem = authorityChain.certificates.map(String);
  const read = (content: string | Uint8Array) => readTimestampRoots(Buffer.from(content), 'tsa.pem');
  expect(await read(`note\n${pem.at(-1)}${pem.at(-1)}`)).toEqual([root, root]);
  expect(await read(root)).toEqual([root]);
  await expect(read('')).rejects.toThrow('the input timestamp-certificate: it has no certificate');
  await expect(read(pem.join(''))).rejects.toThrow(/CN=image-custody-sandbox TSA" is no root, for it is not self-signed/);
  await expect(read(`${pem.at(-1)}`.replace(/MII/, 'AII'))).rejects.toThrow('a certificate in it is damaged');
});
