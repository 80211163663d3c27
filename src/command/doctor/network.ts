import type { HttpRequest } from '../../lib/http.ts';
import { HttpError } from '../../lib/http-error.ts';
import { describeProxy } from '../../lib/proxy.ts';
import { retry } from '../../lib/retry.ts';
import type { Check, CheckOutcome } from '../../model/check.ts';
import type { World } from '../world.ts';
import { type Case, checkNames } from './case.ts';
import { type ClockReading, clockCheck, readClock } from './clock.ts';
import { type Target, targetsOf } from './network-target.ts';

/** Longest wait for a host, each time. */
const deadlineMs = 15_000;

/** What a visit of a host showed. */
interface Visit {
  readonly tookMs: number;
  readonly isPublicPeer: boolean;
  readonly clock: ClockReading | undefined;
}

/** Every host that the run will speak to answers, and through what; and the clock of this machine, which they tell. */
export function networkChecks(given: Case): readonly Check[] {
  const visits: (() => Promise<Visit>)[] = [];
  const checks = targetsOf(given).map((target): Check => {
    const visit = once(() => visitTarget(target, given.world));
    visits.push(visit);
    return { name: checkNames.network(target.name), needs: [], run: () => describeVisit(target, visit, given.world) };
  });
  return [...checks, clockCheck(visits.map((visit) => async () => (await visit()).clock))];
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => {
    begun ??= work();
    return begun;
  };
}

/** Any answer will do: nothing that it says is read but its date. */
async function visitTarget({ url }: Target, { http, now, random, sleep, elapsedMs, cancelled }: World): Promise<Visit> {
  const request: HttpRequest = { method: 'GET', url, deadlineMs, signal: cancelled };
  const answer = await retry({ attempts: 2, now, random, sleep }, async () => {
    const [before, beganMs] = [now(), elapsedMs()];
    return http.stream(request, async ({ status, headers, isPublicPeer = false }) => {
      return { status, headers, isPublicPeer, tookMs: elapsedMs() - beganMs, clock: readClock(headers, before, now()) };
    });
  });
  return answer;
}

async function describeVisit(target: Target, visit: () => Promise<Visit>, world: World): Promise<CheckOutcome> {
  try {
    return toOutcome(target, await visit(), world);
  } catch (error) {
    if (target.isVital || !(error instanceof HttpError)) throw error;
    return { state: 'warning', text: error.message, hint: error.hint };
  }
}

function toOutcome({ url }: Target, { tookMs, isPublicPeer }: Visit, { proxies }: World): CheckOutcome {
  const proxy = proxies.choose(url);
  const exempt = proxies.servers.length === 0 ? 'directly' : 'directly, past the proxy (NO_PROXY, or this machine)';
  const way = proxy === undefined ? exempt : `through ${describeProxy(proxy)}`;
  const where = proxy === undefined && !isPublicPeer ? ', at a private address' : '';
  const trust = url.protocol === 'https:' ? 'its certificate is trusted' : 'over http, where nobody proves who he is';
  return { state: 'right', text: `${url.host} answers ${way}${where}, in ${Math.round(tookMs)} ms; ${trust}` };
}
