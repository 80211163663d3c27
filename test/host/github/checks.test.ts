import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listGitHubChecks } from '../../../src/host/github/checks.ts';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import type { CheckOutcome } from '../../../src/model/check.ts';
import { findViolations } from '../github-openapi.ts';
import { type GitHubSetup, headSha, http, setUpGitHub } from '../github-setup.ts';

type Env = Readonly<Record<string, string | undefined>>;

async function check({ env }: GitHubSetup, token: string | undefined, change: Env = {}): Promise<Readonly<Record<string, CheckOutcome>>> {
  const checks = listGitHubChecks({
    env: { ...env, ...change },
    http,
    token: () => (token === undefined ? undefined : new SecretValue(token)),
  });
  return Object.fromEntries(await Promise.all(checks.map(async ({ name, run }) => [name, await run()] as const)));
}

describe('what a job may do on GitHub', () => {
  it('is all right, and nothing is written to find that out', async () => {
    const setup = await setUpGitHub();
    const outcomes = await check(setup, 'writer');
    await setup.close();
    expect(Object.entries(outcomes).map(([name, { state }]) => `${name} ${state}`)).toEqual([
      'event right',
      'identity token right',
      'github-token right',
      'comment right',
      'check run right',
    ]);
    expect(outcomes.event?.text).toBe('pull_request in contoso/shop, pull request 7');
    expect(outcomes['github-token']?.text).toContain('github-actions[bot]');
    expect(outcomes['check run']?.text).toContain(headSha);
    expect(setup.github.comments).toEqual([]);
    expect(setup.github.checkRuns).toEqual([]);
  });

  it("asks what GitHub's description has, but for the two that GitHub is to refuse", async () => {
    const setup = await setUpGitHub();
    await check(setup, 'writer');
    await setup.close();
    const rest = setup.github.requests.filter(({ url }) => url.pathname !== '/graphql');
    const violations = rest.map((request) => [`${request.method} ${request.url.pathname}`, findViolations(request)] as const);
    expect(violations.filter(([, found]) => found.length > 0).map(([what]) => what)).toEqual([
      'POST /repos/contoso/shop/issues/7/comments',
      `POST /repos/contoso/shop/check-runs`,
    ]);
    // What is missing is what the operation cannot do without.
    const found = Object.fromEntries(violations);
    expect(found['POST /repos/contoso/shop/issues/7/comments']).toEqual([" must have required property 'body'"]);
    expect(found['POST /repos/contoso/shop/check-runs']).toEqual(
      expect.arrayContaining([" must have required property 'name'", " must have required property 'head_sha'"]),
    );
  });

  it('is told where the token may only read, with the permission that is missing', async () => {
    const setup = await setUpGitHub();
    const outcomes = await check(setup, 'reader');
    await setup.close();
    expect(outcomes.comment).toMatchObject({ state: 'warning', hint: expect.stringContaining('permissions: pull-requests: write') });
    expect(outcomes.comment?.text).toContain('GitHub accepts issues=write; pull_requests=write');
    expect(outcomes['check run']).toMatchObject({ state: 'warning', hint: expect.stringContaining('permissions: checks: write') });
  });

  it('is told where the token is none of an app, of nobody, or not there', async () => {
    const setup = await setUpGitHub();
    expect((await check(setup, 'person'))['check run']).toMatchObject({ state: 'warning', text: expect.stringContaining('GitHub App') });
    expect((await check(setup, 'forged'))['github-token']).toMatchObject({ state: 'warning', text: expect.stringContaining('401') });
    expect((await check(setup, undefined)).comment).toMatchObject({ state: 'warning', text: expect.stringContaining('there is no token') });
    await setup.close();
  });

  it('is told of events without a pull request, of forks, and of jobs without an identity token', async () => {
    const setup = await setUpGitHub();
    const push = {
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: '',
      GITHUB_REF: 'refs/heads/main',
      ACTIONS_ID_TOKEN_REQUEST_URL: undefined,
    };
    const outcomes = await check(setup, 'writer', push);
    expect(outcomes.comment).toEqual({ state: 'right', text: 'not a pull request: no comment is written' });
    expect(outcomes['identity token']?.text).toContain('id-token: write');
    const file = join(await mkdtemp(join(tmpdir(), 'image-custody-test-')), 'event.json');
    const head = { sha: headSha, repo: { full_name: 'mallory/shop' } };
    await writeFile(file, JSON.stringify({ pull_request: { number: 7, head }, repository: { full_name: 'contoso/shop' } }));
    const fork = await check(setup, 'reader', { GITHUB_EVENT_PATH: file });
    expect(fork.event).toMatchObject({
      state: 'warning',
      text: expect.stringContaining('of a fork'),
      hint: expect.stringContaining('push'),
    });
    expect(fork.comment?.hint).toContain('of a fork');
    await setup.close();
  });

  it('is a warning where GitHub does not answer, or has a fault', async () => {
    const setup = await setUpGitHub({ faults: [{ match: ({ url }) => url.pathname.endsWith('/check-runs'), status: 502 }] });
    expect((await check(setup, 'writer'))['check run']).toMatchObject({ state: 'warning', text: expect.stringContaining('502') });
    await setup.close();
    expect((await check(setup, 'writer')).comment).toMatchObject({ state: 'warning', text: expect.stringMatching(/comments failed: /) });
  });
});
