import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { HttpClient, HttpRequest } from '../../src/lib/http.ts';
import { createHttp, readWhole } from '../../src/lib/http-client.ts';
import { HttpError } from '../../src/lib/http-error.ts';
import { parseProxy } from '../../src/lib/proxy.ts';
import { type RetryOptions, retry } from '../../src/lib/retry.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from './forward-proxy.ts';

let authority: CertificateAuthority;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  authority = await createCertificateAuthority();
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server whose name only a proxy knows. */
async function serve(isTls: boolean): Promise<{ readonly local: URL; readonly connections: () => number }> {
  let connections = 0;
  const { keyPem, certificatePem } = await authority.issueTls(['registry.test']);
  const listener = async (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => {
    const { host, 'proxy-authorization': leaked } = request.headers;
    const body = await readWhole(request);
    response.end(JSON.stringify({ host, url: request.url, method: request.method, bytes: body.length, leaked }));
  };
  const server = isTls ? createTlsServer({ key: keyPem, cert: certificatePem }, listener) : createServer(listener);
  server.on(isTls ? 'secureConnection' : 'connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { local: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), connections: () => connections };
}

async function proxied(options: ForwardProxyOptions, login?: string): Promise<{ readonly proxy: ForwardProxy; readonly http: HttpClient }> {
  const proxy = await startForwardProxy(options);
  const server = parseProxy('HTTPS_PROXY', proxy.address(login));
  const http = createHttp({ userAgent: 'test', ca: [authority.certificatePem], chooseProxy: () => server });
  cleanups.push(
    () => http.close(),
    () => proxy.close(),
  );
  return { proxy, http };
}

async function failureOf(http: HttpClient, request: HttpRequest): Promise<HttpError> {
  const error: unknown = await http(request).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpError);
  return error as HttpError;
}

const https = new URL('https://registry.test/v2/?n=1');
const plain = new URL('http://registry.test:5000/v2/?n=1');

test.each([false, true])('asks for an https target through one tunnel that is kept (TLS to the proxy: %s)', async (isTls) => {
  const { local, connections } = await serve(true);
  const tls = isTls ? { tls: await authority.issueTls() } : {};
  const { proxy, http } = await proxied({ hosts: { 'registry.test:443': local }, login: 'me:p@ss word', ...tls }, 'me:p%40ss%20word');
  for (let count = 0; count < 3; count += 1) {
    const { body, isPublicPeer } = await http({ method: 'PUT', url: https, body: Buffer.alloc(300_000) });
    expect(JSON.parse(body.toString())).toEqual({ host: 'registry.test', url: '/v2/?n=1', method: 'PUT', bytes: 300_000 });
    expect(isPublicPeer).toBe(true);
  }
  expect(proxy.seen).toEqual(['CONNECT registry.test:443']);
  expect(connections()).toBe(1);
});

test.each([false, true])('passes an http target to the proxy in absolute form (TLS to the proxy: %s)', async (isTls) => {
  const { local } = await serve(false);
  const tls = isTls ? { tls: await authority.issueTls() } : {};
  const { proxy, http } = await proxied({ hosts: { 'registry.test:5000': local }, login: 'me:', ...tls }, 'me');
  const { body } = await http({ method: 'GET', url: plain });
  expect(JSON.parse(body.toString())).toEqual({ host: 'registry.test:5000', url: '/v2/?n=1', method: 'GET', bytes: 0 });
  expect(proxy.seen).toEqual([`GET ${plain.href}`]);
});

test('holds the certificate behind a tunnel against the name of the target', async () => {
  const { local } = await serve(true);
  const { http } = await proxied({ hosts: { 'other.test:443': local } });
  const error = await failureOf(http, { method: 'GET', url: new URL('https://other.test/') });
  expect(error).toMatchObject({ kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test.each([
  [undefined, 'asks for a user and a password (407)'],
  ['me:wr%6fng', 'does not accept the user and password (407)'],
])('a proxy that wants another login than %s is told of, and no password', async (login, reason) => {
  const { proxy, http } = await proxied({ hosts: {}, login: 'me:right' }, login);
  for (const url of [https, plain]) {
    const error = await failureOf(http, { method: 'GET', url });
    expect(error).toMatchObject({ kind: 'proxy-unauthorized', code: 'PROXY_407', host: url.host });
    expect(error.message).toContain(`the proxy ${proxy.address()} (HTTPS_PROXY) ${reason}`);
    expect(error.hint).toContain('HTTPS_PROXY');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/wrong|wr%6fng|bWU6/);
  }
});

test('a wrong password that a proxy answers with 401 is one', async () => {
  const { http } = await proxied({ hosts: {}, status: 401 }, 'me:wrong');
  expect(await failureOf(http, { method: 'GET', url: https })).toMatchObject({ kind: 'proxy-unauthorized', code: 'PROXY_401' });
});

test.each([
  [403, /allow CONNECT to registry\.test:443/],
  [502, /cannot reach registry\.test:443/],
])('a tunnel that is refused with %i is told of', async (status, hint) => {
  const { http } = await proxied({ hosts: {}, status });
  const error = await failureOf(http, { method: 'GET', url: https });
  expect(error).toMatchObject({ kind: 'proxy-refused', code: `PROXY_${status}`, hint: expect.stringMatching(hint) });
  expect(error.message).toContain(`opens no tunnel to registry.test:443 (${status})`);
  expect(error.message).toContain('GET https://registry.test/v2/?… failed');
});

test('a proxy that is not there is told apart from a target that is not there', async () => {
  const { proxy, http } = await proxied({ hosts: {} });
  const target = await failureOf(http, { method: 'GET', url: https });
  expect(target.kind).toBe('proxy-refused');
  proxy.close();
  for (const url of [https, plain]) {
    const error = await failureOf(http, { method: 'GET', url });
    expect(error).toMatchObject({ kind: 'proxy-unreachable', code: 'PROXY_ECONNREFUSED', hint: expect.stringContaining('HTTPS_PROXY') });
    expect(error.message).toContain(`no connection to the proxy ${proxy.address()} (HTTPS_PROXY): ECONNREFUSED`);
  }
});

test('a proxy whose certificate is not trusted, and one that speaks no TLS, are told of as the proxy', async () => {
  const tls = await startForwardProxy({ hosts: {}, tls: await authority.issueTls() });
  const bare = await startForwardProxy({ hosts: {} });
  cleanups.push(
    () => tls.close(),
    () => bare.close(),
  );
  for (const address of [tls.address(), bare.address().replace('http:', 'https:')]) {
    const server = parseProxy('ALL_PROXY', address);
    const http = createHttp({ userAgent: 'test', chooseProxy: () => server });
    for (const url of [https, plain]) {
      const error = await failureOf(http, { method: 'GET', url });
      expect(error).toMatchObject({ kind: 'proxy-unreachable', hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
      expect(error.message).toContain('(ALL_PROXY)');
    }
  }
});

test('a proxy that says nothing, or something else, or hangs up, ends the exchange', async () => {
  const { http } = await proxied({ hosts: {}, isSilent: true });
  for (const url of [https, plain]) expect((await failureOf(http, { method: 'GET', url, idleTimeoutMs: 100 })).kind).toBe('timeout');
  for (const answer of ['SSH-2.0-OpenSSH\r\n', '']) {
    const other = createTcpServer((socket) => socket.on('error', () => undefined).end(answer));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => other.close());
    const server = parseProxy('HTTPS_PROXY', `127.0.0.1:${(other.address() as AddressInfo).port}`);
    const client = createHttp({ userAgent: 'test', chooseProxy: () => server });
    expect((await failureOf(client, { method: 'GET', url: https })).kind).toBe('proxy-unreachable');
  }
});

test('refuses addresses that are not public where only those may be reached, and lets the proxy resolve names', async () => {
  const { local } = await serve(true);
  const { proxy, http } = await proxied({ hosts: { 'registry.test:443': local } });
  for (const host of ['10.0.0.1', '169.254.169.254', '[fd00::1]', '2130706433']) {
    expect((await failureOf(http, { method: 'GET', url: new URL(`https://${host}/`), reach: 'public' })).kind).toBe('refused');
  }
  expect(proxy.seen).toEqual([]);
  expect((await http({ method: 'GET', url: https, reach: 'public' })).status).toBe(200);
});

test('a proxy that is overloaded is asked again, one that refuses is not', async () => {
  const options: RetryOptions = { attempts: 3, backoffMs: 1, now: () => new Date(), random: () => 0, sleep: async () => undefined };
  for (const [status, times] of [
    [503, 3],
    [407, 1],
    [403, 1],
  ] as const) {
    const { proxy, http } = await proxied({ hosts: {}, status });
    await expect(retry(options, () => http({ method: 'GET', url: https }))).rejects.toMatchObject({ code: `PROXY_${status}` });
    expect(proxy.seen).toHaveLength(times);
  }
});

test.each([
  ['proxy.test:3128', 'http://proxy.test:3128'],
  ['proxy.test', 'http://proxy.test'],
  ['10.0.0.1:3128', 'http://10.0.0.1:3128'],
  ['http://proxy.test/', 'http://proxy.test'],
  [' HTTPS://Proxy.Test:8443 ', 'https://proxy.test:8443'],
  ['http://user:p%40ss@[::1]:3128', 'http://[::1]:3128'],
])('%s is the proxy %s', (value, origin) => {
  expect(parseProxy('X', value).url.origin).toBe(origin);
});

test('knows what of a login may not be seen', () => {
  const { authorization, secrets } = parseProxy('X', 'http://user:p%40ss@proxy.test');
  expect(authorization?.reveal()).toBe('Basic dXNlcjpwQHNz');
  expect(secrets.map((secret) => secret.reveal())).toEqual(['p@ss', 'p%40ss', 'dXNlcjpwQHNz']);
});

test.each([
  ['socks5://user:hunter2@proxy.test:1080', /SOCKS/],
  ['socks5h://proxy.test:1080', /SOCKS/],
  ['ftp://user:hunter2@proxy.test', /no http or https/],
  ['http://user:hunter2#1@proxy.test', /not the address/],
  ['http://user:hunter2/1@proxy.test', /not the address/],
  ['user:80/hunter2@proxy.test', /not the address/],
  ['http://user:hunter2%@proxy.test', /percent-encoded/],
  ['http://proxy.test/proxy.pac', /not the address/],
  ['http://proxy.test:99999', /not the address/],
  ['http://', /not the address/],
  ['direct please', /not the address/],
])('%s is refused and not quoted', (value, reason) => {
  const refuse = () => parseProxy('HTTPS_PROXY', value);
  expect(refuse).toThrow(reason);
  try {
    refuse();
  } catch (error) {
    expect(error).toMatchObject({ code: 'proxy-invalid', origin: 'input', hint: expect.stringContaining('http://HOST:PORT') });
    expect(inspect(error)).toContain('HTTPS_PROXY');
    expect(String(inspect(error)).replace(/\n\s+at .*/g, '')).not.toMatch(/hunter2|proxy\.test/);
  }
});
