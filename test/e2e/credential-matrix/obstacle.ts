import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { Answer, ReceivedRequest } from '../../../src/sandbox/exchange.ts';

/** Answers some requests, and leaves the others to whom they are for. */
export function only(which: (request: ReceivedRequest) => boolean, answer: (request: ReceivedRequest) => Answer) {
  return (request: ReceivedRequest): Answer | undefined => (which(request) ? answer(request) : undefined);
}

export const isToken = ({ url, method }: ReceivedRequest): boolean => method === 'POST' && /\/token$/.test(url.pathname);

/** What is tried again is tried at once. */
export const retryAtOnce = { 'retry-after': '0' };

/** An address at which nothing listens. */
export async function closedUrl(scheme = 'https'): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return `${scheme}://127.0.0.1:${port}`;
}

const resolver = `import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
dns.lookup = (name, options, done) => {
  const call = typeof options === 'function' ? options : done;
  process.nextTick(call, Object.assign(new Error('getaddrinfo ENOTFOUND ' + name), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name }));
};
syncBuiltinESMExports();`;

/** Environment of a machine whose resolver knows no name, whatever the network of the tests is. */
export const knowsNoName = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(resolver)}` };
