import type { Http } from '../lib/http.ts';
import type { RetryOptions } from '../lib/retry.ts';
import type { Advisory, AdvisoryAnswer, AdvisorySource } from '../model/advisory.ts';
import type { CoverageGap } from '../model/finding.ts';
import type { Package } from '../model/package.ts';
import { evaluateAdvisory, matchFixedVersion } from './evaluation.ts';
import { OsvClient, type ServiceMatch } from './osv-client.ts';
import { type Question, toGap, toQuestions } from './question.ts';
import { rpmVersionOrder } from './rpm-version.ts';

export interface OsvServiceOptions {
  /** Base of the API. Default https://api.osv.dev. */
  readonly url?: URL;
  readonly http: Http;
  readonly retry: RetryOptions;
  /** Records fetched at once. Default 8. */
  readonly parallel?: number;
}

/**
 * The API of osv.dev (https://google.github.io/osv.dev/api/). Only names, versions and ecosystems of packages are sent. The service says
 * which advisories match; what they call fixed is worked out here. A question that the service refuses is a gap; any other failure rejects.
 */
export function openOsvService(options: OsvServiceOptions): AdvisorySource {
  const url = options.url ?? new URL('https://api.osv.dev');
  const client = new OsvClient({ http: options.http, retry: options.retry, url });
  return {
    name: url.host === 'api.osv.dev' ? 'osv.dev' : url.origin,
    fetchDigest: async () => undefined,
    expect() {},
    match: (packages) => matchInService(client, options, packages),
    async [Symbol.asyncDispose]() {},
  };
}

async function matchInService(
  client: OsvClient,
  { parallel = 8, retry }: OsvServiceOptions,
  packages: readonly Package[],
): Promise<AdvisoryAnswer> {
  const asOf = retry.now().toISOString();
  const { questions, gaps } = toQuestions(packages);
  const [answerable, versionless] = partition(questions, ({ subject }) => subject.version !== '');
  const { answers, refused } = await client.query(answerable.map(({ subject }) => subject));
  const ids = [...new Set(answers.flat().map(({ id }) => id))];
  const records = await fetchAll(ids, parallel, (id) => client.fetchAdvisory(id));
  return {
    matches: answerable.flatMap((question, index) => toMatches(question, answers[index] ?? [], records)),
    gaps: [...gaps, ...versionless.map(toVersionlessGap), ...refused.map((index) => toRefusedGap(answerable[index]))],
    newest: answers
      .flat()
      .flatMap(({ modified }) => modified ?? [])
      .sort()
      .at(-1),
    asOf,
  };
}

/**
 * A record that is gone between the two calls still matches: nothing is known of it but its id. The service knows nothing of the modules of rpm, so
 * there the record has the last word.
 */
function toMatches(question: Question, found: readonly ServiceMatch[], records: ReadonlyMap<string, Advisory | undefined>) {
  return found.flatMap(({ id }) => {
    const advisory = records.get(id) ?? { id };
    if (isOfOtherModule(advisory, question)) return [];
    const fixedVersion = matchFixedVersion(advisory, question.subject);
    return advisory.withdrawn === undefined ? question.packages.map((item) => ({ package: item, advisory, fixedVersion })) : [];
  });
}

function isOfOtherModule(advisory: Advisory, { subject }: Question): boolean {
  return subject.order === rpmVersionOrder && advisory.affected !== undefined && evaluateAdvisory(advisory, subject).kind === 'unaffected';
}

function toVersionlessGap({ packages }: Question): CoverageGap {
  return toGap('unsupported', 'the package states no version', packages);
}

function toRefusedGap(question: Question | undefined): CoverageGap {
  const version = JSON.stringify(question?.subject.version);
  return toGap('unsupported', `the advisory service refuses version ${version}`, question?.packages ?? []);
}

async function fetchAll<T>(ids: readonly string[], parallel: number, fetchOne: (id: string) => Promise<T>): Promise<Map<string, T>> {
  const results = new Map<string, T>();
  const waiting = ids.values();
  async function work(): Promise<void> {
    for (const id of waiting) results.set(id, await fetchOne(id));
  }
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
