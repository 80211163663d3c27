import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProxyFault } from './proxy-fault.ts';

export interface ProxyAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What a registry says to a token that it does not take. */
export function toChallenge(host: string, repository: string): ProxyAnswer {
  const scope = `scope="repository:${repository}:pull,push",error="invalid_token"`;
  const challenge = `Bearer realm="http://${host}/token",service="registry",${scope}`;
  const body = Buffer.from(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
  return { status: 401, headers: ['Content-Type', 'application/json', 'Www-Authenticate', challenge], body };
}

/** Sends an answer, with what the fault makes of it. Resolves when nothing more will be sent. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ProxyAnswer,
  fault: ProxyFault | undefined,
): Promise<void> {
  const { socket } = request;
  switch (fault?.kind) {
    case 'silent':
      return;
    case 'cut-answer': {
      const head = toHead(request, answer);
      const sent =
        fault.within === 'head'
          ? head.subarray(0, head.length / 2)
          : Buffer.concat([head, answer.body.subarray(0, answer.body.length / 2)]);
      return end(socket, sent);
    }
    case 'wrong-length':
      return end(socket, Buffer.concat([toHead(request, answer, fault.byBytes), answer.body]));
    case 'slow':
      return sendSlowly(socket, Buffer.concat([toHead(request, answer), answer.body]));
    case 'endless':
      return sendWithoutEnd(request, answer);
    case 'expired':
      return end(socket, Buffer.concat([toHead(request, answer), answer.body]));
    default:
      for (const [name, value] of pairs(fault?.kind === 'wrong-digest' ? withOtherDigest(answer.headers) : answer.headers)) {
        if (!ofConnection.has(name.toLowerCase())) response.appendHeader(name, value);
      }
      if (request.method !== 'HEAD' && answer.status !== 204) response.setHeader('Content-Length', answer.body.length);
      response.writeHead(answer.status).end(request.method === 'HEAD' ? undefined : answer.body);
  }
}

const ofConnection: ReadonlySet<string> = new Set(['transfer-encoding', 'connection', 'keep-alive']);

function end(socket: Socket, bytes: Buffer): void {
  socket.write(bytes, () => socket.destroySoon());
}

async function sendSlowly(socket: Socket, bytes: Buffer): Promise<void> {
  const slowBytes = Math.min(150, bytes.length);
  for (let at = 0; at < slowBytes; at += 1) {
    socket.write(bytes.subarray(at, at + 1));
    await wait(1);
  }
  end(socket, bytes.subarray(slowBytes));
}

/** Until nobody takes it any more, and for 20 s at most. */
async function sendWithoutEnd({ socket, method }: IncomingMessage, answer: ProxyAnswer): Promise<void> {
  const mayHaveBody = method !== 'HEAD' && answer.status !== 204;
  const filler = Buffer.alloc(16 * 1024, 'x');
  const chunk = mayHaveBody
    ? Buffer.concat([Buffer.from('4000\r\n'), filler, Buffer.from('\r\n')])
    : Buffer.concat([Buffer.from('X-Filler: '), filler, Buffer.from('\r\n')]);
  const kept = pairs(answer.headers).filter(([name]) => name.toLowerCase() !== 'content-length');
  const head = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`, ...kept.map(([name, value]) => `${name}: ${value}`)].join(
    '\r\n',
  );
  socket.on('error', () => undefined);
  socket.write(mayHaveBody ? `${head}\r\nTransfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`);
  const endMs = Date.now() + 20_000;
  while (!socket.destroyed && Date.now() < endMs) {
    await Promise.race([new Promise((resolve) => socket.write(chunk, resolve)), wait(1000)]);
  }
  socket.destroy();
}

/** The answer as it goes over the wire, up to its body; `byBytes` makes its Content-Length wrong. */
function toHead({ method }: IncomingMessage, { status, headers, body }: ProxyAnswer, byBytes = 0): Buffer {
  const stated = Number(pairs(headers).find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? 0);
  const length = (method === 'HEAD' ? stated : body.length) + byBytes;
  const kept = pairs(headers).filter(([name]) => name.toLowerCase() !== 'content-length' && !ofConnection.has(name.toLowerCase()));
  const lines = [
    ...kept,
    ['Connection', 'close'] as const,
    ...(status === 204 ? [] : [['Content-Length', `${Math.max(0, length)}`] as const]),
  ].map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', ''].join('\r\n'));
}

function withOtherDigest(headers: readonly string[]): readonly string[] {
  const others = pairs(headers).filter(([name]) => name.toLowerCase() !== 'docker-content-digest');
  return [...others.flat(), 'Docker-Content-Digest', `sha256:${'0'.repeat(64)}`];
}

function pairs(flat: readonly string[]): readonly (readonly [string, string])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : []));
}
