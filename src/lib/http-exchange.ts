import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { HttpAnswer, HttpRequest } from './http.ts';
import { HttpError, toHttpError } from './http-error.ts';
import { isPublicAddress } from './http-reach.ts';
import { SourceError, sendBody } from './http-send.ts';

const maxHeaderBytes = 32 * 1024;

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Sends one request and gives its answer to `consume`. A connection that was kept alive and breaks before it gave a byte is the server's
 * closing of an idle one: a request that may be repeated is then sent once more.
 */
export async function exchange<T>(agents: Agents, request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
  verifyTarget(request);
  const first = new Exchange(agents, request);
  try {
    return await first.run(consume);
  } catch (error) {
    if (!first.wasStale || !isRepeatable(request)) throw error;
    return await new Exchange(agents, request).run(consume);
  }
}

/** The lifetime of one request on one connection. */
class Exchange {
  readonly #request: HttpRequest;
  readonly #outgoing: ClientRequest;
  readonly #response: Promise<IncomingMessage>;
  readonly #idle: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout | undefined;
  #incoming: IncomingMessage | undefined;
  #failure: HttpError | undefined;
  /** Steps in which the other side is waited for; while there are none only we are busy, and no idle time counts. */
  #waiting = 0;
  #releaseSource: () => void = () => undefined;

  constructor(agents: Agents, request: HttpRequest) {
    this.#request = request;
    this.#outgoing = open(agents, request);
    this.#response = new Promise((resolve, reject) => {
      this.#outgoing.once('response', (incoming) => {
        this.#incoming = incoming;
        resolve(incoming);
      });
      this.#outgoing.on('error', reject);
      this.#outgoing.once('close', () => reject(new Error('closed before an answer came')));
    });
    this.#response.catch(() => undefined);
    const { idleTimeoutMs = 60_000, deadlineMs, signal } = request;
    this.#idle = setTimeout(() => this.#onIdle(idleTimeoutMs), idleTimeoutMs);
    if (deadlineMs !== undefined)
      this.#deadline = setTimeout(() => this.#fail('timeout', `not done within ${deadlineMs / 1000} s`), deadlineMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#onAbort();
  }

  /** The connection was a kept-alive one that broke before any answer. */
  get wasStale(): boolean {
    return this.#outgoing.reusedSocket && this.#incoming === undefined && this.#failure === undefined;
  }

  async run<T>(consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    try {
      const incoming = await this.#exchangeHeads();
      const remoteAddress = incoming.socket?.remoteAddress;
      const head = { status: incoming.statusCode ?? 0, headers: incoming.headers };
      return await consume({ ...head, body: this.#read(incoming), ...(remoteAddress === undefined ? {} : { remoteAddress }) });
    } finally {
      this.#end();
    }
  }

  /** Sends the request and waits for the head of the answer, which may come before everything is sent. */
  async #exchangeHeads(): Promise<IncomingMessage> {
    const sent = sendBody(this.#outgoing, this.#request.body, {
      isAnswered: () => this.#incoming !== undefined || this.#outgoing.destroyed,
      wait: (step) => this.#wait(step),
      onStop: (release) => {
        this.#releaseSource = release;
      },
    });
    try {
      return await Promise.race([this.#response, sent.then(() => this.#wait(this.#response))]);
    } catch (error) {
      if (error instanceof SourceError) throw error.cause;
      throw this.#failure ?? toHttpError(error, this.#request);
    }
  }

  async *#read(incoming: IncomingMessage): AsyncGenerator<Buffer> {
    const { maxBodyBytes = Number.POSITIVE_INFINITY, method } = this.#request;
    let sizeBytes = method === 'HEAD' ? 0 : Number(incoming.headers['content-length'] ?? 0);
    this.#verifySize(sizeBytes, maxBodyBytes);
    sizeBytes = 0;
    const iterator = incoming.iterator({ destroyOnReturn: false });
    for (;;) {
      const next = await this.#wait(iterator.next()).catch((error: unknown) => {
        throw this.#failure ?? toHttpError(error, this.#request);
      });
      if (next.done === true) return;
      sizeBytes += next.value.length;
      this.#verifySize(sizeBytes, maxBodyBytes);
      yield next.value;
    }
  }

  #verifySize(sizeBytes: number, maxBytes: number): void {
    if (sizeBytes <= maxBytes) return;
    throw new HttpError('too-large', this.#request, `the answer is larger than ${maxBytes} bytes`);
  }

  async #wait<T>(step: Promise<T>): Promise<T> {
    this.#waiting += 1;
    this.#idle.refresh();
    try {
      return await step;
    } finally {
      this.#waiting -= 1;
    }
  }

  #onIdle(idleTimeoutMs: number): void {
    if (this.#waiting > 0) this.#fail('timeout', `nothing came for ${idleTimeoutMs / 1000} s`);
    else this.#idle.refresh();
  }

  readonly #onAbort = (): void => this.#fail('cancelled', 'cancelled');

  #fail(kind: 'timeout' | 'cancelled', reason: string): void {
    this.#failure ??= new HttpError(kind, this.#request, reason);
    this.#incoming?.destroy(this.#failure);
    this.#outgoing.destroy(this.#failure);
  }

  /** Gives the connection back where both messages are complete, else closes it. */
  #end(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#deadline);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#releaseSource();
    if (this.#incoming?.complete === true && this.#outgoing.writableFinished) this.#incoming.resume();
    else this.#outgoing.destroy();
  }
}

function open(agents: Agents, request: HttpRequest): ClientRequest {
  const { url, method, socketPath, body } = request;
  const headers: Record<string, string | number> = { ...request.headers };
  if (body instanceof Uint8Array) headers['content-length'] = body.length;
  else if (body !== undefined && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
  else if (body === undefined && method !== 'GET' && method !== 'HEAD') headers['content-length'] = 0;
  const target = socketPath === undefined ? {} : { socketPath };
  const options = { method, headers, maxHeaderSize: maxHeaderBytes, ...target };
  return url.protocol === 'https:'
    ? httpsRequest(url, { ...options, agent: agents.https })
    : httpRequest(url, { ...options, agent: agents.http });
}

/** The URL may come from a server (Location, realm): what Node would turn into a header or a file name is refused. */
function verifyTarget(request: HttpRequest): void {
  const { url, reach } = request;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new HttpError('protocol', request, 'only http and https are spoken');
  if (url.username !== '' || url.password !== '') throw new HttpError('protocol', request, 'the address holds a user or password');
  const address = url.hostname.replace(/^\[|\]$/g, '');
  if (reach === 'public' && isIP(address) !== 0 && !isPublicAddress(address)) {
    throw new HttpError('refused', request, 'the address is not a public one');
  }
}

function isRepeatable(request: HttpRequest): boolean {
  const isIdempotent = request.method !== 'POST' && request.method !== 'PATCH';
  return isIdempotent && (request.body === undefined || request.body instanceof Uint8Array) && request.signal?.aborted !== true;
}
