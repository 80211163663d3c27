import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Answer } from './exchange.ts';
import type { Fault } from './fault.ts';

/** The connection is gone, or is to be cut on purpose: there is nobody to answer. */
export class ConnectionCut extends Error {}

/** The body of a request, cut after `resetAfterBytes` where that is given. */
export async function* takeBody(request: IncomingMessage, resetAfterBytes: number | undefined): AsyncGenerator<Buffer> {
  let left = resetAfterBytes ?? Number.POSITIVE_INFINITY;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      yield chunk.subarray(0, Math.min(left, chunk.length));
      left -= chunk.length;
      if (left <= 0) {
        break;
      }
    }
  } catch (error) {
    throw new ConnectionCut('client went away', { cause: error });
  }
  if (resetAfterBytes !== undefined) {
    throw new ConnectionCut('cut on purpose');
  }
}

/** Sends an answer, less what the fault takes away from it. Rejects with ConnectionCut where the connection is to be cut. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === 'drop-answer' || fault?.kind === 'reset') {
    request.socket.destroy();
    return;
  }
  const { status, headers, body } = answer;
  const length = Buffer.isBuffer(body) && headers['content-length'] === undefined ? { 'content-length': String(body.length) } : {};
  // What was not read of the request must not be taken for the next one.
  request.resume();
  response.writeHead(status, { ...(headers as Record<string, string | string[]>), ...length });
  if (request.method === 'HEAD' || body === undefined || (!Buffer.isBuffer(body) && body.start === body.end)) {
    response.end();
    return;
  }
  const source = Buffer.isBuffer(body) ? Readable.from([body]) : createReadStream(body.file, { start: body.start, end: body.end - 1 });
  try {
    if (fault?.kind === 'truncate') {
      await pipeline(source, cutAfter(fault.afterBytes, request), response);
    } else {
      await pipeline(source, response);
    }
  } catch {
    // Whoever asked has gone away, or was cut off.
    request.socket.destroy();
  }
}

function cutAfter(bytes: number, request: IncomingMessage): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      this.push(part);
      if (left === 0) {
        // Wait until the part is on its way: destroying at once would drop it.
        setImmediate(() => request.socket.destroySoon());
      }
      done();
    },
  });
}
