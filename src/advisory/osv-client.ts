import * as v from 'valibot';
import type { Http, HttpRequest, HttpResponse } from '../lib/http.ts';
import { HttpError } from '../lib/http-error.ts';
import { type RetryOptions, retry } from '../lib/retry.ts';
import type { Advisory } from '../model/advisory.ts';
import { advisoryError } from './advisory-error.ts';
import { idSchema, toAdvisory } from './advisory-record.ts';
import type { Subject } from './ecosystem.ts';
import { toServiceEcosystems } from './rpm-product.ts';

/** https://google.github.io/osv.dev/post-v1-querybatch/: at most 1,000 queries in a request. */
export const queryLimit = 1_000;

/** Pages of one query; osv.dev's have 1,000 advisories. */
const pageLimit = 100;
/** Queries that the service may refuse one by one before the whole is given up. */
const refusalLimit = 50;
const answerLimitBytes = 64 * 1024 * 1024;

export interface ServiceMatch {
  readonly id: string;
  readonly modified: string | undefined;
}

export interface OsvClientOptions {
  readonly http: Http;
  readonly retry: RetryOptions;
  readonly url: URL;
}

interface Query {
  readonly index: number;
  readonly subject: Subject;
  readonly pageToken?: string;
}

/** Speaks to one OSV service. Every exchange may be repeated: the API only reads. */
export class OsvClient {
  readonly #options: OsvClientOptions;

  constructor(options: OsvClientOptions) {
    this.#options = options;
  }

  /** Ids of the advisories for each subject, all pages; and the places of the subjects that the service refuses to answer for. */
  async query(subjects: readonly Subject[]): Promise<{ readonly answers: readonly ServiceMatch[][]; readonly refused: readonly number[] }> {
    const answers: ServiceMatch[][] = subjects.map(() => []);
    const refused: number[] = [];
    let queries: Query[] = subjects.flatMap((subject, index) =>
      toServiceEcosystems(subject.ecosystem).map((ecosystem) => ({ index, subject: { ...subject, ecosystem } })),
    );
    for (let page = 0; queries.length > 0; page += 1) {
      if (page === pageLimit) throw this.#unexpected(`answers have more than ${pageLimit} pages`);
      const next: Query[] = [];
      for (let start = 0; start < queries.length; start += queryLimit) {
        next.push(...(await this.#queryBatch(queries.slice(start, start + queryLimit), answers, refused)));
      }
      queries = next;
    }
    return { answers: answers.map(distinct), refused: [...new Set(refused)] };
  }

  /** The record of an advisory; undefined where the service has none of that id. */
  async fetchAdvisory(id: string): Promise<Advisory | undefined> {
    const answer = await this.#exchange({ method: 'GET', url: this.#url(`v1/vulns/${encodeURIComponent(id)}`) });
    if (answer.status === 404) return undefined;
    const advisory = answer.status === 200 ? toAdvisory(parseJson(answer.body)) : this.#refuse(answer);
    if (advisory?.id !== id) throw this.#unexpected(`its answer for ${id} is not that record in OSV format`);
    return advisory;
  }

  /** Puts what was found into `answers` and gives the queries for the next page. A refused batch is halved until the refused query is alone. */
  async #queryBatch(queries: readonly Query[], answers: ServiceMatch[][], refused: number[]): Promise<Query[]> {
    const body = Buffer.from(JSON.stringify({ queries: queries.map(toWire) }));
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#exchange({ method: 'POST', url: this.#url('v1/querybatch'), headers, body });
    const [only] = queries;
    if (answer.status === 400 && queries.length === 1 && only !== undefined && refused.length < refusalLimit) {
      refused.push(only.index);
      return [];
    }
    if (answer.status === 400 && queries.length > 1) {
      const middle = Math.ceil(queries.length / 2);
      const first = await this.#queryBatch(queries.slice(0, middle), answers, refused);
      return [...first, ...(await this.#queryBatch(queries.slice(middle), answers, refused))];
    }
    const results = answer.status === 200 ? this.#parseResults(answer.body, queries.length) : this.#refuse(answer);
    return queries.flatMap((query, place) => {
      const { vulns, next_page_token: pageToken } = results[place] ?? {};
      answers[query.index]?.push(...(vulns ?? []).map(({ id, modified }) => ({ id, modified: modified ?? undefined })));
      return pageToken ? [{ ...query, pageToken }] : [];
    });
  }

  #parseResults(body: Buffer, count: number): v.InferOutput<typeof batchSchema>['results'] {
    const parsed = v.safeParse(batchSchema, parseJson(body));
    if (!parsed.success || parsed.output.results.length !== count) {
      throw this.#unexpected(`its answer to ${count} queries is not ${count} results in the form of the OSV API`);
    }
    return parsed.output.results;
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await retry(this.#options.retry, () => this.#options.http({ ...request, maxBodyBytes: answerLimitBytes }));
    } catch (cause) {
      if (!(cause instanceof HttpError)) throw cause;
      const hint = `${cause.hint} Or take advisories from a directory: advisories: DIRECTORY.`;
      throw advisoryError('service-unreachable', `cannot ask ${this.#options.url.origin} for advisories: ${cause.message}`, hint, cause);
    }
  }

  #url(path: string): URL {
    return new URL(path, this.#options.url.href.replace(/\/*$/, '/'));
  }

  #refuse({ status }: HttpResponse): never {
    const hint = 'try again later, or take advisories from a directory (advisories: DIRECTORY)';
    throw advisoryError(
      'service-refused',
      `cannot get advisories from ${this.#options.url.origin}: it answers with status ${status}`,
      hint,
    );
  }

  #unexpected(reason: string): Error {
    const hint = 'check that the URL is that of an OSV API, such as https://api.osv.dev';
    return advisoryError('unexpected-answer', `cannot use the advisories of ${this.#options.url.origin}: ${reason}`, hint);
  }
}

const batchSchema = v.object({
  results: v.array(
    v.object({
      vulns: v.nullish(v.array(v.object({ id: idSchema, modified: v.nullish(v.string()) }))),
      next_page_token: v.nullish(v.string()),
    }),
  ),
});

function toWire({ subject, pageToken }: Query): object {
  const { ecosystem, name, version } = subject;
  return { package: { ecosystem, name }, version, ...(pageToken === undefined ? {} : { page_token: pageToken }) };
}

/** An advisory may be filed under several of the ecosystems that were asked for. */
function distinct(matches: readonly ServiceMatch[]): ServiceMatch[] {
  return [...new Map(matches.map((match) => [match.id, match])).values()];
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
