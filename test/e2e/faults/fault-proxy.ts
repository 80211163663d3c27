import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import type { TokenIssuer } from '../token-issuer.ts';
import { type ProxyAnswer, sendAnswer, toChallenge } from './proxy-answer.ts';
import { type ProxyExchange, toKind } from './proxy-exchange.ts';
import type { ProxyFault } from './proxy-fault.ts';

/** Decides for each exchange what goes wrong with it; undefined for nothing. */
export type FaultPlan = (exchange: ProxyExchange) => ProxyFault | undefined;

export interface FaultProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Tells where the registry is; the proxy's address is needed to start it. */
  connect(registryHost: string): void;
  /** Begins to count the exchanges of a repository, and gives what it has seen of it; a plan that is replaced keeps the count. */
  plan(repository: string, plan: FaultPlan): readonly SeenExchange[];
  close(): void;
}

/** An exchange that is over, with the size of its two bodies, as far as the registry has taken and given them. */
export interface SeenExchange extends ProxyExchange {
  readonly requestBytes: number;
  readonly answerBytes: number;
}

interface Run {
  plan: FaultPlan;
  readonly seen: SeenExchange[];
  readonly counts: Map<string, number>;
  index: number;
  readonly revoked: Set<string>;
}

/** A proxy before a registry and its token service, which are one origin to the step. Everything is faultless until a run has a plan. */
export async function startFaultProxy(issuer: TokenIssuer): Promise<FaultProxy> {
  const runs = new Map<string, Run>();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let registryHost = '';
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  // What comes early must not be answered by the server itself, and nothing here takes long on its own.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const known = toKind(method, url);
    const run = known === undefined ? undefined : runs.get(known.repository);
    if (known === undefined || run === undefined)
      return sendAnswer(request, response, await pass(request, await readAll(request)), undefined);
    const occurrence = run.counts.get(known.kind) ?? 0;
    run.counts.set(known.kind, occurrence + 1);
    const exchange = { ...known, occurrence, index: run.index++, headers: request.headers };
    const fault = run.plan(exchange);
    const outcome = await perform(request, run, known.repository, fault);
    run.seen.push({ ...exchange, requestBytes: outcome.requestBytes, answerBytes: outcome.answer?.body.length ?? 0 });
    if (outcome.answer === undefined) request.socket.resetAndDestroy();
    else await sendAnswer(request, response, outcome.answer, fault);
  }

  async function perform(request: IncomingMessage, run: Run, repository: string, fault: ProxyFault | undefined) {
    const token = request.headers.authorization ?? '';
    if (fault?.kind === 'expired' && token !== '') run.revoked.add(token);
    const isRefused = run.revoked.has(token);
    const challenge = toChallenge(host, repository);
    if (fault?.kind === 'reset' && fault.afterPart === undefined) return { requestBytes: 0, answer: undefined };
    if (isRefused && fault?.kind === 'expired' && fault.early === true) return { requestBytes: 0, answer: challenge };
    const body = await readAll(request, fault?.kind === 'slow');
    const requestBytes = body.length;
    if (isRefused) return { requestBytes, answer: challenge };
    if (fault?.kind === 'reset') {
      await passPart(request, body, fault.afterPart ?? 0);
      return { requestBytes, answer: undefined };
    }
    if (fault?.kind === 'answer' && fault.done !== true) return { requestBytes, answer: toAnswer(fault) };
    const act = fault?.kind === 'act' ? fault : undefined;
    if (act?.when === 'before') act.act();
    const answer = act?.when === 'before' && act.goesOn !== true ? undefined : await pass(request, body);
    if (act?.when === 'after') act.act();
    const isLost = fault?.kind === 'lost-answer' || (act !== undefined && act.goesOn !== true);
    return { requestBytes, answer: isLost ? undefined : fault?.kind === 'answer' ? toAnswer(fault) : answer };
  }

  /** What the registry or the token service answers. */
  async function pass(request: IncomingMessage, body: Buffer): Promise<ProxyAnswer> {
    const url = new URL(request.url ?? '', `http://${host}`);
    if (url.pathname === '/token') return issueToken(issuer, url.searchParams);
    const outgoing = open(request, agent, registryHost);
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { status: incoming.statusCode ?? 0, headers: incoming.rawHeaders, body: await readAll(incoming) };
  }

  /** The registry gets a part of the body, and then the connection breaks. */
  async function passPart(request: IncomingMessage, body: Buffer, part: number): Promise<void> {
    const outgoing = open(request, new Agent(), registryHost);
    outgoing.on('error', () => undefined);
    outgoing.on('response', (incoming) => incoming.resume());
    outgoing.setHeader('content-length', body.length);
    outgoing.flushHeaders();
    await new Promise((resolve) => outgoing.write(body.subarray(0, Math.floor(body.length * part)), resolve));
    // Until the registry has read what there is.
    await wait(20);
    outgoing.destroy();
  }

  return {
    host,
    connect(to) {
      registryHost = to;
    },
    plan(repository, plan) {
      const run = runs.get(repository) ?? { plan, seen: [], counts: new Map(), index: 0, revoked: new Set() };
      run.plan = plan;
      runs.set(repository, run);
      return run.seen;
    },
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

function open(request: IncomingMessage, agent: Agent, registryHost: string) {
  const { method, url, headers } = request;
  const { connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
  return send(`http://${registryHost}${url}`, { method, headers: rest, agent });
}

function issueToken(issuer: TokenIssuer, search: URLSearchParams): ProxyAnswer {
  const token = issuer.issue(search.get('service') ?? '', search.getAll('scope'), new Date(Date.now() + 3_600_000));
  return { status: 200, headers: ['Content-Type', 'application/json'], body: Buffer.from(JSON.stringify({ token, expires_in: 3600 })) };
}

function toAnswer({ status, headers }: Extract<ProxyFault, { kind: 'answer' }>): ProxyAnswer {
  const body = Buffer.from(JSON.stringify({ errors: [{ code: 'UNAVAILABLE', message: 'a fault of the proxy' }] }));
  return { status, headers: ['Content-Type', 'application/json', ...Object.entries(headers?.() ?? {}).flat()], body };
}

async function readAll(message: IncomingMessage, isSlow = false): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (isSlow) {
    for (let count = 0; count < 200; count += 1) {
      const byte = message.read(1) as Buffer | null;
      if (byte !== null) chunks.push(byte);
      await turn();
    }
  }
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
