import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ExitCode, exitCodeOf } from '../command/exit-code.ts';
import type { Environment, World } from '../command/world.ts';
import type { Host } from '../host/host.ts';
import { foreignNames, parseSettings, type Spelling } from '../inputs/parse.ts';
import type { Settings } from '../inputs/settings.ts';
import type { HttpClient } from '../lib/http.ts';
import { createHttp } from '../lib/http-client.ts';
import { HttpError } from '../lib/http-error.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';

/** Set by scripts/build.ts; absent where the sources run as they are. */
declare const IMAGE_CUSTODY_VERSION: string | undefined;
export const version = typeof IMAGE_CUSTODY_VERSION === 'string' ? IMAGE_CUSTODY_VERSION : '0.0.0';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Runs a command to its exit code. The code is 3 before anything else happens, so that a promise that nobody settles ends the process with
 * "could not finish" and never with success. Of an error nothing is printed but the message and hint of a StepError.
 */
export function run(host: Host, http: HttpClient, command: (world: Omit<World, 'environment'>) => Promise<ExitCode>): void {
  process.exitCode = 3;
  process.on('uncaughtException', (error) => {
    tellError(toStepError(error), host);
    process.exit(3);
  });
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort());
  const world = { http, now: () => new Date(), elapsedMs: () => performance.now(), random: Math.random, version, cancelled: cancel.signal };
  command(world).then(
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

/** The settings of the inputs that a runner handed over. What is no input and resembles none is told of and left out; a misspelt one is refused. */
export function toSettings(given: Readonly<Record<string, string>>, spell: Spelling, host: Host): Settings {
  const raw = new Map(Object.entries(given));
  for (const name of foreignNames(raw)) {
    host.log('warning', `There is no input ${JSON.stringify(name)}; it is left out.`);
    raw.delete(name);
  }
  return parseSettings(raw, spell);
}

function tellError(error: StepError, host: Host): void {
  host.fail(error);
  host.log('info', `Error code: ${error.code} (docs/troubleshooting.md lists them all).`);
}

export function createProcessHttp(): HttpClient {
  return createHttp({ userAgent: `image-custody/${version}` });
}

/** The environment variables and files that count on every host. */
export async function readEnvironment(env: Variables): Promise<Environment> {
  return {
    dockerHost: env.DOCKER_HOST,
    dockerConfig: await readDockerConfig(env),
    azureTenantId: env.AZURE_TENANT_ID,
    azureClientId: env.AZURE_CLIENT_ID,
    azureClientSecret: env.AZURE_CLIENT_SECRET ? new SecretValue(env.AZURE_CLIENT_SECRET) : undefined,
    azureAuthorityHost: env.AZURE_AUTHORITY_HOST,
    fetchIdentityToken: undefined,
  };
}

/** What a run is about, alike in all runs of a pull request: the image without its tag or digest. */
export function toSubject(image: string | undefined): string {
  return (image ?? '').replace(/@sha256:[0-9a-f]+$/, '').replace(/:[\w][\w.-]{0,127}$/, '');
}

async function readDockerConfig(env: Variables): Promise<Environment['dockerConfig']> {
  const path = join(env.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json');
  try {
    return { path, bytes: await readFile(path) };
  } catch {
    return undefined;
  }
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
    hint: 'This is a defect of Image Custody. Please report it with this line; no tag was moved.',
    cause: error,
  });
}
