import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { toMarker } from '../../../src/host/github/pull-request-comment.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import type { Annotation } from '../../../src/model/annotation.ts';
import { testHostContract } from '../../contract/host.ts';
import { payloads } from '../../report/payloads.ts';
import { type GitHubSetup, headSha, setUpGitHub } from '../github-setup.ts';
import { readLines } from '../oracle-dotnet.ts';
import { readMasks, readOutputFile, readRunnerCommands } from '../oracle-github-runner.ts';

const outcome = { conclusion: 'failure', title: 'Denied: 1 finding refused', summary: '## Denied' } as const;

let open: GitHubSetup | undefined;
afterEach(() => open?.close());

async function setUp(...options: Parameters<typeof setUpGitHub>): Promise<GitHubSetup> {
  open = await setUpGitHub(...options);
  return open;
}

testHostContract('GitHub', {
  setUp: async () => {
    const { host, output, close } = await setUpGitHub({}, 'reader');
    return {
      host,
      output,
      close,
      commands: (text) => readRunnerCommands(text).map(({ name, data }) => ({ name, message: data })),
      findActing: (text) => readLines(text).filter((line) => /##\[|[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(line)),
    };
  },
  annotation: { error: 'error', warning: 'warning', notice: 'notice' },
  warning: 'warning',
  failure: ['error'],
  mask: 'add-mask',
});

function annotation(fields: Partial<Annotation> = {}): Annotation {
  return { level: 'error', title: 'title', message: 'message', file: 'Dockerfile', line: 3, ...fields };
}

describe('annotations', () => {
  it('are on their lines by a check run on the head of the pull request, and not twice', async () => {
    const { github, host, output } = await setUp();
    await host.annotate(
      [annotation(), annotation({ level: 'warning', file: undefined, line: undefined }), annotation({ level: 'notice', line: undefined })],
      outcome,
    );
    expect(github.checkRuns).toHaveLength(1);
    const request = JSON.parse(github.requests.find(({ method }) => method === 'POST')?.body.toString() ?? '');
    expect(request).toEqual({
      name: 'Image Custody (shop)',
      head_sha: headSha,
      status: 'completed',
      conclusion: 'failure',
      output: {
        title: 'Denied: 1 finding refused',
        summary: '## Denied',
        annotations: [
          { path: 'Dockerfile', start_line: 3, end_line: 3, annotation_level: 'failure', title: 'title', message: 'message' },
          { path: 'Dockerfile', start_line: 1, end_line: 1, annotation_level: 'notice', title: 'title', message: 'message' },
        ],
      },
    });
    expect(readRunnerCommands(output()).map(({ name, properties, data }) => [name, properties.get('file'), data])).toEqual([
      ['error', undefined, 'Dockerfile:3\nmessage'],
      ['warning', undefined, 'message'],
      ['notice', undefined, 'Dockerfile\nmessage'],
    ]);
  });

  it('come 50 a request', async () => {
    const { github, host } = await setUp();
    await host.annotate(
      Array.from({ length: 120 }, (_, index) => annotation({ line: index + 1 })),
      outcome,
    );
    const sizes = github.requests.map(({ method, body }) => [method, JSON.parse(body.toString()).output.annotations.length]);
    expect(sizes).toEqual([
      ['POST', 50],
      ['PATCH', 50],
      ['PATCH', 20],
    ]);
    expect(JSON.parse(github.requests.at(-1)?.body.toString() ?? '').output).toMatchObject({
      title: outcome.title,
      summary: outcome.summary,
    });
  });

  it('are commands with file and line where the token may not create a check run', async () => {
    const { host, output } = await setUp({}, 'reader');
    await host.annotate([annotation({ title: 'a,b:c%2C', file: 'a,b:c/Dockerfile', message: 'x%0A\ny' })], outcome);
    const [command] = readRunnerCommands(output());
    expect(command?.properties).toEqual(
      new Map([
        ['title', 'a,b:c%2C'],
        ['file', 'a,b:c/Dockerfile'],
        ['line', '3'],
      ]),
    );
    expect(command?.data).toBe('x%0A\ny');
    expect(output()).toContain(
      'No check run: the token may not create one (`permissions: checks: write`; 403 Resource not accessible by integration).',
    );
  });

  it('are cut at 4,096 characters, whole letters', async () => {
    const { host, output } = await setUp({}, '');
    await host.annotate([annotation({ message: '😀'.repeat(4096) })], outcome);
    const data = readRunnerCommands(output())[0]?.data ?? '';
    expect(data.length).toBeLessThanOrEqual(4096);
    expect(data).toMatch(/^(?:😀)+…$/u);
  });

  it.each(payloads)('with %j are what the published API takes', async (payload) => {
    const { github, host, output } = await setUp();
    const text = payload === '' ? 'x' : payload;
    await host.annotate([annotation({ title: text, message: text, file: `dir/${text}` })], { ...outcome, title: text, summary: text });
    expect(github.checkRuns).toHaveLength(1);
    expect(output()).not.toContain('Cannot create');
  });

  it('are given as commands where GitHub does not answer', async () => {
    const { github, host, output } = await setUp();
    await github.close();
    await host.annotate([annotation()], outcome);
    expect(readRunnerCommands(output()).map(({ name }) => name)).toEqual(['warning', 'error']);
    expect(output()).toContain('Cannot create a check run: POST http%3A'.replace('%3A', ':'));
  });
});

describe('comment', () => {
  it('is made once and then updated', async () => {
    const { github, host, again } = await setUp();
    await host.comment('first', outcome);
    await again().host.comment('second', outcome);
    expect(github.comments.map(({ body }) => body.split('\n').slice(1))).toEqual([['second']]);
  });

  it('is one for each image and step', async () => {
    const { github, host, again } = await setUp();
    await host.comment('shop', outcome);
    await again({ subject: 'api' }).host.comment('api', outcome);
    await again({ env: { GITHUB_ACTION: '__image-custody_2' } }).host.comment('second step', outcome);
    await again({ env: { GITHUB_SHA: 'd'.repeat(40), GITHUB_RUN_ID: '99' } }).host.comment('shop again', outcome);
    expect(github.comments.map(({ body }) => body.split('\n')[1])).toEqual(['shop again', 'api', 'second step']);
  });

  it("takes over nobody else's, even where it carries the marker", async () => {
    const first = await setUp();
    await first.host.comment('x', outcome);
    const marker = first.github.comments[0]?.body.split('\n')[0] ?? '';
    await first.close();
    expect(marker).toMatch(/^<!-- image-custody [0-9a-f]{16} -->$/);
    const spoofed = { issue: 7, body: `${marker}\nspoofed`, author: { kind: 'user', login: 'mallory' } } as const;
    const quoted = { issue: 7, body: `> quoted\n${marker}`, author: { kind: 'actions', login: 'github-actions[bot]' } } as const;
    const { github, host, again } = await setUp({ comments: [spoofed, quoted] });
    await host.comment('first', outcome);
    await again().host.comment('second', outcome);
    expect(github.comments.map(({ body }) => body)).toEqual([spoofed.body, quoted.body, `${marker}\nsecond`]);
  });

  it("is found behind others' comments, on a later page", async () => {
    const comments = Array.from(
      { length: 250 },
      (_, index) => ({ issue: 7, body: `comment ${index}`, author: { kind: 'user', login: 'hubot' } }) as const,
    );
    const { github, host, again } = await setUp({ comments });
    await host.comment('first', outcome);
    await again().host.comment('second', outcome);
    expect(github.comments).toHaveLength(251);
    expect(github.comments.at(-1)?.body).toMatch(/\nsecond$/);
  });

  it("is a person's own where the token is theirs", async () => {
    const { github, host, again } = await setUp({}, 'person');
    await host.comment('first', outcome);
    await again({ token: 'writer' }).host.comment('by the bot', outcome);
    await again().host.comment('second', outcome);
    expect(github.comments.map(({ body }) => body.split('\n')[1])).toEqual(['second', 'by the bot']);
  });

  it('is left out with one line where the token may only read', async () => {
    const { github, host, output } = await setUp({}, 'reader');
    await host.comment('x', outcome);
    expect(github.comments).toEqual([]);
    expect(output()).toBe(
      'No comment on the pull request: the token may not write one (`permissions: pull-requests: write`); the report is in the job summary. GitHub: 403 Resource not accessible by integration.\n',
    );
  });

  it('is left out with another line on a pull request from a fork', async () => {
    const { env, again } = await setUp({}, 'reader');
    const event = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH ?? '', 'utf8'));
    event.pull_request.head.repo = { ...event.pull_request.head.repo, full_name: 'mallory/shop' };
    const path = join(env.RUNNER_TEMP ?? '', 'fork.json');
    writeFileSync(path, JSON.stringify(event));
    const { host, output } = again({ env: { GITHUB_EVENT_PATH: path } });
    await host.comment('x', outcome);
    expect(output()).toMatch(/^No comment on the pull request: it comes from a fork, where the token may only read; /);
  });

  it('is not made outside a pull request', async () => {
    const { github, env, again } = await setUp();
    const path = join(env.RUNNER_TEMP ?? '', 'push.json');
    writeFileSync(path, '{"ref":"refs/heads/main"}');
    const { host, output } = again({ env: { GITHUB_EVENT_PATH: path, GITHUB_REF: 'refs/heads/main' } });
    await host.comment('x', outcome);
    expect([github.requests.length, output()]).toEqual([0, '']);
  });

  it('is cut where it is too long for whatever reason', async () => {
    const { github, host } = await setUp();
    await host.comment('ä'.repeat(100_000), outcome);
    expect(github.comments[0]?.body.length).toBeLessThanOrEqual(65_536);
    expect(github.comments[0]?.body.startsWith(toMarkerLine(github.comments[0]?.body))).toBe(true);
  });

  it('is a warning, and no more, where GitHub fails', async () => {
    const { host, output } = await setUp({ faults: [{ times: 10, status: 500 }] });
    await host.comment('x', outcome);
    expect(output()).toMatch(/^::warning title=Image Custody::Cannot comment on the pull request: /);
  });
});

function toMarkerLine(body: string | undefined): string {
  expect(toMarker('x')).toMatch(/^<!-- image-custody [0-9a-f]{16} -->$/);
  return body?.split('\n')[0] ?? 'none';
}

describe('files', () => {
  it.each(payloads)('carry %j as an output and nothing else', async (payload) => {
    const { host, outputFile } = await setUp();
    host.output('verdict', payload);
    host.output('digest', 'sha256:x');
    host.output('references', `a\n${payload}\nb`);
    const text = payload.replace('\ud800', '\ufffd');
    expect([...readOutputFile(readFileSync(outputFile, 'utf8'))]).toEqual([
      ['verdict', text],
      ['digest', 'sha256:x'],
      ['references', `a\n${text}\nb`],
    ]);
  });

  it.each(payloads)('carry %j as a secret output and nothing else', async (payload) => {
    const { host, outputFile, again } = await setUp();
    const { SecretValue } = await import('../../../src/lib/secret-value.ts');
    host.output('SHOP_DB', new SecretValue(payload));
    const text = payload.replace('\ud800', '\ufffd');
    expect([...readOutputFile(readFileSync(outputFile, 'utf8'))]).toEqual([['SHOP_DB', text]]);
    expect([host.secretOutputs, again({ env: { GITHUB_OUTPUT: '' } }).host.secretOutputs]).toEqual(['any', 'none']);
  });

  it('end an output with a delimiter that its value does not hold', async () => {
    const { host, outputFile } = await setUp();
    host.output('verdict', 'end_random-1\nend_random-2\nother<<x');
    expect(readOutputFile(readFileSync(outputFile, 'utf8')).get('verdict')).toBe('end_random-1\nend_random-2\nother<<x');
  });

  it('take the summary, and no more than the runner keeps', async () => {
    const { host, summaryFile, output } = await setUp();
    await host.summarise('# Report');
    await host.summarise('x'.repeat(1024 * 1024));
    expect(readFileSync(summaryFile, 'utf8')).toBe('# Report\n');
    expect(output()).toContain('No job summary: it would be over 1 MiB');
  });
});

describe('masks', () => {
  it('are what the runner will hide: no line shorter than four characters', async () => {
    const { host, output } = await setUp();
    const { SecretValue } = await import('../../../src/lib/secret-value.ts');
    host.mask(new SecretValue('{\n  "private_key": "100%",\n  "x": 1\n}'));
    const masks = [...readMasks(output())];
    const lines = ['  "private_key": "100%",', '"private_key": "100%",', '  "x": 1', '"x": 1'];
    expect(masks).toEqual(expect.arrayContaining([...lines, Buffer.from('"x": 1').toString('base64'), '%22x%22%3A%201', '\\"x\\": 1']));
    expect(masks.filter((mask) => mask.trim().length < 4)).toEqual([]);
  });
});

describe('fail', () => {
  it('is one error with its hint', async () => {
    const { host, output } = await setUp();
    host.fail(new StepError({ code: 'x', origin: 'input', message: 'Cannot read', hint: 'Do this.' }));
    expect(readRunnerCommands(output())).toEqual([
      { name: 'error', properties: new Map([['title', 'Image Custody']]), data: 'Cannot read\nDo this.' },
    ]);
  });
});
