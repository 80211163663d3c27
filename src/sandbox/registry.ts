import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Identity, neededScope, type RegistryAuth, verifyAccess } from './registry/access.ts';
import { answerBlob } from './registry/blobs.ts';
import { ConnectionCut, sendAnswer, takeBody } from './registry/connection.ts';
import { ContentStore } from './registry/content-store.ts';
import { type Answer, type Exchange, type RegistryLimits, type RegistryRequest, toJsonAnswer } from './registry/exchange.ts';
import type { Fault, FaultPlan } from './registry/fault.ts';
import { answerCatalog, answerReferrers, answerTags } from './registry/listings.ts';
import { answerManifest } from './registry/manifests.ts';
import { RegistryError } from './registry/registry-error.ts';
import { parseRoute, type Route } from './registry/route.ts';
import { answerExchange, answerToken } from './registry/token-endpoint.ts';
import { TokenMint } from './registry/token-mint.ts';
import { UploadTable } from './registry/upload-table.ts';
import { answerUpload, answerUploadStart } from './registry/uploads.ts';

import type { TlsIdentity } from './stand-in.ts';

export type { RegistryAuth, RegistryUser } from './registry/access.ts';
export type { AzureRegistryAuth, EntraVerdict, RepositoryToken } from './registry/azure.ts';
export type { Fault, FaultPlan, FaultRequest } from './registry/fault.ts';
export type { RegistryGrant } from './registry/grant.ts';
export type { Route } from './registry/route.ts';

export interface RegistryOptions {
  /** Existing folder for blobs and uploads; the caller deletes it. */
  readonly folder: string;
  readonly now: () => Date;
  /** Plain HTTP where absent. */
  readonly tls?: TlsIdentity;
  /** Default: no access control. */
  readonly auth?: RegistryAuth;
  readonly faults?: FaultPlan;
  readonly limits?: Partial<RegistryLimits>;
  /** How long tokens hold. Default 300 000. */
  readonly tokenLifetimeMs?: number;
  /** How long refresh tokens hold. Default as long as the others. */
  readonly refreshLifetimeMs?: number;
  /** Requests after which a token has expired, whatever it says. Default: none. */
  readonly tokenUses?: number;
  /** The same of refresh tokens. */
  readonly refreshUses?: number;
  /** Name in challenges and tokens, where it is not the address: e.g. `shop.azurecr.io`. */
  readonly service?: string;
  /** Where its token endpoint is told to be, where it is reached by a name. Default: its address. */
  readonly publicOrigin?: string;
  /** Default: a free port. */
  readonly port?: number;
  readonly random?: (sizeBytes: number) => Buffer;
}

/** A registry that runs until it is closed. */
export interface RunningRegistry {
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** `127.0.0.1:PORT`, as it stands in image references. */
  readonly host: string;
  /** Every request so far, oldest first; an entry is made when the answer is ready or the connection was cut. */
  readonly requests: readonly RequestRecord[];
  /** What it holds, for a caller that wants to look without asking. */
  readonly content: Pick<ContentStore, 'repositories' | 'tags' | 'manifests'>;
  /** Uploads that were begun and neither committed nor cancelled. */
  openUploads(): number;
  /** Forgets every open upload, as registries do after a while. */
  dropUploads(): Promise<void>;
  close(): Promise<void>;
}

/** One request as the registry saw it; no credentials. */
export interface RequestRecord {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Who was let in; empty for nobody. */
  readonly user: string;
  /** undefined where the connection was cut instead. */
  readonly status: number | undefined;
}

const defaultLimits: RegistryLimits = {
  pageSize: 1000,
  chunkMinBytes: 0,
  manifestMaxBytes: 4 * 1024 * 1024,
  referrersApi: true,
  requireContent: true,
};

/**
 * Starts a registry on 127.0.0.1 that conforms to the OCI distribution specification 1.1:
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  const server =
    options.tls === undefined ? createServer() : createTlsServer({ key: options.tls.keyPem, cert: options.tls.certificatePem });
  // A push of a large layer is one request that may take longer than Node's default of five minutes.
  server.requestTimeout = 0;
  await listen(server, options.port ?? 0);
  const registry = new Registry(options, (server.address() as AddressInfo).port);
  server.on('request', (request, response) => void registry.handle(request, response));
  return {
    url: registry.origin,
    host: new URL(registry.origin).host,
    requests: registry.requests,
    content: registry.store,
    openUploads: () => registry.uploads.size,
    dropUploads: () => registry.uploads.cancelAll(),
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await registry.uploads.cancelAll();
    },
  };
}

class Registry {
  readonly origin: string;
  readonly store: ContentStore;
  readonly uploads: UploadTable;
  readonly requests: RequestRecord[] = [];
  readonly #auth: RegistryAuth;
  readonly #mint: TokenMint;
  readonly #limits: RegistryLimits;
  readonly #faults: FaultPlan;
  #received = 0;

  constructor(options: RegistryOptions, port: number) {
    const random = options.random ?? randomBytes;
    this.origin = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    this.store = new ContentStore(options.folder);
    this.uploads = new UploadTable(options.folder, () => toUuid(random(16)));
    this.#auth = options.auth ?? { kind: 'none' };
    this.#mint = new TokenMint({
      origin: options.publicOrigin ?? this.origin,
      service: options.service ?? `127.0.0.1:${port}`,
      secret: random(32),
      lifetimeMs: options.tokenLifetimeMs ?? 300_000,
      refreshLifetimeMs: options.refreshLifetimeMs ?? options.tokenLifetimeMs ?? 300_000,
      uses: { access: options.tokenUses ?? Number.POSITIVE_INFINITY, refresh: options.refreshUses ?? Number.POSITIVE_INFINITY },
      now: options.now,
    });
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#faults = options.faults ?? (() => undefined);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: target = '/' } = request;
    const url = new URL(`${this.origin}${target.startsWith('/') ? target : '/'}`);
    let user = '';
    let status: number | undefined;
    try {
      const fault = this.#faults({ method, target, route: findRoute(url.pathname), headers: request.headers, index: this.#received++ });
      const answer = await this.#answer(request, url, fault, (identity) => {
        user = identity.name;
      });
      status = fault?.kind === 'drop-answer' ? undefined : answer.status;
      this.requests.push({ method, path: url.pathname, query: url.search, user, status });
      await sendAnswer(request, response, answer, fault);
    } catch (error) {
      if (!(error instanceof ConnectionCut)) {
        throw error;
      }
      this.requests.push({ method, path: url.pathname, query: url.search, user, status });
      request.socket.destroy();
    }
  }

  async #answer(request: IncomingMessage, url: URL, fault: Fault | undefined, known: (identity: Identity) => void): Promise<Answer> {
    if (fault?.kind === 'answer') {
      return { status: fault.status, headers: fault.headers ?? {}, body: Buffer.from(fault.body ?? '') };
    }
    if (fault?.kind === 'reset' && fault.afterBodyBytes === undefined) {
      throw new ConnectionCut('cut on purpose');
    }
    if (fault?.kind === 'delay') {
      await sleep(fault.delayMs);
    }
    const body = takeBody(request, fault?.kind === 'reset' ? fault.afterBodyBytes : undefined);
    try {
      return await this.#dispatch({ method: request.method ?? '', headers: request.headers, body }, url, known);
    } catch (error) {
      return toErrorAnswer(error);
    }
  }

  async #dispatch(request: RegistryRequest, url: URL, known: (identity: Identity) => void): Promise<Answer> {
    const route = parseRoute(url.pathname);
    const query = url.searchParams;
    if (route.kind === 'token') {
      return await answerToken(this.#auth, request, query, this.#mint);
    }
    if (route.kind === 'exchange') {
      return await answerExchange(this.#auth, request, this.#mint);
    }
    const needed = neededScope(route, request.method);
    const identity = verifyAccess(this.#auth, { headers: request.headers, needed }, this.#mint);
    known(identity);
    return await toAnswer({ request, query, identity, store: this.store, uploads: this.uploads, limits: this.#limits }, route);
  }
}

async function toAnswer(exchange: Exchange, route: Exclude<Route, { kind: 'token' | 'exchange' }>): Promise<Answer> {
  switch (route.kind) {
    case 'catalog':
      return answerCatalog(exchange);
    case 'tags':
      return answerTags(exchange, route.repository);
    case 'referrers':
      return answerReferrers(exchange, route.repository, route.digest);
    case 'manifest':
      return await answerManifest(exchange, route.repository, route.reference);
    case 'blob':
      return await answerBlob(exchange, route.repository, route.digest);
    case 'upload-start':
      return await answerUploadStart(exchange, route.repository);
    case 'upload':
      return await answerUpload(exchange, route.repository, route.session);
    default:
      return toJsonAnswer(200, {});
  }
}

function toErrorAnswer(error: unknown): Answer {
  if (error instanceof RegistryError) {
    return toJsonAnswer(error.status, { errors: [{ code: error.code, message: error.message }] }, error.headers);
  }
  if (error instanceof ConnectionCut) {
    throw error;
  }
  return toJsonAnswer(500, { errors: [{ code: 'UNSUPPORTED', message: error instanceof Error ? error.message : 'failed' }] });
}

function findRoute(path: string): Route | undefined {
  try {
    return parseRoute(path);
  } catch {
    return undefined;
  }
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function toUuid(random: Buffer): string {
  const hex = random.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
