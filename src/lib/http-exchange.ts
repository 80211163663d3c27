import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { HttpAnswer, HttpRequest } from './http.ts';
import type { Connections, Route } from './http-connections.ts';
import { HttpError, toHttpError } from './http-error.ts';
import { isPublicAddress } from './http-reach.ts';
import { SourceError, sendBody } from './http-send.ts';
import { refusedByProxy, unreachableProxy } from './proxy-error.ts';
import { toProxyHeaders, toProxyServer } from './proxy-tunnel.ts';

const maxHeaderBytes = 32 * 1024;

/**
 * Sends one request and gives its answer to `consume`. A connection that was kept alive and breaks before it gave a byte is the server's
 * closing of an idle one: a request that may be repeated is then sent once more.
 */
export async function exchange<T>(connections: Connections, request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
  verifyTarget(request);
  const route = connections.route(request);
  const first = new Exchange(route, request);
  try {
    return await first.run(consume);
  } catch (error) {
    if (!first.wasStale || !isRepeatable(request)) throw error;
    return await new Exchange(route, request).run(consume);
  }
}

/** The lifetime of one request on one connection. */
class Exchange {
  readonly #request: HttpRequest;
  readonly #route: Route;
  readonly #outgoing: ClientRequest;
  readonly #response: Promise<IncomingMessage>;
  readonly #idle: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout | undefined;
  #incoming: IncomingMessage | undefined;
  #failure: HttpError | undefined;
  /** Steps in which the other side is waited for; while there are none only we are busy, and no idle time counts. */
  #waiting = 0;
  #releaseSource: () => void = () => undefined;
  #giveUp: (failure: HttpError) => void = () => undefined;

  constructor(route: Route, request: HttpRequest) {
    this.#request = request;
    this.#route = route;
    this.#outgoing = open(route, request);
    this.#response = new Promise((resolve, reject) => {
      // Node tells of a request that is given up only when it has a connection, which a proxy may keep it waiting for.
      this.#giveUp = reject;
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
      const head = { status: incoming.statusCode ?? 0, headers: incoming.headers, isPublicPeer: this.#isPublicPeer(incoming) };
      return await consume({ ...head, body: this.#read(incoming) });
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
      const incoming = await Promise.race([this.#response, sent.then(() => this.#wait(this.#response))]);
      if (this.#route.kind === 'forward' && incoming.statusCode === 407) throw refusedByProxy(this.#route.proxy, undefined, 407);
      return incoming;
    } catch (error) {
      if (error instanceof SourceError) throw error.cause;
      throw this.#failure ?? this.#toFailure(error);
    }
  }

  /** What a proxy that passes requests on is reached by says nothing of the target. */
  #toFailure(error: unknown): HttpError {
    const failure = toHttpError(error, this.#request);
    const isConnection = ['refused', 'dns', 'tls'].includes(failure.kind);
    if (this.#route.kind !== 'forward' || !isConnection || !(error instanceof Error)) return failure;
    return toHttpError(unreachableProxy(this.#route.proxy, error), this.#request);
  }

  #isPublicPeer(incoming: IncomingMessage): boolean {
    const host = this.#request.url.hostname.replace(/^\[|\]$/g, '');
    if (this.#route.kind === 'direct') return isPublicAddress(incoming.socket?.remoteAddress ?? '');
    return isIP(host) === 0 || isPublicAddress(host);
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
    this.#giveUp(this.#failure);
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

function open(route: Route, request: HttpRequest): ClientRequest {
  const { url, method, socketPath, body } = request;
  const headers: Record<string, string | number> = { ...request.headers };
  if (body instanceof Uint8Array) headers['content-length'] = body.length;
  else if (body !== undefined && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
  else if (body === undefined && method !== 'GET' && method !== 'HEAD') headers['content-length'] = 0;
  const options = { method, headers, maxHeaderSize: maxHeaderBytes, agent: route.agent };
  if (route.kind === 'forward') {
    // The absolute form: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    const target = {
      path: `${url.origin}${url.pathname}${url.search}`,
      headers: { host: url.host, ...headers, ...toProxyHeaders(route.proxy) },
    };
    const start = route.proxy.url.protocol === 'https:' ? httpsRequest : httpRequest;
    return start({ ...options, ...target, ...toProxyServer(route.proxy) });
  }
  if (url.protocol === 'https:') return httpsRequest(url, options);
  return httpRequest(url, socketPath === undefined ? options : { ...options, socketPath });
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
