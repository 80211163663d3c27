import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HttpClient } from '../../src/lib/http.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';

let authority: CertificateAuthority;
let trusting: HttpClient;
const distrusting = createHttp({ userAgent: 'test' });
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority();
  trusting = createHttp({ userAgent: 'test', ca: [authority.certificatePem] });
});

afterAll(() => {
  trusting.close();
  distrusting.close();
  for (const close of closers) close();
});

async function serveTls(maxVersion: 'TLSv1.3' | 'TLSv1.1' = 'TLSv1.3'): Promise<number> {
  const { keyPem, certificatePem } = await authority.issueTls();
  const old = maxVersion === 'TLSv1.1' ? { minVersion: maxVersion, ciphers: 'DEFAULT:@SECLEVEL=0' } : {};
  const server = createServer({ key: keyPem, cert: certificatePem, maxVersion, ...old }, (_request, response) => response.end('ok')).listen(
    0,
  );
  await once(server, 'listening');
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return (server.address() as AddressInfo).port;
}

test('trusts an authority that it is given, and no unknown one', async () => {
  const url = new URL(`https://localhost:${await serveTls()}/`);
  expect((await trusting({ method: 'GET', url })).body.toString()).toBe('ok');
  await expect(distrusting({ method: 'GET', url })).rejects.toMatchObject({
    kind: 'tls',
    hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
});

test('refuses a certificate for another name, an old TLS, and plain HTTP where TLS is expected', async () => {
  const port = await serveTls();
  await expect(trusting({ method: 'GET', url: new URL(`https://127.0.0.2:${port}/`) })).rejects.toMatchObject({ kind: 'tls' });
  const oldPort = await serveTls('TLSv1.1');
  await expect(trusting({ method: 'GET', url: new URL(`https://localhost:${oldPort}/`) })).rejects.toMatchObject({ kind: 'tls' });
  await expect(trusting({ method: 'GET', url: new URL(`http://localhost:${port}/`) })).rejects.toMatchObject({ name: 'HttpError' });
});
