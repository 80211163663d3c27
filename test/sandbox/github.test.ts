import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rateLimited } from '../../src/sandbox/github/refusal.ts';
import { type Github, startGithub } from '../../src/sandbox/github.ts';
import { type Reply, type SendOptions, send } from './client.ts';

const repository = { owner: 'contoso', name: 'shop', private: true };
const headSha = 'a1'.repeat(20);
const head = { ref: 'topic', sha: headSha };
const base = { ref: 'main', sha: 'b2'.repeat(20) };
const run = {
  repository,
  eventName: 'pull_request',
  ref: 'refs/pull/7/merge',
  sha: 'c3'.repeat(20),
  headRef: 'topic',
  baseRef: 'main',
  actor: 'mona',
  workflowFile: '.github/workflows/image.yml',
  workflow: 'Image',
  runId: '1',
};

let github: Github;

beforeAll(async () => {
  github = await startGithub({
    repository,
    pullRequests: [
      { number: 7, title: 'One', author: 'mona', head, base },
      { number: 8, title: 'Two', author: 'mona', head, base, locked: true },
    ],
    tokens: {
      writer: { kind: 'actions', login: 'github-actions[bot]', permissions: { checks: 'write', pull_requests: 'write' } },
      reader: { kind: 'actions', login: 'github-actions[bot]', permissions: { checks: 'read', pull_requests: 'read' } },
      person: { kind: 'user', login: 'mona', permissions: { checks: 'write', issues: 'write' } },
    },
    job: { run, requestToken: 'request-token' },
    comments: Array.from({ length: 64 }, (_, index) => ({ issue: 8, body: `comment ${index}`, author: { kind: 'user', login: 'hubot' } })),
  });
});

afterAll(() => github.close());

describe('comments', () => {
  it('are made, changed and listed with their author', async () => {
    const made = await ask('/repos/contoso/shop/issues/7/comments', { method: 'POST', body: { body: 'first' } });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ body: 'first', user: { login: 'github-actions[bot]', type: 'Bot', id: 41898282 } });
    expect(made.json.performed_via_github_app.slug).toBe('github-actions');
    const changed = await ask(`/repos/Contoso/shop/issues/comments/${made.json.id}`, { method: 'PATCH', body: { body: 'second' } });
    expect(changed).toMatchObject({ status: 200, json: { id: made.json.id, body: 'second' } });
    expect((await ask('/repos/contoso/shop/issues/7/comments')).json).toMatchObject([{ body: 'second' }]);
    expect(github.comments.filter(({ issue }) => issue === 7)).toHaveLength(1);
  });

  it('are listed in pages that link to each other', async () => {
    const seen: string[] = [];
    let next: string | undefined = '/repos/contoso/shop/issues/8/comments?per_page=20';
    while (next !== undefined) {
      const page: Reply = await ask(next);
      seen.push(...page.json.map(({ body }: { body: string }) => body));
      next = /<([^>]+)>; rel="next"/.exec(page.headers.link as string)?.[1]?.slice(github.url.length);
    }
    expect(seen).toEqual(Array.from({ length: 64 }, (_, index) => `comment ${index}`));
    expect((await ask('/repos/contoso/shop/issues/8/comments')).json).toHaveLength(30);
    expect((await ask('/repos/contoso/shop/issues/8/comments?per_page=1000')).json).toHaveLength(64);
    expect((await ask('/repos/contoso/shop/issues/8/comments?per_page=20&page=4')).headers.link).toMatch(
      /page=3>; rel="prev".*page=1>; rel="first"/,
    );
  });

  it.each([
    ['too long', 7, { body: 'é'.repeat(65_537) }, 422, /Validation Failed/],
    ['blank', 7, { body: ' ' }, 422, /Validation Failed/],
    ['missing', 7, {}, 422, /"body" wasn't supplied/],
    ['on a locked pull request', 8, { body: 'x' }, 403, /locked/],
    ['on no pull request', 9, { body: 'x' }, 404, /Not Found/],
  ])('that are %s are refused', async (_case, number, body, status, message) => {
    const reply = await ask(`/repos/contoso/shop/issues/${number}/comments`, { method: 'POST', body });
    expect(reply).toMatchObject({ status, json: { message: expect.stringMatching(message), status: String(status) } });
  });

  it('of 65,536 characters are taken', async () => {
    const reply = await ask('/repos/contoso/shop/issues/7/comments', { method: 'POST', body: { body: '😀'.repeat(65_536) } });
    expect(reply.status).toBe(201);
  });
});

describe('a token', () => {
  it('that may only read is refused in the words of an integration', async () => {
    const reply = await ask('/repos/contoso/shop/issues/7/comments', { method: 'POST', body: { body: 'x' } }, 'reader');
    expect(reply).toMatchObject({ status: 403, json: { message: 'Resource not accessible by integration', status: '403' } });
    expect(reply.headers['x-accepted-github-permissions']).toBe('issues=write; pull_requests=write');
  });

  it.each([
    ['/user', 'writer', 403, { message: 'Resource not accessible by integration' }],
    ['/user', 'person', 200, { login: 'mona', type: 'User' }],
    ['/user', 'forged', 401, { message: 'Bad credentials' }],
    ['/user', '__proto__', 401, { message: 'Bad credentials' }],
    ['/repos/contoso/other', 'writer', 404, { message: 'Not Found' }],
  ])('asks %s as %s and gets %i', async (path, token, status, json) => {
    expect(await ask(path, {}, token)).toMatchObject({ status, json });
  });

  it('is told who it is by GraphQL', async () => {
    const reply = await ask('/graphql', { method: 'POST', body: { query: 'query { viewer { login } }' } });
    expect(reply.json).toEqual({ data: { viewer: { login: 'github-actions[bot]' } } });
  });

  it('is nothing without a User-Agent, or for an unknown version', async () => {
    expect(await ask('/user', { headers: { 'user-agent': '' } })).toMatchObject({
      status: 403,
      json: { message: expect.stringMatching(/User-Agent/) },
    });
    expect((await ask('/user', { headers: { 'x-github-api-version': '2019-01-01' } })).status).toBe(400);
  });
});

describe('a check run', () => {
  const annotation = { path: 'Dockerfile', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'old' };
  const output = { title: 'Denied', summary: 'why' };

  it('is made and changed; annotations are appended, the output replaced', async () => {
    const annotations = Array.from({ length: 50 }, () => annotation);
    const body = { name: 'Image', head_sha: headSha, output: { ...output, text: 'text', annotations }, details_url: 'https://example.com' };
    const made = await ask('/repos/contoso/shop/check-runs', { method: 'POST', body });
    expect(made).toMatchObject({ status: 201, json: { status: 'queued', conclusion: null, output: { annotations_count: 50 } } });
    expect(made.json.details_url).not.toBe('https://example.com');
    const path = `/repos/contoso/shop/check-runs/${made.json.id}`;
    const more = { conclusion: 'failure', output: { ...output, annotations: [annotation] } };
    const changed = await ask(path, { method: 'PATCH', body: more });
    expect(changed).toMatchObject({
      status: 200,
      json: { status: 'completed', conclusion: 'failure', output: { annotations_count: 51, text: null } },
    });
    expect((await ask(`${path}/annotations?per_page=100`)).json).toHaveLength(51);
    expect(github.checkRuns[0]?.annotations).toHaveLength(51);
  });

  it.each([
    [
      '51 annotations',
      { output: { ...output, annotations: Array.from({ length: 51 }, () => annotation) } },
      /No more than 50 items are allowed; 51 were supplied\./,
    ],
    ['a long summary', { output: { ...output, summary: 'é'.repeat(40_000) } }, /Only 65535 characters are allowed; 80000 were supplied\./],
    ['no summary', { output: { title: 'x' } }, /"summary" wasn't supplied/],
    ['an unknown level', { output: { ...output, annotations: [{ ...annotation, annotation_level: 'error' }] } }, /is not a member of/],
    ['columns over several lines', { output: { ...output, annotations: [{ ...annotation, end_line: 2, start_column: 1 }] } }, /one line/],
    ['line 0', { output: { ...output, annotations: [{ ...annotation, start_line: 0 }] } }, /integers of 1 or more/],
    ['completion without a conclusion', { status: 'completed' }, /"conclusion" wasn't supplied/],
    ['an unknown commit', { head_sha: 'f'.repeat(40) }, /No commit found for SHA/],
  ])('with %s is refused', async (_case, changes, message) => {
    const reply = await ask('/repos/contoso/shop/check-runs', { method: 'POST', body: { name: 'Image', head_sha: headSha, ...changes } });
    expect(reply).toMatchObject({ status: 422, json: { message: expect.stringMatching(message) } });
  });

  it('has its long text cut without a word', async () => {
    const body = { name: 'Image', head_sha: headSha, output: { ...output, text: 'x'.repeat(70_000) } };
    expect((await ask('/repos/contoso/shop/check-runs', { method: 'POST', body })).json.output.text).toHaveLength(65_535);
  });

  it('is for apps, with the permission', async () => {
    const body = { name: 'Image', head_sha: headSha };
    expect((await ask('/repos/contoso/shop/check-runs', { method: 'POST', body }, 'reader')).status).toBe(403);
    expect((await ask('/repos/contoso/shop/check-runs', { method: 'POST', body }, 'person')).json.message).toMatch(/GitHub App/);
  });
});

describe('an identity token', () => {
  it('is given to the job, and verifies with the published keys', async () => {
    const reply = await send(`${github.identityTokenUrl}&audience=api://AzureADTokenExchange`, {
      headers: { authorization: 'Bearer request-token' },
    });
    const configuration = (await send(`${github.issuer}/.well-known/openid-configuration`)).json;
    const keys = createLocalJWKSet((await send(configuration.jwks_uri)).json);
    const { payload } = await jwtVerify(reply.json.value, keys, { issuer: github.issuer, audience: 'api://AzureADTokenExchange' });
    expect(payload).toMatchObject({ sub: 'repo:contoso/shop:pull_request', event_name: 'pull_request', repository_visibility: 'private' });
    expect(payload.job_workflow_ref).toBe('contoso/shop/.github/workflows/image.yml@refs/pull/7/merge');
    expect(reply.json.count).toBe(reply.json.value.length);
  });

  it('is not given to anybody else', async () => {
    expect((await send(github.identityTokenUrl, { headers: { authorization: 'Bearer writer' } })).status).toBe(401);
  });
});

describe('a rate limit', () => {
  it('is answered on request', async () => {
    const now = new Date();
    github.faults.add(rateLimited('primary', 60, now), rateLimited('secondary', 5, now));
    expect(await ask('/user')).toMatchObject({ status: 403, headers: { 'x-ratelimit-remaining': '0' } });
    expect(await ask('/user')).toMatchObject({ status: 403, headers: { 'retry-after': '5' } });
  });
});

function ask(path: string, options: SendOptions = {}, token = 'writer'): Promise<Reply> {
  return send(`${github.url}${path}`, { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
}
