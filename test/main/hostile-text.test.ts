import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toMasks } from '../../src/host/masking.ts';
import { toCamelCase } from '../../src/inputs/input.ts';
import { outputs } from '../../src/inputs/table.ts';
import type { PullRequestThread } from '../../src/sandbox/azure-devops/service.ts';
import type { IssueComment } from '../../src/sandbox/github/service.ts';
import { readAgentCommands, readAgentWarnings, readFormattedLines } from '../host/oracle-azure-agent.ts';
import { readLines } from '../host/oracle-dotnet.ts';
import { readMasks, readOutputFile, readRunnerCommands } from '../host/oracle-github-runner.ts';
import { findIntruders, renderMarkdown } from '../report/gfm.ts';
import { payloads } from '../report/payloads.ts';
import { hostileAdvisories, hostileImage } from './hostile-image.ts';
import { fileInputs, openPlace, type Place } from './place.ts';
import { type HostKind, hostKinds, runStep, type StepRun } from './step-run.ts';

/** What no path of a tar and no strict JSON can hold is left to the tests of the hosts and renderers. */
const texts = payloads.filter((text) => text !== '' && !text.includes('\0') && !/\p{Cs}/u.test(text) && text.length < 1000);
const groupCount = 3;
const groups = Array.from({ length: groupCount }, (_, group) => texts.filter((_text, index) => index % groupCount === group));

/** Denies nothing that there is, and accepts what cannot be read. */
const lenient = `version: 1
rules:
  - name: never
    deny:
      id: CVE-0000-0000
gaps:
  - code: damaged
    path: '**'
    reason: hostile on purpose
    expires: 2999-12-31
`;

let place: Place;
let reference: string;

beforeAll(async () => {
  place = await openPlace({ advisories: { records: hostileAdvisories(texts) } });
  reference = `${(await place.startRegistry()).host}/team/app:1.0`;
  await writeFile(join(place.workspace, 'lenient.yml'), lenient);
  await Promise.all(groups.map((group, index) => writeFile(join(place.workspace, `hostile-${index}.tar`), hostileImage(group))));
});

afterAll(async () => {
  await place.close();
});

function run(host: HostKind, group: number, more: Readonly<Record<string, string>> = {}): Promise<StepRun> {
  const inputs = { ...fileInputs(place, reference), image: `docker-archive:hostile-${group}.tar`, ...more };
  return runStep(host, place, { inputs });
}

describe.each(groups.map((_, group) => group))('texts of group %d', (group) => {
  it.concurrent('do nothing on GitHub', async () => {
    const step = await run('github', group);
    expect(step.exitCode, step.stdout).toBe(1);
    const set = expectHarmless(step);
    expect(set.get('verdict')).toBe('deny');
    // The texts are there: each makes a secret, malware, a vulnerability and a variable, at least.
    expect(Number(set.get('findings'))).toBeGreaterThan(4 * (groups[group]?.length ?? 0));
    expectMarkdown(step.files['commands/step_summary']);
    expectMarkdown(withoutMarker(place.sandbox.github.comments.at(-1)?.body));
    expectMarkdown(place.sandbox.github.checkRuns.at(-1)?.output.summary ?? undefined);
  });

  it.concurrent('do nothing on Azure Pipelines', async () => {
    const step = await run('azure-pipelines', group);
    expect(step.exitCode, step.stdout).toBe(1);
    expectHarmless(step);
    expectMarkdown(Object.entries(step.files).find(([name]) => name.endsWith('/Image Custody.md'))?.[1]);
    expectMarkdown(place.sandbox.azureDevops.threads.at(-1)?.comments[0]?.content);
  });

  it.concurrent('do nothing in a shell, also one that either runner reads', async () => {
    const step = await run('cli', group);
    expect(step.exitCode, step.stderr).toBe(1);
    expectHarmless(step);
  });
});

describe.each(groups.map((_, group) => group))('texts of group %d', (group) => {
  it.concurrent.each(hostKinds)('do nothing where the image is published by %s', async (host) => {
    const step = await run(host, group, { policy: 'lenient.yml' });
    expect(step.exitCode, step.stdout + step.stderr).toBe(0);
    const set = expectHarmless(step);
    if (host !== 'cli') expect(set.get('references')).toMatch(/^127\.0\.0\.1:\d+\/team\/app:1\.0@sha256:[0-9a-f]{64}$/);
  });
});

describe('the comment', () => {
  it('is found again on GitHub although somebody else has posted its marker', async () => {
    const comments = place.sandbox.github.comments as IssueComment[];
    comments.length = 0;
    await run('github', 0);
    expect(comments).toHaveLength(1);
    const [own] = comments as [IssueComment];
    const stolen = { ...own, id: 1, body: `${own.body.split('\n')[0]}\nApproved.`, author: { kind: 'user' as const, login: 'mallory' } };
    comments.unshift(stolen);
    await run('github', 1, { image: 'docker-archive:hostile-0.tar', 'fail-on': 'none' });
    expect(comments.map(({ id, author }) => [id, author.login])).toEqual([
      [1, 'mallory'],
      [own.id, own.author.login],
    ]);
    expect(comments[0]).toEqual(stolen);
    expect(comments[1]?.body).not.toBe(own.body);
  });

  it('is found again on Azure Pipelines although somebody else has set its property', async () => {
    const threads = place.sandbox.azureDevops.threads as PullRequestThread[];
    threads.length = 0;
    await run('azure-pipelines', 0);
    expect(threads).toHaveLength(1);
    const [own] = threads as [PullRequestThread];
    const author = { id: '44444444-0000-4000-8000-000000000004', displayName: 'Mallory' };
    const stolen = { ...own, id: 1000, comments: own.comments.map((comment) => ({ ...comment, content: 'Approved.', author })) };
    threads.push(stolen);
    await run('azure-pipelines', 0, { 'fail-on': 'none' });
    expect(threads.map(({ id }) => id)).toEqual([own.id, 1000]);
    expect(threads[1]).toEqual(stolen);
    expect(threads[0]?.comments).toHaveLength(1);
    expect(threads[0]?.comments[0]?.content).not.toBe(own.comments[0]?.content);
  });
});

/** Nothing was obeyed but what the host meant. Gives the outputs that were set. */
function expectHarmless({ host, stdout, stderr, files }: StepRun): ReadonlyMap<string, string> {
  const shown = `${stdout}${stderr}`;
  expect(shown.split('\n').filter((line) => unseen.test(line))).toEqual([]);
  switch (host) {
    case 'github':
      expect(stderr).toBe('');
      expect([files['commands/env'], files['commands/path'], files['commands/state']]).toEqual(['', '', '']);
      return expectRunnerObeys(stdout, files['commands/output'] ?? '');
    case 'azure-pipelines':
      expect(stderr).toBe('');
      return expectAgentObeys(stdout);
    case 'cli':
      expect([...readRunnerCommands(shown), ...readAgentCommands(shown)]).toEqual([]);
      expect([...readAgentWarnings(shown), ...readFormattedLines(shown)]).toEqual([]);
      return new Map();
  }
}

function expectRunnerObeys(stdout: string, outputFile: string): ReadonlyMap<string, string> {
  const commands = readRunnerCommands(stdout);
  expect(commands.filter(({ name }) => !['add-mask', 'error', 'warning', 'notice'].includes(name))).toEqual([]);
  // Those that the host wrote itself, each at the start of its line, and no more.
  expect(commands).toHaveLength(
    readLines(stdout).filter((line) => /^::(?:add-mask|(?:error|warning|notice) title=[^:]*)::/.test(line)).length,
  );
  expect(commands.flatMap(({ properties }) => [...properties.keys()]).filter((name) => name !== 'title')).toEqual([]);
  expect(readMasks(stdout)).toEqual(new Set([place.password, place.sandbox.githubToken].flatMap(toMasks)));
  const set = readOutputFile(outputFile);
  expect([...set.keys()].sort()).toEqual(outputs.map(({ name }) => name).sort());
  return set;
}

function expectAgentObeys(stdout: string): ReadonlyMap<string, string> {
  const commands = readAgentCommands(stdout);
  const names = commands.map(({ area, event }) => `${area}.${event}`);
  const meant = ['task.setsecret', 'task.logissue', 'task.uploadsummary', 'task.setvariable'];
  expect(names.filter((name) => !meant.includes(name))).toEqual([]);
  expect(names.filter((name) => name === 'task.uploadsummary')).toHaveLength(1);
  expect(commands).toHaveLength(readLines(stdout).filter((line) => line.startsWith('##vso[task.')).length);
  expect([...readAgentWarnings(stdout), ...readFormattedLines(stdout)]).toEqual([]);
  const masks = commands.flatMap(({ event, data }) => (event === 'setsecret' ? [data] : []));
  expect(new Set(masks)).toEqual(new Set([place.sandbox.identity.clientSecret, place.password].flatMap(toMasks)));
  const set = commands
    .filter(({ event }) => event === 'setvariable')
    .map(({ properties, data }) => [properties.get('variable'), data] as const);
  expect(set.map(([name]) => name).sort()).toEqual(outputs.map(({ name }) => toCamelCase(name)).sort());
  return new Map(set.map(([name = '', data]) => [name, data]));
}

/** Characters that a terminal acts on, or that cannot be seen. */
const unseen = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f]/u;

function expectMarkdown(markdown: string | undefined): void {
  expect(markdown ?? '').not.toBe('');
  expect(findIntruders(renderMarkdown(markdown ?? ''))).toEqual([]);
}

/** The marker is a comment in HTML, which is not shown: the one thing of that kind. */
function withoutMarker(body: string | undefined): string | undefined {
  return body?.replace(/^<!-- image-custody [0-9a-f]{16} -->\n/, '');
}
