import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExitCode, exitCodeOf } from '../command/exit-code.ts';
import type { World } from '../command/world.ts';
import type { Host } from '../host/host.ts';
import { foreignNames, type Spelling } from '../inputs/input-names.ts';
import { parseCommand, parseDoctorSettings, parseSettings } from '../inputs/parse.ts';
import { parseMirrorSettings } from '../inputs/parse-mirror.ts';
import { parseVerifySettings } from '../inputs/parse-verify.ts';
import type { AccessSettings } from '../inputs/settings.ts';
import { HttpError } from '../lib/http-error.ts';
import { StepError } from '../lib/step-error.ts';
import { createProgramRunner } from './child-program.ts';
import { closeDiagnostics } from './diagnostics.ts';
import { type Network, openNetwork } from './network.ts';

/** Set by scripts/bundle-options.ts; absent where the sources run as they are. */
declare const IMAGE_CUSTODY_VERSION: string | undefined;
export const version = typeof IMAGE_CUSTODY_VERSION === 'string' ? IMAGE_CUSTODY_VERSION : '0.0.0';

/**
 * Runs a command to its exit code. The code is 3 before anything else happens, so that a promise that nobody settles ends the process with
 * "could not finish" and never with success. Of an error nothing is printed but the message and hint of a StepError.
 */
export function run(host: Host, network: Network, command: (world: Omit<World, 'environment'>) => Promise<ExitCode>): void {
  process.exitCode = 3;
  const isDiagnosed = closeDiagnostics(process.env);
  process.on('uncaughtException', (error) => {
    tellError(toStepError(error), host);
    process.exit(3);
  });
  const cancel = new AbortController();
  // Every request that is under way listens, and there may be dozens.
  setMaxListeners(0, cancel.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort());
  const world = {
    http: network.http,
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    sleep: (ms: number) => sleep(ms, undefined, { signal: cancel.signal }),
    random: Math.random,
    proxies: network.proxies,
    nodeVersion: process.versions.node,
    version,
    runProgram: createProgramRunner({ env: process.env, platform: process.platform, cancelled: cancel.signal }),
    cancelled: cancel.signal,
  };
  if (isDiagnosed) host.log('warning', diagnosticsNotice);
  begin(host, network, () => command(world)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const failure = toStepError(error);
      tellError(failure, host);
      process.exitCode = exitCodeOf(failure);
    },
  );
}

const diagnosticsNotice = 'NODE_DEBUG is set, or reports of Node are asked for: both are left out, for they show credentials.';

async function begin(host: Host, network: Network, command: () => Promise<ExitCode>): Promise<ExitCode> {
  network.begin(host);
  return command();
}

/** The inputs that a runner handed over. What is no input and resembles none is told of and left out. */
export function toRaw(given: Readonly<Record<string, string>>, host: Host): ReadonlyMap<string, string> {
  const raw = new Map(Object.entries(given));
  for (const name of foreignNames(raw)) {
    host.log('warning', `There is no input ${JSON.stringify(name)}; it is left out.`);
    raw.delete(name);
  }
  return raw;
}

/** Runs the command that the input `command` names. A misspelt input is refused. */
export async function runCommand(
  raw: ReadonlyMap<string, string>,
  spell: Spelling,
  host: Host,
  toWorld: (settings: AccessSettings) => Promise<World>,
): Promise<ExitCode> {
  switch (parseCommand(raw, spell)) {
    case 'mirror': {
      const settings = parseMirrorSettings(raw, spell);
      const { mirror } = await import('../command/mirror.ts');
      return mirror(settings, host, await toWorld(settings));
    }
    case 'doctor': {
      const settings = parseDoctorSettings(raw, spell);
      const { doctor } = await import('../command/doctor.ts');
      return doctor(settings, host, await toWorld(settings));
    }
    case 'verify': {
      const settings = parseVerifySettings(raw, spell);
      const { verify } = await import('../command/verify.ts');
      return verify(settings, host, await toWorld(settings));
    }
    case 'secure': {
      const settings = parseSettings(raw, spell);
      const { secure } = await import('../command/secure.ts');
      return secure(settings, host, await toWorld(settings));
    }
  }
}

function tellError(error: StepError, host: Host): void {
  host.fail(error);
  host.log('info', `Error code: ${error.code} (docs/troubleshooting.md lists them all).`);
}

export function openProcessNetwork(env: Readonly<Record<string, string | undefined>>): Network {
  return openNetwork(env, version);
}

function toStepError(error: unknown): StepError {
  if (error instanceof StepError) return error;
  if (error instanceof HttpError) {
    return new StepError({ code: 'no-answer', origin: 'us', message: error.message, hint: error.hint, cause: error });
  }
  const name = error instanceof Error ? error.name : typeof error;
  const place = error instanceof Error ? /\n\s+at .*?([\w-]+\.[jt]s:\d+:\d+)/.exec(error.stack ?? '')?.[1] : undefined;
  return new StepError({
    code: 'internal',
    origin: 'us',
    message: `The step failed in a way that it does not know: ${name}${place === undefined ? '' : ` at ${place}`}`,
    hint: 'This is a defect of Image Custody. Please report it with this line. Tags move last: look at the registry before you rely on one.',
    cause: error,
  });
}
