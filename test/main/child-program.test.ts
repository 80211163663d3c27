import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgramRunner, toCommand } from '../../src/main/child-program.ts';
import type { ProgramRequest } from '../../src/model/program.ts';

let folder: string;
let bin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-child-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  await program('show-environment', 'env | sort; pwd');
  await program('echo-input', 'cat; echo "to stderr: $1" >&2; exit 3');
  await program('deaf', 'exec 0<&-; echo said');
  await program('endless', 'while :; do echo 0123456789012345678901234567890123456789; done');
  await program('sleeper', `sleep 600 & echo $! > ${join(folder, 'grandchild')}; wait`);
  await program('loud', 'head -c 100000 /dev/zero | tr "\\0" e >&2; echo quiet');
  await program('not-executable', 'true', 0o644);
  await writeFile(join(bin, 'no-interpreter'), '#!/nonexistent/interpreter\n', { mode: 0o755 });
  await mkdir(join(bin, 'a-folder'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, script: string, mode = 0o755): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), mode);
}

function runWith(request: Partial<ProgramRequest>, env: Record<string, string> = {}, cancelled = new AbortController().signal) {
  const run = createProgramRunner({ env: { PATH: `${bin}:/usr/bin:/bin`, ...env }, platform: 'linux', cancelled });
  return run({ name: 'echo-input', args: [], ...request });
}

test('a program gets PATH, HOME and the variables that are named for it, and no other', async () => {
  const env = { HOME: '/home/me', DOCKER_CONFIG: '/config', AZURE_CLIENT_SECRET: 'canary', LD_PRELOAD: '/evil.so', ABSENT: '' };
  const outcome = await runWith({ name: 'show-environment', variables: ['DOCKER_CONFIG', 'ABSENT', 'UNSET'] }, env);
  const lines = outcome.kind === 'ended' ? outcome.output.toString().trim().split('\n') : [];
  // What the shell itself makes is not ours.
  expect(lines.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([
    'DOCKER_CONFIG=/config',
    'HOME=/home/me',
    `PATH=${bin}:/usr/bin:/bin`,
    '/',
  ]);
});

test('it reads its input, and its output, errors and code are known', async () => {
  const outcome = await runWith({ args: ['one argument; $(id)'], input: 'https://r.io' });
  expect(outcome).toEqual({ kind: 'ended', code: 3, output: Buffer.from('https://r.io'), errors: 'to stderr: one argument; $(id)\n' });
});

test('one that reads nothing of a long input is no failure', async () => {
  expect(await runWith({ name: 'deaf', input: 'x'.repeat(1_000_000) })).toMatchObject({
    kind: 'ended',
    code: 0,
    output: Buffer.from('said\n'),
  });
});

test('errors are kept in part only', async () => {
  const outcome = await runWith({ name: 'loud' });
  expect(outcome).toMatchObject({ kind: 'ended', errors: 'e'.repeat(4096) });
});

test.each(['', '../bin/echo-input', '/bin/sh', 'a b', 'sh;id', '-x', '.', '..', 'x'.repeat(200), 'nothing', 'not-executable', 'a-folder'])(
  'there is no program %j',
  async (name) => {
    expect(await runWith({ name })).toEqual({ kind: 'absent' });
  },
);

test('nothing is found in the working folder: relative and empty parts of PATH are passed over', async () => {
  const before = process.cwd();
  process.chdir(bin);
  try {
    for (const path of ['', '.', ':', './', `../${bin.split('/').at(-1)}`])
      expect(await runWith({}, { PATH: path }), path).toEqual({ kind: 'absent' });
  } finally {
    process.chdir(before);
  }
});

test('one that cannot be started', async () => {
  expect(await runWith({ name: 'no-interpreter' })).toEqual({ kind: 'not-started', reason: 'ENOENT' });
});

test('more output than it may write ends it', async () => {
  expect(await runWith({ name: 'endless' })).toEqual({ kind: 'too-much' });
});

test('after its time it is killed, with what it has started', async () => {
  expect(await runWith({ name: 'sleeper', timeoutMs: 300 })).toEqual({ kind: 'timeout' });
  await expectGone(Number(await readFile(join(folder, 'grandchild'), 'utf8')));
});

test('a cancelled run kills it, and starts no other', async () => {
  const cancel = new AbortController();
  await rm(join(folder, 'grandchild'), { force: true });
  const outcome = runWith({ name: 'sleeper' }, {}, cancel.signal);
  const grandchild = await waitFor(async () => Number(await readFile(join(folder, 'grandchild'), 'utf8').catch(() => '')));
  cancel.abort();
  expect(await outcome).toEqual({ kind: 'cancelled' });
  await expectGone(grandchild);
  expect(await runWith({}, {}, cancel.signal)).toEqual({ kind: 'cancelled' });
});

test.each<[string, readonly string[], object | undefined]>([
  ['C:\\x\\helper.exe', ['get', '%PATH%'], { file: 'C:\\x\\helper.exe', args: ['get', '%PATH%'] }],
  [
    'C:\\Program Files (x86)\\az.cmd',
    ['account', 'https://a.b/.default'],
    {
      file: 'D:\\Win\\System32\\cmd.exe',
      args: ['/d', '/s', '/c', '""C:\\Program Files (x86)\\az.cmd" "account" "https://a.b/.default""'],
    },
  ],
  ...['%PATH%', 'a&b', 'a"b', 'a^b', 'a|b', 'a\nb', '!x!', 'a>b', ''].map(
    (arg) => ['C:\\x\\az.cmd', [arg], undefined] as [string, string[], undefined],
  ),
])('on Windows %s with %j', (file, args, expected) => {
  const command = toCommand(file, args, { SystemRoot: 'D:\\Win' }, 'win32');
  if (expected === undefined) expect(command).toBeUndefined();
  else expect(command).toMatchObject(expected);
});

/** A process that was killed is gone, or waits as a zombie for who began it. */
async function expectGone(pid: number): Promise<void> {
  expect(
    await waitFor(async () => {
      const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '(x) Z');
      return /\) Z/.test(state);
    }),
  ).toBe(true);
}

async function waitFor<T>(look: () => Promise<T>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await sleep(20);
  }
}
