import type { ClientRequest } from 'node:http';

/** The source of a request's body failed, not the connection. */
export class SourceError extends Error {}

const sliceBytes = 256 * 1024;

/**
 * Sends a body slice by slice, each awaited until the system has taken it, and stops where `isAnswered` says that the other side has
 * answered before it had everything (401, 413). Before each slice the event loop gets a turn: an answer that has already arrived is
 * then seen before a write to the closed connection would throw it away.
 */
export async function sendBody(outgoing: ClientRequest, body: Uint8Array | AsyncIterable<Uint8Array> | undefined, watch: SendWatch) {
  if (body === undefined || (body instanceof Uint8Array && body.length <= sliceBytes)) {
    outgoing.end(body);
    return;
  }
  outgoing.flushHeaders();
  const iterator = (body instanceof Uint8Array ? slices(body) : body)[Symbol.asyncIterator]();
  watch.onStop(() => void iterator.return?.()?.catch(() => undefined));
  for (let next = await nextOf(iterator); next.done !== true && !watch.isAnswered(); next = await nextOf(iterator)) {
    for await (const slice of slices(next.value)) {
      await turn();
      if (watch.isAnswered()) return;
      await watch.wait(write(outgoing, slice));
    }
  }
  outgoing.end();
}

interface SendWatch {
  isAnswered(): boolean;
  /** Counts the idle time of a step in which the other side is waited for. */
  wait<T>(step: Promise<T>): Promise<T>;
  /** Gives what releases the source when nobody will ask it again. */
  onStop(release: () => void): void;
}

/** Two, since the first may end the very turn in which the other side closes. */
async function turn(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

async function nextOf(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await iterator.next();
  } catch (error) {
    throw new SourceError('the source of the body failed', { cause: error });
  }
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += sliceBytes) yield bytes.subarray(start, start + sliceBytes);
}

/** Resolves when the system has taken the bytes, or the connection is gone: whoever waits for the answer then tells why. */
function write(outgoing: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off('close', settle);
      resolve();
    };
    outgoing.once('close', settle);
    if (outgoing.destroyed) settle();
    else outgoing.write(bytes, settle);
  });
}
