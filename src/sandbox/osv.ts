import type { Advisory } from '../model/advisory.ts';
import {
  type Answer,
  isJsonObject,
  matchRoute,
  parseJsonObject,
  type ReceivedRequest,
  Refusal,
  type Route,
  toJsonAnswer,
  toTextAnswer,
} from './exchange.ts';
import { ecosystemsOf, toArchive } from './osv-archive.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** One query of a batch (https://google.github.io/osv.dev/post-v1-query/#parameters). */
export interface OsvQuery {
  readonly package?: { readonly name?: string; readonly ecosystem?: string; readonly purl?: string };
  readonly version?: string;
  readonly commit?: string;
  readonly page_token?: string;
}

export interface OsvOptions extends StandInOptions {
  /** What `/v1/vulns/ID` answers with. */
  readonly records: readonly Advisory[];
  /** Ids of the records that answer a query. By default those that enumerate the very version for the package. */
  readonly matches?: (query: OsvQuery) => readonly string[];
  /** Ids of one answer before it is continued on another page. Default 1,000, as of the real one. */
  readonly pageSize?: number;
}

/** https://google.github.io/osv.dev/post-v1-querybatch/ */
const maxQueries = 1000;

interface Database {
  readonly records: ReadonlyMap<string, Advisory>;
  readonly matches: (query: OsvQuery) => readonly string[];
  readonly pageSize: number;
}

/** Starts a stand-in of api.osv.dev (batches of queries, and records by id) and of its bucket (`ecosystems.txt` and archives). */
export async function startOsv(options: OsvOptions): Promise<StandIn> {
  const database: Database = {
    records: new Map(options.records.map((record) => [record.id, record])),
    matches: options.matches ?? ((query) => matchEnumerated(options.records, query)),
    pageSize: options.pageSize ?? 1000,
  };
  return startStandIn((request) => {
    const found = matchRoute(routes, request);
    // The gateway's own words for what it does not route.
    return found === 'none' || found === 'wrong-method'
      ? toStatus(404, 5, 'The current request is not defined by this API.')
      : found.route.handle(database, request, found.parameters);
  }, options);
}

const routes: readonly Route<Database>[] = [
  { method: 'POST', path: /^\/v1\/querybatch$/, handle: queryBatch },
  { method: 'GET', path: /^\/v1\/vulns\/(?<id>[^/]+)$/, handle: getRecord },
  { method: 'GET', path: /^\/ecosystems\.txt$/, handle: getEcosystems },
  { method: 'GET', path: /^\/(?<ecosystem>[^/]+)\/all\.zip$/, handle: getArchive },
];

function queryBatch({ records, matches, pageSize }: Database, request: ReceivedRequest): Answer {
  const queries = parseJsonObject(request.body)?.queries;
  if (!Array.isArray(queries)) {
    throw new Refusal(toStatus(400, 3, 'Invalid query.'));
  }
  if (queries.length > maxQueries) {
    throw new Refusal(toStatus(400, 3, 'Too many queries.'));
  }
  const results = queries.map((query: unknown) => {
    const { page_token: token } = verifyQuery(query);
    const start = token === undefined || token === '' ? 0 : parsePageToken(token);
    const ids = matches(query as OsvQuery);
    const page = ids.slice(start, start + pageSize);
    const end = start + page.length;
    return {
      ...(page.length === 0 ? {} : { vulns: page.map((id) => ({ id, modified: records.get(id)?.modified ?? '1970-01-01T00:00:00Z' })) }),
      ...(end < ids.length ? { next_page_token: toPageToken(end) } : {}),
    };
  });
  return toJsonAnswer(200, { results });
}

/** As the service checks: what is asked for is named one way, and once. */
function verifyQuery(query: unknown): OsvQuery {
  const refuse = (message: string): Refusal => new Refusal(toStatus(400, 3, message));
  if (!isJsonObject(query)) {
    throw refuse('Invalid query.');
  }
  const { package: named, version, commit } = query as OsvQuery;
  if (named !== undefined && !isJsonObject(named)) {
    throw refuse('Invalid query.');
  }
  if (commit === undefined && named?.purl === undefined && (named?.name === undefined || named.ecosystem === undefined)) {
    throw refuse('Invalid query.');
  }
  if (named?.purl !== undefined && (named.name !== undefined || named.ecosystem !== undefined)) {
    throw refuse('name specified in a PURL query');
  }
  if (named?.purl !== undefined && /@[^/]+$/.test(named.purl) && version !== undefined) {
    throw refuse('version specified in params and PURL query');
  }
  return query as OsvQuery;
}

function getRecord({ records }: Database, _request: ReceivedRequest, { id = '' }: Readonly<Record<string, string>>): Answer {
  const record = records.get(id);
  return record === undefined ? toStatus(404, 5, 'Bug not found.') : toJsonAnswer(200, record);
}

/** With and without release, as the bucket's list has them. */
function getEcosystems({ records }: Database): Answer {
  const named = [...records.values()].flatMap(({ affected = [] }) => affected.flatMap((entry) => entry.package?.ecosystem ?? []));
  const lines = [...new Set([...ecosystemsOf([...records.values()]), ...named])].sort();
  return toTextAnswer(200, `${lines.join('\n')}\n`);
}

function getArchive({ records }: Database, _request: ReceivedRequest, { ecosystem = '' }: Readonly<Record<string, string>>): Answer {
  const name = decodeURIComponent(ecosystem);
  const all = [...records.values()];
  if (!ecosystemsOf(all).includes(name)) {
    return { status: 404, headers: { 'content-type': 'application/xml' }, body: Buffer.from('<Error><Code>NoSuchKey</Code></Error>') };
  }
  return { status: 200, headers: { 'content-type': 'application/zip' }, body: toArchive(all, name) };
}

function matchEnumerated(records: readonly Advisory[], { package: named, version }: OsvQuery): readonly string[] {
  const isAffected = ({ affected = [] }: Advisory): boolean =>
    affected.some(
      ({ package: affectedPackage, versions = [] }) =>
        affectedPackage?.name === named?.name &&
        affectedPackage?.ecosystem === named?.ecosystem &&
        (version === undefined || versions.includes(version)),
    );
  return named?.name === undefined ? [] : records.filter(isAffected).map(({ id }) => id);
}

/** Opaque to the client; only this server reads it. */
function toPageToken(start: number): string {
  return Buffer.from(`page:${start}`).toString('base64url');
}

function parsePageToken(token: string): number {
  const match = /^page:(\d+)$/.exec(Buffer.from(token, 'base64url').toString('utf8'));
  if (match === null) {
    throw new Refusal(toStatus(400, 3, 'Invalid page token.'));
  }
  return Number(match[1]);
}

/** google.rpc.Status, as the gateway writes it in JSON. */
function toStatus(status: number, code: number, message: string): Answer {
  return toJsonAnswer(status, { code, message });
}
