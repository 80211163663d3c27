import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OsvQuery, startOsv } from '../../src/sandbox/osv.ts';
import type { StandIn } from '../../src/sandbox/stand-in.ts';
import { type Reply, send } from './client.ts';

const lodash = { ecosystem: 'npm', name: 'lodash' };
const record = (id: string, versions: readonly string[]) => ({
  id,
  modified: '2026-01-02T03:04:05Z',
  affected: [{ package: lodash, versions }],
});

let osv: StandIn;

beforeAll(async () => {
  osv = await startOsv({
    records: [record('GHSA-1', ['4.17.0', '4.17.1']), record('GHSA-2', ['4.17.0']), record('GHSA-3', ['4.17.0'])],
    pageSize: 2,
  });
});

afterAll(() => osv.close());

describe('a batch', () => {
  it('is answered in the order of its queries, with id and modified alone', async () => {
    const reply = await ask([
      { package: lodash, version: '4.17.1' },
      { package: lodash, version: '5.0.0' },
      { package: { ...lodash, ecosystem: 'PyPI' }, version: '4.17.1' },
    ]);
    expect(reply).toMatchObject({ status: 200 });
    expect(reply.json).toEqual({ results: [{ vulns: [{ id: 'GHSA-1', modified: '2026-01-02T03:04:05Z' }] }, {}, {}] });
  });

  it('is continued by the token of its page', async () => {
    const [first] = (await ask([{ package: lodash, version: '4.17.0' }])).json.results;
    expect(first.vulns.map(({ id }: { id: string }) => id)).toEqual(['GHSA-1', 'GHSA-2']);
    const [second] = (await ask([{ package: lodash, version: '4.17.0', page_token: first.next_page_token }])).json.results;
    expect(second).toEqual({ vulns: [{ id: 'GHSA-3', modified: '2026-01-02T03:04:05Z' }] });
  });

  it.each([
    [Array.from({ length: 1001 }, () => ({ package: lodash })), 'Too many queries.'],
    [[{ package: { name: 'lodash' } }], 'Invalid query.'],
    [[{}], 'Invalid query.'],
    [['x'], 'Invalid query.'],
    [undefined, 'Invalid query.'],
    [[{ package: { purl: 'pkg:npm/lodash@1.0.0' }, version: '1.0.0' }], 'version specified in params and PURL query'],
    [[{ package: { purl: 'pkg:npm/lodash', ...lodash } }], 'name specified in a PURL query'],
    [[{ package: lodash, page_token: 'made up' }], 'Invalid page token.'],
  ])('is refused for %#', async (queries, message) => {
    expect(await ask(queries)).toMatchObject({ status: 400, json: { code: 3, message } });
  });

  it('of 1,000 queries is taken, and matched as the caller says', async () => {
    const asked: OsvQuery[] = [];
    const own = await startOsv({
      records: [record('GHSA-1', [])],
      matches: (query) => {
        asked.push(query);
        return ['GHSA-1'];
      },
    });
    try {
      const queries = Array.from({ length: 1000 }, (_, index) => ({ package: lodash, version: String(index) }));
      expect((await ask(queries, own.url)).json.results).toHaveLength(1000);
      expect(asked.at(-1)).toEqual(queries.at(-1));
    } finally {
      await own.close();
    }
  });
});

describe('a record', () => {
  it('is answered whole, or not at all', async () => {
    expect((await send(`${osv.url}/v1/vulns/GHSA-2`)).json).toEqual(record('GHSA-2', ['4.17.0']));
    expect(await send(`${osv.url}/v1/vulns/GHSA-9`)).toMatchObject({ status: 404, json: { code: 5, message: 'Bug not found.' } });
    expect((await send(`${osv.url}/v2/vulns/GHSA-2`)).status).toBe(404);
  });
});

function ask(queries: unknown, url = osv.url): Promise<Reply> {
  return send(`${url}/v1/querybatch`, { method: 'POST', body: { queries } });
}
