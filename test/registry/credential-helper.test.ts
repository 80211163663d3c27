import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StepError } from '../../src/lib/step-error.ts';
import { createProgramRunner } from '../../src/main/child-program.ts';
import type { RunProgram } from '../../src/model/program.ts';
import { fetchFromHelper } from '../../src/registry/credential-helper.ts';

let folder: string;
let runProgram: RunProgram;
const cancel = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-helper-'));
  const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder, DOCKER_CONFIG: '/config', AZURE_CLIENT_SECRET: 'c4n4ry-environment' };
  runProgram = createProgramRunner({ env, platform: 'linux', cancelled: cancel.signal });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

let programs = 0;
/** A helper that does as the script says. */
async function helper(script: string): Promise<string> {
  programs += 1;
  const file = join(folder, `docker-credential-h${programs}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return `h${programs}`;
}

async function ask(script: string, serverAddress = 'r.io') {
  return fetchFromHelper({ name: await helper(script), serverAddress }, runProgram);
}

function print(answer: unknown): string {
  return `cat > /dev/null; cat <<'END'\n${typeof answer === 'string' ? answer : JSON.stringify(answer)}\nEND`;
}

test('it is asked for the server on its input, with the argument get and a bare environment', async () => {
  const credential = await ask(
    `read -r server; printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$server" "$*" "$DOCKER_CONFIG$AZURE_CLIENT_SECRET"`,
  );
  expect(credential).toMatchObject({ kind: 'password', username: 'get' });
  expect(credential?.kind === 'password' && credential.password.reveal()).toBe('/config');
  expect(inspect(credential)).not.toContain('/config');
});

test('the user <token> stands for a refresh token', async () => {
  const credential = await ask(print({ ServerURL: 'r.io', Username: '<token>', Secret: 'c4n4ry' }));
  expect(credential?.kind === 'identity-token' && credential.token.reveal()).toBe('c4n4ry');
});

test.each([
  ['https://index.docker.io/v1/', { ServerURL: 'https://index.docker.io/v1/' }],
  ['r.io', { ServerURL: 'https://r.io' }],
  ['r.io', { ServerURL: '' }],
  ['r.io', {}],
])('asked for %s it may answer with %j', async (serverAddress, server) => {
  expect(await ask(print({ ...server, Username: 'me', Secret: 'c4n4ry' }), serverAddress)).toMatchObject({ username: 'me' });
});

test('that it has none is no error', async () => {
  expect(await ask(print({ ServerURL: 'r.io', Username: '', Secret: '' }))).toBeUndefined();
  expect(await ask('cat > /dev/null; echo credentials not found in native keychain; exit 1')).toBeUndefined();
});

test.each<[string, string, string, string]>([
  ['a failure', 'echo c4n4ry; echo c4n4ry >&2; exit 3', 'helper-failed', 'it ended with exit code 3'],
  ['the words with others', 'echo "c4n4ry: credentials not found in native keychain"; exit 1', 'helper-failed', 'exit code 1'],
  ['a signal', 'kill -9 $$', 'helper-failed', 'a signal ended it'],
  ['no answer', 'exit 0', 'helper-answer-invalid', 'did not print a JSON object'],
  ['text', 'echo c4n4ry', 'helper-answer-invalid', 'did not print a JSON object'],
  ['a list', print([]), 'helper-answer-invalid', 'did not print a JSON object'],
  ['two objects', 'echo "{}{}"', 'helper-answer-invalid', 'did not print a JSON object'],
  ['a key twice', print('{"Username":"a","Secret":"c4n4ry","Secret":"b"}'), 'helper-answer-invalid', 'did not print a JSON object'],
  [
    'keys that differ in case',
    print('{"Username":"a","Secret":"c4n4ry","secret":"b"}'),
    'helper-answer-invalid',
    'did not print a JSON object',
  ],
  ['no secret', print({ Username: 'c4n4ry' }), 'helper-answer-invalid', 'no text in'],
  ['a number', print({ Username: 'a', Secret: 7 }), 'helper-answer-invalid', 'no text in'],
  ['an empty secret', print({ Username: 'c4n4ry', Secret: '' }), 'helper-answer-invalid', 'an empty Username or Secret'],
  ['no user', print({ Secret: 'c4n4ry' }), 'helper-answer-invalid', 'an empty Username or Secret'],
  [
    'another server',
    print({ ServerURL: 'https://evil.example', Username: 'a', Secret: 'c4n4ry' }),
    'helper-answer-invalid',
    'another server',
  ],
  ['a line end', print({ Username: 'a', Secret: 'c4n4ry\r\nX: y' }), 'helper-answer-invalid', 'control characters'],
  ['too much', 'head -c 300000 /dev/zero | tr "\\0" c', 'helper-answer-invalid', 'it printed more than 256 KiB'],
])('refuses %s, and quotes nothing of it', async (_name, script, code, reason) => {
  const error: unknown = await ask(script).catch((refusal: unknown) => refusal);
  expect(error).toMatchObject({ code, message: expect.stringContaining(reason) });
  const { message, hint } = error as StepError;
  expect(message).toContain('for the credential of r.io');
  expect(message + hint + inspect(error, { depth: 9 })).not.toContain('c4n4ry');
});

test('one that is not there is bad input', async () => {
  const asked = fetchFromHelper({ name: 'nothing', serverAddress: 'r.io' }, runProgram);
  await expect(asked).rejects.toMatchObject({ code: 'helper-absent', origin: 'input' });
});

test.each([
  [{ kind: 'timeout' }, 'helper-timeout', 'did not answer in 60 s'],
  [{ kind: 'not-started', reason: 'ENOEXEC' }, 'helper-failed', 'ENOEXEC'],
  [{ kind: 'cancelled' }, 'helper-failed', 'cancelled'],
] as const)('what %j means is told', async (outcome, code, reason) => {
  const asked = fetchFromHelper({ name: 'any', serverAddress: 'r.io' }, async () => outcome);
  await expect(asked).rejects.toMatchObject({ code, message: expect.stringContaining(reason) });
});
