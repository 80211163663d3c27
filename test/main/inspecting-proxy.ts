import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readWhole } from '../../src/lib/http-client.ts';
import type { CertificateAuthority } from '../../src/sandbox/certificate.ts';

/**
 * What a proxy that inspects TLS puts before a server: answers as `https://NAME` with a certificate of the company's authority, and passes on
 * to `target`, whose own address becomes `https://NAME` in its answers. Gives the address to connect to.
 */
export async function startInspection(
  authority: CertificateAuthority,
  name: string,
  target: URL,
  closers: (() => unknown)[],
): Promise<URL> {
  const { keyPem, certificatePem } = await authority.issueTls([name]);
  const server = createServer({ key: keyPem, cert: certificatePem }, (request, response) => {
    pass(target, name, request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function pass(target: URL, name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readWhole(request);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  // What is behind the proxy is another's matter: its certificate is the sandbox's.
  const options = { method: request.method, headers: { ...request.headers, host: target.host }, rejectUnauthorized: false };
  const upstream = send(new URL(request.url ?? '/', target), options).end(body);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  const rename = (text: string): string => text.replaceAll(target.origin, `https://${name}`);
  const content = rename((await readWhole(answer)).toString('latin1'));
  const headers = JSON.parse(rename(JSON.stringify(answer.headers))) as Record<string, string>;
  if (request.method !== 'HEAD') headers['content-length'] = String(content.length);
  response.writeHead(answer.statusCode ?? 502, headers).end(Buffer.from(content, 'latin1'));
}
