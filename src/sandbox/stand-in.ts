import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Exchange, type ReceivedRequest, Refusal, toTextAnswer } from './exchange.ts';
import { type Fault, FaultPlan } from './fault.ts';

/** PEM of a TLS server: its key, and its certificate with whatever of the chain is sent along. */
export interface TlsIdentity {
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** What every stand-in can be told. */
export interface StandInOptions {
  /** Speaks https where present, else http. */
  readonly tls?: TlsIdentity | undefined;
  readonly faults?: readonly Fault[] | undefined;
  /** Called after each exchange, with the bytes of both sides. */
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

/** A running server on 127.0.0.1. */
export interface StandIn {
  /** `http(s)://127.0.0.1:port`, without a trailing slash. */
  readonly url: string;
  readonly faults: FaultPlan;
  /** Every request so far, with its body, in the order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Ends every connection, also those left open by a fault. */
  close(): Promise<void>;
}

export type Handler = (request: ReceivedRequest) => Answer | Promise<Answer>;

/** Largest request that is taken; more is answered with 413. */
export const maxRequestBytes = 16 * 1024 * 1024;

/** Starts a server that answers with `handler`. A Refusal is its answer; any other error is answered with 500 and rethrown by `close`. */
export async function startStandIn(handler: Handler, options: StandInOptions = {}): Promise<StandIn> {
  const { tls } = options;
  const requests: ReceivedRequest[] = [];
  const faults = new FaultPlan(options.faults);
  const failures: unknown[] = [];
  const stopped = new AbortController();
  const origin = { url: '' };
  const connections = new Map<number, Socket>();

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(message);
    if (body === undefined) {
      send(response, message.method, toTextAnswer(413, 'Payload Too Large', { connection: 'close' }));
      return;
    }
    const request = { method: message.method ?? 'GET', url: new URL(`${origin.url}${message.url ?? '/'}`), headers: message.headers, body };
    requests.push(request);
    const answer = await disturb(faults.take(request), () => answerTo(handler, request, failures), stopped.signal);
    if (answer === 'reset') {
      // The TCP socket under the TLS one: only that can send a RST.
      connections.get(message.socket.remotePort ?? 0)?.resetAndDestroy();
    }
    const sent = typeof answer === 'string' ? undefined : answer;
    options.onExchange?.({ request, answer: sent });
    if (sent !== undefined) {
      send(response, request.method, sent);
    }
  }

  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    serve(message, response).catch((error: unknown) => {
      // A client that hangs up is its own affair; anything else must not pass unseen.
      if (!message.destroyed || message.complete) {
        failures.push(error);
      }
      response.destroy();
    });
  };
  const server =
    tls === undefined ? createHttpServer(listener) : createHttpsServer({ key: tls.keyPem, cert: tls.certificatePem }, listener);
  server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    connections.set(port, socket);
    socket.once('close', () => connections.delete(port));
  });
  const port = await listen(server);
  origin.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return { url: origin.url, faults, requests, close: () => close(server, stopped, failures) };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function answerTo(handler: Handler, request: ReceivedRequest, failures: unknown[]): Promise<Answer> {
  try {
    return await handler(request);
  } catch (error) {
    if (error instanceof Refusal) {
      return error.answer;
    }
    failures.push(error);
    return toTextAnswer(500, 'Internal Server Error');
  }
}

async function disturb(fault: Fault | undefined, answer: () => Promise<Answer>, stopped: AbortSignal): Promise<Answer | 'reset' | 'drop'> {
  if (fault === undefined) {
    return answer();
  }
  const lost = fault.when === 'after' ? await answer() : undefined;
  if (fault.delayMs !== undefined) {
    await sleep(fault.delayMs, undefined, { signal: stopped }).catch(() => undefined);
  }
  if (fault.reset === true) {
    return 'reset';
  }
  if (fault.drop === true) {
    return 'drop';
  }
  return fault.status === undefined ? (lost ?? answer()) : toFaultAnswer(fault, fault.status);
}

function toFaultAnswer(fault: Fault, status: number): Answer {
  const { body } = fault;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const bytes = body === undefined ? Buffer.alloc(0) : isRaw ? Buffer.from(body as Uint8Array) : Buffer.from(JSON.stringify(body));
  const type: Record<string, string> = body === undefined || isRaw ? {} : { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...type, ...fault.headers }, body: bytes };
}

async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxRequestBytes) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, method: string | undefined, answer: Answer): void {
  const isBodiless = method === 'HEAD' || answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, isBodiless ? answer.headers : { ...answer.headers, 'content-length': String(answer.body.length) });
  response.end(isBodiless ? undefined : answer.body);
}

async function close(server: Server, stopped: AbortController, failures: readonly unknown[]): Promise<void> {
  stopped.abort();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  if (failures.length > 0) {
    throw new AggregateError(failures, 'a stand-in failed while it answered');
  }
}
