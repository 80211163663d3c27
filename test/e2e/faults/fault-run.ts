import { exitCodeOf } from '../../../src/command/exit-code.ts';
import { secure } from '../../../src/command/secure.ts';
import { parseSettings } from '../../../src/inputs/parse.ts';
import type { HttpClient, HttpRequest } from '../../../src/lib/http.ts';
import { createHttp } from '../../../src/lib/http-client.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { openWorld, silentHost } from '../../command/silent-world.ts';
import type { FaultPlan, SeenExchange } from './fault-proxy.ts';
import { type Published, readPublished } from './published-image.ts';
import type { PublishingPlace } from './publishing-place.ts';

export interface FaultRun {
  readonly exitCode: number;
  /** Code and message of the error that ended it. */
  readonly error: string | undefined;
  readonly published: Published;
  readonly openUploads: number;
  readonly seen: readonly SeenExchange[];
  /** Of the run's own clock, which does not wait. */
  readonly elapsedMs: number;
  readonly realMs: number;
}

export type ImageFile = 'small.tar' | 'packed.tar' | 'old.tar' | 'large.tar';

export interface FaultRunOptions {
  readonly image: ImageFile;
  readonly plan: FaultPlan;
  /** By how much each time limit of the HTTP client is shorter than it is by default. */
  readonly hurry?: number;
}

let runs = 0;

/** The name of a repository that no other run has. */
export function newRepository(): string {
  runs += 1;
  return `run-${runs}/app`;
}

/** Runs the step in this process, through the proxy, to a repository of its own, and reads what the registry then has of it. */
export async function runFaulty(
  place: PublishingPlace,
  { image, plan, hurry = 1 }: FaultRunOptions,
  repository = newRepository(),
): Promise<FaultRun> {
  const seen = place.proxy.plan(repository, plan);
  const http = hurried(createHttp({ userAgent: 'image-custody/test' }), hurry);
  const world = openWorld(http);
  const startMs = performance.now();
  const settings = parseSettings(new Map(Object.entries(place.inputs(image, repository))), (name) => name);
  const outcome = await secure(settings, silentHost(place.workspace, place.workspace), world).then(
    (exitCode) => ({ exitCode, error: undefined }),
    (error: unknown) => {
      if (error instanceof StepError) return { exitCode: exitCodeOf(error), error: `${error.code}: ${error.message}` };
      throw error;
    },
  );
  const realMs = performance.now() - startMs;
  const elapsedMs = world.elapsedMs() - startMs;
  http.close();
  const published = await readPublished(place.view, repository, '1.0');
  return { ...outcome, published, openUploads: await place.openUploads(repository), seen, elapsedMs, realMs };
}

/** The same client, less patient: nothing else is different to who uses it. */
function hurried(http: HttpClient, by: number): HttpClient {
  if (by === 1) return http;
  const faster = (request: HttpRequest): HttpRequest => ({
    ...request,
    idleTimeoutMs: (request.idleTimeoutMs ?? 60_000) / by,
    ...(request.deadlineMs === undefined ? {} : { deadlineMs: request.deadlineMs / by }),
  });
  const whole = (request: HttpRequest) => http(faster(request));
  const stream: HttpClient['stream'] = (request, consume) => http.stream(faster(request), consume);
  return Object.assign(whole, { stream, agentFor: (url: URL) => http.agentFor(url), close: () => http.close() });
}

/** Does `act` for each item, so many at a time. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(items[at] as Item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
