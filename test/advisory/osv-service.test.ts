import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openOsvService } from '../../src/advisory/osv-service.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from './packages.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Reply = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> };

let asked: Asked[];
let reply: (asked: Asked) => Reply | undefined;
let server: Server;
let http: HttpClient;
let atOnce: number;
let mostAtOnce: number;

beforeEach(async () => {
  asked = [];
  atOnce = 0;
  mostAtOnce = 0;
  server = createServer(async (request, response) => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
    asked.push(one);
    const answer = reply(one);
    await new Promise((resolve) => setTimeout(resolve, 2));
    atOnce -= 1;
    if (answer === undefined) response.destroy();
    else response.writeHead(answer.status, answer.headers).end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  http = createHttp({ userAgent: 'image-custody-test' });
});
afterEach(() => {
  http.close();
  server.close();
});

function service(parallel?: number) {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const retry = { attempts: 3, now: () => new Date(), random: () => 0, sleep: async () => {} };
  return openOsvService({ url, http, retry, ...(parallel === undefined ? {} : { parallel }) });
}

const match = (...packages: readonly Package[]) => service().match(packages);

function queriesOf({ body }: Asked): { package: { ecosystem: string; name: string }; version: string; page_token?: string }[] {
  return JSON.parse(body).queries;
}

function recordOf(url: string, fields: object = {}): Reply {
  const id = decodeURIComponent(url.slice('/v1/vulns/'.length));
  const ranges = [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.5.0' }] }];
  return {
    status: 200,
    body: { id, modified: '2026-01-01T00:00:00Z', affected: [{ package: { ecosystem: 'npm', name: 'p' }, ranges }], ...fields },
  };
}

/** Answers each query with one advisory named after the package. */
function oneEach(one: Asked): Reply {
  if (one.method === 'GET') return recordOf(one.url);
  return {
    status: 200,
    body: { results: queriesOf(one).map(({ package: { name } }) => ({ vulns: [{ id: `X-${name}`, modified: '2026-03-01T00:00:00Z' }] })) },
  };
}

test('asks for names and versions, and fetches each record once', async () => {
  reply = oneEach;
  const items = [
    packageOf('npm', 'p', '1.0.0', { path: 'secret/path/a' }),
    packageOf('npm', 'p', '1.0.0', { path: 'secret/path/b', licence: 'secret-licence' }),
    packageOf('npm', 'p', '1.1.0'),
    packageOf('Debian:12', 'libssl3', '3.0.9-1+b1', { source: { name: 'openssl', version: '3.0.9-1' }, maintainer: 'secret-maintainer' }),
  ];
  const answer = await match(...items);
  expect(answer.matches.map((found) => [found.package, found.advisory.id, found.fixedVersion])).toEqual([
    [items[0], 'X-p', '1.5.0'],
    [items[1], 'X-p', '1.5.0'],
    [items[2], 'X-p', '1.5.0'],
    [items[3], 'X-openssl', undefined],
  ]);
  expect(answer).toMatchObject({ gaps: [], newest: '2026-03-01T00:00:00Z' });
  expect(asked.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
    'GET /v1/vulns/X-openssl',
    'GET /v1/vulns/X-p',
    'POST /v1/querybatch',
  ]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    queries: [
      { package: { ecosystem: 'npm', name: 'p' }, version: '1.0.0' },
      { package: { ecosystem: 'npm', name: 'p' }, version: '1.1.0' },
      { package: { ecosystem: 'Debian:12', name: 'openssl' }, version: '3.0.9-1' },
    ],
  });
  expect(JSON.stringify(asked)).not.toContain('secret');
});

test('sends at most 1,000 queries at once, and fetches no more records at once than allowed', async () => {
  reply = oneEach;
  const items = Array.from({ length: 1_050 }, (_, index) => packageOf('npm', `p${index % 60}`, `1.${index}.0`));
  const answer = await service(3).match(items);
  expect(answer.matches).toHaveLength(1_050);
  expect(asked.filter(({ method }) => method === 'POST').map((one) => queriesOf(one).length)).toEqual([1_000, 50]);
  expect(asked.filter(({ method }) => method === 'GET')).toHaveLength(60);
  expect(mostAtOnce).toBe(3);
});

test('follows pages, each with its token, until there are none', async () => {
  const pages: Record<string, object> = {
    '': { vulns: [{ id: 'X-1' }], next_page_token: 't1' },
    t1: { next_page_token: 't2' },
    t2: { vulns: [{ id: 'X-2' }] },
  };
  reply = (one) =>
    one.method === 'GET'
      ? recordOf(one.url)
      : {
          status: 200,
          body: { results: queriesOf(one).map((query) => (query.package.name === 'p' ? pages[query.page_token ?? ''] : {})) },
        };
  const answer = await match(packageOf('npm', 'other', '1.0.0'), packageOf('npm', 'p', '1.0.0'));
  expect(answer.matches.map(({ advisory }) => advisory.id)).toEqual(['X-1', 'X-2']);
  expect(asked.filter(({ method }) => method === 'POST').map((one) => queriesOf(one).map(({ page_token: token }) => token))).toEqual([
    [undefined, undefined],
    ['t1'],
    ['t2'],
  ]);
});

test('a record that is gone, or was withdrawn meanwhile', async () => {
  reply = (one) => {
    if (one.method === 'POST') return { status: 200, body: { results: [{ vulns: [{ id: 'X-gone' }, { id: 'X-withdrawn' }] }] } };
    return one.url.endsWith('gone') ? { status: 404, body: { code: 5 } } : recordOf(one.url, { withdrawn: '2026-02-01T00:00:00Z' });
  };
  const { matches } = await match(packageOf('npm', 'p', '1.0.0'));
  expect(matches).toMatchObject([{ advisory: { id: 'X-gone' }, fixedVersion: undefined }]);
});

test('a query that the service refuses is a gap, the others are answered', async () => {
  reply = (one) => {
    if (one.method === 'GET') return recordOf(one.url);
    return queriesOf(one).some(({ version }) => version === 'odd')
      ? { status: 400, body: { code: 3, message: 'Invalid version' } }
      : oneEach(one);
  };
  const items = Array.from({ length: 9 }, (_, index) => packageOf('npm', `p${index}`, index === 5 ? 'odd' : '1.0.0'));
  const { matches, gaps } = await match(...items, packageOf('npm', 'p', ''));
  expect(matches.map(({ package: { name } }) => name)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p6', 'p7', 'p8']);
  expect(gaps.map(({ code, reason }) => [code, reason])).toEqual([
    ['unsupported', 'the package states no version: no advisories for p'],
    ['unsupported', 'the advisory service refuses version "odd": no advisories for p5'],
  ]);
});

describe('faults', () => {
  const item = packageOf('npm', 'p', '1.0.0');

  test.each([429, 500, 502, 503, 504])('a passing status %i is retried', async (status) => {
    const seen = new Map<string, number>();
    reply = (one) => {
      seen.set(one.url, (seen.get(one.url) ?? 0) + 1);
      return seen.get(one.url) === 1 ? { status, body: 'busy' } : oneEach(one);
    };
    expect((await match(item)).matches).toHaveLength(1);
    expect([...seen.values()]).toEqual([2, 2]);
  });

  test('a broken connection is retried, for a while', async () => {
    reply = () => undefined;
    await expect(match(item)).rejects.toMatchObject({ name: 'StepError', origin: 'advisories', code: 'service-unreachable' });
    expect(asked).toHaveLength(3);
  });

  test.each([
    [401, 'service-refused'],
    [403, 'service-refused'],
    [404, 'service-refused'],
    [302, 'service-refused'],
    [503, 'service-refused'],
  ])('status %i to the query ends it', async (status, code) => {
    reply = () => ({ status, body: '', headers: { location: 'http://127.0.0.1:1/' } });
    await expect(match(item)).rejects.toMatchObject({ origin: 'advisories', code, message: expect.stringContaining(String(status)) });
  });

  test('a service that refuses everything is given up', async () => {
    reply = () => ({ status: 400, body: '' });
    const items = Array.from({ length: 200 }, (_, index) => packageOf('npm', `p${index}`, '1.0.0'));
    await expect(match(...items)).rejects.toMatchObject({ code: 'service-refused' });
    expect(asked.length).toBeLessThan(200);
  });

  test.each([
    ['no JSON', '<html>'],
    ['another shape', { vulns: [] }],
    ['too few results', { results: [] }],
    ['too many results', { results: [{}, {}] }],
    ['an id that is none', { results: [{ vulns: [{ id: '../../etc/passwd' }] }] }],
    ['an id with a line break', { results: [{ vulns: [{ id: 'X-1\n::error::' }] }] }],
    ['no id', { results: [{ vulns: [{}] }] }],
  ])('an answer that is not the API’s: %s', async (_what, body) => {
    reply = () => ({ status: 200, body });
    await expect(match(item)).rejects.toMatchObject({ origin: 'advisories', code: 'unexpected-answer' });
  });

  test.each([
    ['another record', { id: 'X-other' }],
    ['no record', { message: 'x' }],
    ['a broken record', { id: 'X-p', affected: 5 }],
  ])('for an id, %s', async (_what, body) => {
    reply = (one) => (one.method === 'GET' ? { status: 200, body } : oneEach(one));
    await expect(match(item)).rejects.toMatchObject({ code: 'unexpected-answer', message: expect.stringContaining('X-p') });
  });

  test('pages without end', async () => {
    reply = () => ({ status: 200, body: { results: [{ next_page_token: 'again' }] } });
    await expect(match(item)).rejects.toMatchObject({ code: 'unexpected-answer' });
    expect(asked.length).toBeLessThanOrEqual(100);
  });
});

test('nothing to ask is nothing asked', async () => {
  reply = () => undefined;
  expect(await match()).toMatchObject({ matches: [], gaps: [], newest: undefined });
  expect(asked).toEqual([]);
});

test('a base URL may have a path', async () => {
  reply = (one) => (one.method === 'GET' ? recordOf(one.url.slice('/osv'.length)) : oneEach(one));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/osv`);
  const retry = { attempts: 1, now: () => new Date(), random: () => 0, sleep: async () => {} };
  await openOsvService({ url, http, retry }).match([packageOf('npm', 'p', '1.0.0')]);
  expect(asked.map(({ url: path }) => path)).toEqual(['/osv/v1/querybatch', '/osv/v1/vulns/X-p']);
});

test('packages of Red Hat are asked for in every channel, and an advisory of another stream of the module is left out', async () => {
  const record = (id: string, summary: string) => ({
    id,
    summary,
    affected: [
      {
        package: { ecosystem: 'Red Hat:enterprise_linux:9::appstream', name: 'nodejs' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1:20.0.0-1.module+el9.3.0+1+a' }] }],
      },
    ],
  });
  const records = [record('RHSA-2024:1', 'nodejs:18 security update'), record('RHSA-2024:2', 'nodejs:20 security update')];
  reply = (one) => {
    if (one.method === 'GET') return { status: 200, body: records.find(({ id }) => decodeURIComponent(one.url).endsWith(id)) };
    const vulns = records.map(({ id }) => ({ id, modified: '2024-01-01T00:00:00Z' }));
    const isAppStream = (ecosystem: string) => ecosystem.endsWith('::appstream');
    return { status: 200, body: { results: queriesOf(one).map((query) => (isAppStream(query.package.ecosystem) ? { vulns } : {})) } };
  };
  const module = 'nodejs:18:9030020240101:rhel9';
  const item = packageOf('Red Hat:enterprise_linux:9', 'nodejs', '1:18.0.0-1.module+el9.1.0+1+a', { type: 'rpm', module });
  const answer = await match(item);
  expect(queriesOf(asked[0] as Asked).map((query) => query.package.ecosystem)).toEqual([
    'Red Hat:enterprise_linux:9::baseos',
    'Red Hat:enterprise_linux:9::appstream',
    'Red Hat:enterprise_linux:9::crb',
  ]);
  expect(answer.matches.map(({ advisory, fixedVersion }) => [advisory.id, fixedVersion])).toEqual([
    ['RHSA-2024:1', '1:20.0.0-1.module+el9.3.0+1+a'],
  ]);
});
