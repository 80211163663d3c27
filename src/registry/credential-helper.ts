import { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { ProgramOutcome, RunProgram } from '../model/program.ts';
import type { StoredCredential } from './credential.ts';
import type { HelperName } from './docker-config.ts';
import { RegistryError, type RegistryErrorCode } from './registry-error.ts';

/**
 * Asks a credential helper (https://github.com/docker/docker-credential-helpers#development): it reads the server's address and prints a credential.
 * Undefined where it has none. Rejects with a `helper-…` code otherwise; nothing that it printed gets into a message.
 */
export async function fetchFromHelper({ name, serverAddress }: HelperName, runProgram: RunProgram): Promise<StoredCredential | undefined> {
  const program = `docker-credential-${name}`;
  const request = { name: program, args: ['get'], input: serverAddress, variables: ['DOCKER_CONFIG'], maxOutputBytes, timeoutMs };
  const outcome = await runProgram(request);
  const refusal = (code: RegistryErrorCode, reason: string, hint: string) => failure(code, { program, serverAddress, reason, hint });
  if (outcome.kind !== 'ended') throw notEnded(outcome, refusal);
  if (outcome.code !== 0) {
    if (hasNone.test(outcome.output.toString('utf8').trim())) return undefined;
    const way = outcome.code === undefined ? 'a signal ended it' : `it ended with exit code ${outcome.code}`;
    throw refusal('helper-failed', way, tryYourself(program, serverAddress));
  }
  const credential = readCredential(outcome.output, serverAddress);
  if (typeof credential !== 'string') return credential;
  throw refusal('helper-answer-invalid', credential, tryYourself(program, serverAddress));
}

const maxOutputBytes = 256 * 1024;
const timeoutMs = 60_000;

/** https://github.com/docker/docker-credential-helpers/blob/v0.9.4/credentials/error.go */
const hasNone = /^credentials not found in native keychain$/;

type Refuse = (code: RegistryErrorCode, reason: string, hint: string) => RegistryError;

function notEnded(outcome: Exclude<ProgramOutcome, { kind: 'ended' }>, refuse: Refuse): RegistryError {
  switch (outcome.kind) {
    case 'absent':
      return refuse(
        'helper-absent',
        'there is no such program in the absolute folders of PATH',
        'Install it, take it out of the configuration file, or give registry-username and registry-password.',
      );
    case 'not-started':
      return refuse('helper-failed', `it could not be started (${outcome.reason})`, 'Check that it is a program of this machine.');
    case 'timeout':
      return refuse(
        'helper-timeout',
        `it did not answer in ${timeoutMs / 1000} s`,
        'It may wait for someone to unlock it, and there is nobody: give registry-username and registry-password.',
      );
    case 'too-much':
      return refuse('helper-answer-invalid', `it printed more than ${maxOutputBytes / 1024} KiB`, 'Check that it is a credential helper.');
    case 'cancelled':
      return refuse('helper-failed', 'the run was cancelled', 'Run it again.');
  }
}

function tryYourself(program: string, serverAddress: string): string {
  return (
    `Run it yourself: echo ${serverAddress} | env -i PATH="$PATH" HOME="$HOME" ${program} get. It gets no variable of this run besides these and ` +
    'DOCKER_CONFIG; give registry-username and registry-password where it needs one.'
  );
}

/** The credential, undefined where it has none, or why what it printed is none. */
function readCredential(output: Buffer, serverAddress: string): StoredCredential | string | undefined {
  const answer = readObject(output);
  if (answer === undefined) return 'it did not print a JSON object';
  const { ServerURL: server = '', Username: username = '', Secret: secret } = answer;
  if (typeof server !== 'string' || typeof username !== 'string' || typeof secret !== 'string') {
    return 'what it printed has no text in ServerURL, Username or Secret';
  }
  if (server !== '' && hostOf(server) !== hostOf(serverAddress)) return 'it answered for another server';
  // docker-credential-pass 0.6 has it so where it knows nothing of a server.
  if (secret === '' && username === '') return undefined;
  if (secret === '' || username === '') return 'it printed an empty Username or Secret';
  // Neither may end a header or a line.
  if (/[\x00-\x1f\x7f]/.test(username + secret)) return 'what it printed has control characters';
  // https://github.com/docker/cli/blob/v29.0.0/cli/config/credentials/native_store.go: tokenUsername
  if (username === '<token>') return { kind: 'identity-token', token: new SecretValue(secret) };
  return { kind: 'password', username, password: new SecretValue(secret) };
}

function hostOf(address: string): string {
  return /^(?:https?:\/\/)?([^/]*)/i.exec(address)?.[1]?.toLowerCase() ?? '';
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes, { maxBytes: maxOutputBytes });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

interface Failure {
  readonly program: string;
  readonly serverAddress: string;
  readonly reason: string;
  readonly hint: string;
}

function failure(code: RegistryErrorCode, { program, serverAddress, reason, hint }: Failure): RegistryError {
  return new RegistryError({ code, message: `cannot ask ${program} for the credential of ${serverAddress}: ${reason}`, hint });
}
