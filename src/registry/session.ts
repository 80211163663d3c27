import type { IncomingHttpHeaders } from 'node:http';
import type { HttpAnswer, HttpClient, HttpRequest, HttpResponse } from '../lib/http.ts';
import { readWhole } from '../lib/http-client.ts';
import { type RetryOptions, retry, retryAfterMs } from '../lib/retry.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import { type Access, Authorization } from './authorization.ts';
import type { BodySource } from './body-source.ts';
import { isInvalidToken } from './challenge.ts';
import type { RegistryCredential } from './credential.ts';
import type { RegistryAction } from './missing-grant.ts';
import { maxRedirects, redirectOf, resolveLocation, tooManyRedirects } from './redirect.ts';
import type { RegistryAddress } from './reference.ts';
import { toConnectionError, toRegistryError } from './registry-answer.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';

export interface SessionOptions {
  readonly registry: RegistryAddress;
  readonly repository: string;
  readonly http: HttpClient;
  readonly credential: RegistryCredential;
  readonly retry: RetryOptions;
  readonly tokenHosts?: readonly string[];
  /** For who only reads: where the credential is refused, or cannot be had, it is tried without; told why, where that is what works. */
  readonly onAnonymous?: (reason: string) => void;
  readonly signal?: AbortSignal;
}

export interface SessionRequest {
  /** Verb and object for errors, e.g. `read the manifest of registry.example/app:1`. */
  readonly verb: string;
  readonly method: HttpRequest['method'];
  /** Absolute, or below `/v2/REPOSITORY/`. */
  readonly url: URL | string;
  readonly access: Access;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | BodySource;
  readonly maxBodyBytes?: number;
  readonly idleTimeoutMs?: number;
  readonly deadlineMs?: number;
  /** Milliseconds since 1970: it is not sent after that, whatever it has waited for, and given up then. */
  readonly endMs?: number;
  /** Tries in all; 1 for what must not be repeated blindly. */
  readonly attempts?: number;
  /**
   * What becomes of it when the run is cancelled. `cut` (the default): it is given up. `finish`: it is not begun any more, and finished where it is
   * under way, for what it has done by then would not be known. `send`: it is sent all the same.
   */
  readonly onCancel?: 'cut' | 'finish' | 'send';
}

/** https://cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling: "Artifact Registry doesn't support chunked uploads". */
const wholeBlobHosts = /(?:^|\.)gcr\.io$|\.pkg\.dev$/;

/** Tokens that are fetched for one request, where the registry says of each that it has expired. */
const maxRenewals = 4;

/** Statuses that the caller knows what to do with; any other is an error. */
export type Expected = (status: number) => boolean;

/** For who looks at the status: anything that is not about authorization or an address. */
export function anyAnswer(status: number): boolean {
  return status !== 401 && (status < 300 || status > 399);
}

/**
 * Speaks to one repository: authorizes, renews a token that has expired, follows redirects and repeats what failed for the moment. The
 * credential goes along only to the registry's own origin, whatever it redirects to; a registry at a public address cannot redirect to a
 * private one.
 */
export class Session {
  readonly #options: SessionOptions;
  #authorization: Authorization;
  /** The credential was refused, and reading does without. */
  #isAnonymous = false;
  #sentBytes = 0;
  /** Whether the registry takes a blob in several requests, as far as is known. */
  takesPieces: boolean;

  constructor(options: SessionOptions, authorization = new Authorization(options)) {
    this.#options = options;
    this.#authorization = authorization;
    this.takesPieces = !wholeBlobHosts.test(options.registry.origin.hostname);
  }

  /** One for requests that nothing depends on: with the same tokens, given up also with `signal`, and tried once. */
  spare(signal: AbortSignal): Session {
    const { signal: own, retry: limits } = this.#options;
    const either = own === undefined ? signal : AbortSignal.any([own, signal]);
    return new Session({ ...this.#options, retry: { ...limits, attempts: 1 }, signal: either }, this.#authorization);
  }

  get registry(): RegistryAddress {
    return this.#options.registry;
  }

  get repository(): string {
    return this.#options.repository;
  }

  /** `registry/repository`. */
  get name(): string {
    return `${this.registry.name}/${this.repository}`;
  }

  /** Bytes of bodies that were sent, again where they were repeated. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The answer where its status is expected; else throws a RegistryError that quotes the registry. */
  async send(request: SessionRequest, isExpected: Expected): Promise<HttpResponse> {
    return this.stream({ maxBodyBytes: 4 * 1024 * 1024, deadlineMs: 120_000, ...request }, isExpected, toWhole);
  }

  /** As `send`, with an answer that is consumed as it comes, once for each try. */
  async stream<T>(request: SessionRequest, isExpected: Expected, consume: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const { retry: options } = this.#options;
    const limits = request.attempts === undefined ? options : { ...options, attempts: request.attempts };
    const outcome = await retry(limits, () => this.#authorized(request, isExpected, consume)).catch((error: unknown) => {
      throw this.toError(request.verb, error);
    });
    if (outcome.kind === 'expected') return outcome.value;
    throw toRegistryError(this.#toAction(request.verb, request.access), outcome);
  }

  toError(verb: string, error: unknown): unknown {
    return toConnectionError({ verb }, error);
  }

  /** The error for an answer to a push that the caller cannot use. */
  refusal(verb: string, response: HttpResponse): RegistryError {
    return toRegistryError(this.#toAction(verb, 'push'), response, retryAfterMs(response, this.#options.retry.now()));
  }

  #toAction(verb: string, needed: Access): RegistryAction {
    const access = needed === 'pull' ? 'pull' : 'push';
    return { ...this.#options, verb, access, grants: this.#authorization.grants(needed) };
  }

  /** The error for an answer that is not of the distribution specification's form. */
  unusable(verb: string, reason: string): RegistryError {
    const { name } = this.registry;
    return new RegistryError({
      code: 'answer-invalid',
      message: `cannot ${verb}: ${reason}`,
      hint: `Check that ${name} is a container registry that conforms to the OCI distribution specification, and any proxy before it.`,
    });
  }

  /** Where an answer's Location leads; where it has none, the address that was asked. */
  locate(from: URL, location: string | undefined): URL {
    return location === undefined ? from : resolveLocation(this.registry, from, location);
  }

  /** Docker-Content-Digest, where there is one, has to be what was sent. */
  verifyDigest(verb: string, { headers }: Pick<HttpResponse, 'headers'>, digest: Digest): void {
    const stated = headers['docker-content-digest'];
    if (stated === undefined || stated === digest) return;
    throw new RegistryError({
      code: 'digest-mismatch',
      message: `cannot ${verb}: ${this.registry.name} took it for other bytes than ${digest}`,
      hint: 'Run the step again; where it happens again, look at proxies between this machine and the registry.',
    });
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#options.retry.now().getTime();
  }

  /** 0 up to 1. */
  random(): number {
    return this.#options.retry.random();
  }

  sleep(ms: number): Promise<void> {
    return this.#options.retry.sleep(ms);
  }

  /** Waits before the next try, longer each time, and as long as the registry has asked for; rejects with `error` where that is too long. */
  async pause(failures: number, error: unknown): Promise<void> {
    const { sleep, random, backoffMs = 500, maxWaitMs = 60_000 } = this.#options.retry;
    const askedMs = error instanceof RegistryError ? (error.retryAfterMs ?? 0) : 0;
    if (askedMs > maxWaitMs) throw error;
    await sleep(Math.max(askedMs, backoffMs * 2 ** (failures - 1) * (0.5 + random() / 2)));
  }

  /** As it is allowed; for who only reads, where the credential is refused, without one. */
  async #authorized<T>(request: SessionRequest, isExpected: Expected, consume: (answer: HttpAnswer) => Promise<T>): Promise<Outcome<T>> {
    const { onAnonymous, credential } = this.#options;
    const attempt = this.#attempt(this.#authorization, request, isExpected, consume);
    if (onAnonymous === undefined || this.#isAnonymous || credential.kind === 'anonymous') return attempt;
    const reason = await attempt.then(toRefusal, toRefusedLogin);
    if (reason === undefined) return attempt;
    const authorization = new Authorization({ ...this.#options, credential: { kind: 'anonymous' } });
    const outcome = await this.#attempt(authorization, request, isExpected, consume).catch(() => undefined);
    // It is told what is wrong with its credential, for that may be put right.
    if (outcome === undefined || toRefusal(outcome) !== undefined) return attempt;
    this.#authorization = authorization;
    this.#isAnonymous = true;
    onAnonymous(reason);
    return outcome;
  }

  async #attempt<T>(
    authorization: Authorization,
    request: SessionRequest,
    isExpected: Expected,
    consume: (answer: HttpAnswer) => Promise<T>,
  ): Promise<Outcome<T>> {
    let shown = await authorization.header(request.access);
    for (let renewals = 0; ; renewals += 1) {
      const outcome = await this.#follow(request, shown, isExpected, consume);
      if (outcome.kind === 'expected' || outcome.status !== 401 || !outcome.isRegistry) return outcome;
      // A new token may have run out, too: others use it meanwhile. One that is refused for its rights would be so again.
      if (renewals > 0 && !(renewals < maxRenewals && isInvalidToken(outcome.headers['www-authenticate'] ?? ''))) return outcome;
      if (!(await authorization.answer(outcome, request.access, shown))) return outcome;
      shown = await authorization.header(request.access);
    }
  }

  async #follow<T>(
    request: SessionRequest,
    authorization: string | undefined,
    isExpected: Expected,
    consume: (answer: HttpAnswer) => Promise<T>,
  ): Promise<Outcome<T>> {
    const { registry, http } = this.#options;
    let url = typeof request.url === 'string' ? new URL(`/v2/${this.repository}/${request.url}`, registry.origin) : request.url;
    let reach: 'any' | 'public' = 'any';
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      const isRegistry = url.origin === registry.origin.origin;
      const outcome = await http.stream(
        this.#toRequest(request, url, isRegistry ? authorization : undefined, isRegistry ? 'any' : reach),
        (answer) => toOutcome(answer, isRegistry, isExpected, consume),
      );
      if (outcome.kind !== 'redirect') return outcome;
      url = this.#nextUrl(request, url, outcome);
      if (isRegistry && outcome.isPublicPeer) reach = 'public';
    }
    throw tooManyRedirects(registry);
  }

  /** Content is sent on only within the registry, and only by the statuses that keep the method. */
  #nextUrl(request: SessionRequest, url: URL, { location, status }: Redirect): URL {
    const { registry } = this.#options;
    const next = resolveLocation(registry, url, location);
    if (request.method === 'GET' || request.method === 'HEAD') return next;
    if (next.origin === registry.origin.origin && (status === 307 || status === 308)) return next;
    throw new RegistryError({
      code: 'redirect-refused',
      message: `cannot ${request.verb}: ${registry.name} sends the request on to ${next.host}`,
      hint: `Name the registry by the host that it redirects to.`,
    });
  }

  /** How long the request may take; throws where it is too late for it. */
  #leftMs({ verb, deadlineMs, endMs }: SessionRequest): number | undefined {
    if (endMs === undefined) return deadlineMs;
    const leftMs = Math.floor(endMs - this.now());
    if (leftMs > 0) return Math.min(leftMs, deadlineMs ?? leftMs);
    throw new RegistryError({
      code: 'unreachable',
      message: `cannot ${verb}: ${this.registry.name} took too long with what goes before it`,
      hint: `Run the step again when this machine and ${this.registry.name} are less busy.`,
    });
  }

  #toRequest(request: SessionRequest, url: URL, authorization: string | undefined, reach: 'any' | 'public'): HttpRequest {
    const { verb: _verb, access: _access, attempts: _attempts, endMs: _endMs, onCancel = 'cut', headers, body, ...rest } = request;
    const leftMs = this.#leftMs(request);
    this.#sentBytes += body?.length ?? 0;
    const content = body === undefined || body instanceof Uint8Array ? body : body.open();
    const length = body === undefined || body === content ? {} : { 'content-length': `${body.length}` };
    const { signal } = this.#options;
    const isCut = onCancel === 'cut' || (onCancel === 'finish' && signal?.aborted === true);
    return {
      ...rest,
      ...(leftMs === undefined ? {} : { deadlineMs: leftMs }),
      url,
      reach,
      headers: { ...headers, ...length, ...(authorization === undefined ? {} : { authorization }) },
      ...(content === undefined ? {} : { body: content }),
      ...(signal === undefined || !isCut ? {} : { signal }),
    };
  }
}

interface Redirect {
  readonly kind: 'redirect';
  readonly status: number;
  readonly location: string;
  readonly isPublicPeer: boolean;
}

/** `status` and `headers` decide whether to try again. */
type Outcome<T> =
  | { readonly kind: 'expected'; readonly value: T; readonly status: number; readonly headers: IncomingHttpHeaders }
  | (HttpResponse & { readonly kind: 'unexpected'; readonly isRegistry: boolean });

/** Why the registry does not take the credential, or not for this; undefined where it does. */
function toRefusal(outcome: Outcome<unknown>): string | undefined {
  const isRefused = outcome.kind === 'unexpected' && outcome.isRegistry && (outcome.status === 401 || outcome.status === 403);
  return isRefused ? `with that of this run it answers ${outcome.status}` : undefined;
}

/** What else went wrong is nothing that would go better without a credential. */
function toRefusedLogin(error: unknown): string | undefined {
  const isRefused = isRegistryError(error, 'unauthorized', 'forbidden', 'credential-refused', 'audience-refused');
  return isRefused || (error instanceof StepError && error.origin === 'identity') ? error.message : undefined;
}

async function toOutcome<T>(
  answer: HttpAnswer,
  isRegistry: boolean,
  isExpected: Expected,
  consume: (answer: HttpAnswer) => Promise<T>,
): Promise<Outcome<T> | Redirect> {
  const { status, isPublicPeer = false } = answer;
  const location = redirectOf(answer);
  if (location !== undefined && !isExpected(status)) return { kind: 'redirect', status, location, isPublicPeer };
  // An expected status is never repeated, though it may be one that can be.
  if (isExpected(status)) return { kind: 'expected', value: await consume(answer), status: 200, headers: {} };
  return { ...(await toWhole({ ...answer, body: firstBytes(answer.body) })), kind: 'unexpected', isRegistry };
}

async function toWhole({ body, ...head }: HttpAnswer): Promise<HttpResponse> {
  return { ...head, body: await readWhole(body) };
}

/** An error's text is wanted in part only, whatever its size. */
async function* firstBytes(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of body) {
    yield chunk;
    sizeBytes += chunk.length;
    if (sizeBytes > 32 * 1024) return;
  }
}
