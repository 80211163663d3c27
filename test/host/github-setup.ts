import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGitHubHost } from '../../src/host/github/github-host.ts';
import type { Host } from '../../src/host/host.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { type Github, type GithubOptions, startGithub } from '../../src/sandbox/github.ts';
import { prepareGithubStep } from '../../src/sandbox/github-runner.ts';

export const repository = { owner: 'contoso', name: 'shop', private: true };
export const headSha = 'a1'.repeat(20);
const pullRequest = {
  number: 7,
  title: '::error::',
  author: 'mona',
  head: { ref: 'topic', sha: headSha },
  base: { ref: 'main', sha: 'b2'.repeat(20) },
};
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

export interface GitHubSetup {
  readonly github: Github;
  readonly host: Host;
  readonly env: Readonly<Record<string, string>>;
  readonly outputFile: string;
  readonly summaryFile: string;
  readonly output: () => string;
  /** A host as the next run of the same step has it. */
  readonly again: (change?: {
    readonly token?: string;
    readonly subject?: string;
    readonly env?: Readonly<Record<string, string>>;
  }) => GitHubSetup['next'];
  readonly next: { readonly host: Host; readonly output: () => string };
  close(): Promise<void>;
}

export const http = createHttp({ userAgent: 'image-custody/test' });

/** A step of a pull request's job, with the stand-in of GitHub behind it. */
export async function setUpGitHub(options: Partial<GithubOptions> = {}, token = 'writer'): Promise<GitHubSetup> {
  const github = await startGithub({
    repository,
    pullRequests: [pullRequest],
    tokens: {
      writer: { kind: 'actions', login: 'github-actions[bot]', permissions: { checks: 'write', pull_requests: 'write' } },
      reader: { kind: 'actions', login: 'github-actions[bot]', permissions: { checks: 'read', pull_requests: 'read' } },
      person: { kind: 'user', login: 'mona', permissions: { checks: 'write', issues: 'write' } },
    },
    job: { run, requestToken: 'request-token' },
    ...options,
  });
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-test-'));
  const step = await prepareGithubStep(
    { github, run, pullRequest, requestToken: 'request-token' },
    { folder, inputs: { 'fail-on': 'high' } },
  );
  let count = 0;
  function again(change: { token?: string; subject?: string; env?: Readonly<Record<string, string>> } = {}) {
    let written = '';
    const host = createGitHubHost({
      env: { ...step.env, ...change.env },
      write: (text) => {
        written += text;
      },
      http,
      token: () => ((change.token ?? token) === '' ? undefined : new SecretValue(change.token ?? token)),
      subject: change.subject ?? 'shop',
      random: () => {
        count += 1;
        return `random-${count}`;
      },
    });
    return { host, output: () => written };
  }
  const first = again();
  const { outputFile, summaryFile, env } = step;
  return { github, ...first, next: first, env, outputFile, summaryFile, again, close: () => github.close() };
}
