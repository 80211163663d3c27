/**
 * The step on GitHub, with one thing that goes wrong: started by exit-code.test.ts as a program of its own, with FAULT in its environment. Only
 * what a run does by itself is here; the other side of each exchange is in the test.
 */
import crypto from 'node:crypto';
import { writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { HttpClient, HttpRequest, HttpStream } from '../../src/lib/http.ts';

/** `at`: the how-manieth exchange, file operation or signature of the run, from 1. */
export interface FaultyStep {
  readonly kind:
    | 'none'
    /** It is not begun, and its promise never settles. */
    | 'stalled-exchange'
    /** It is done, and its promise never settles. */
    | 'unsettled-exchange'
    | 'stalled-file'
    | 'stalled-signature'
    /** The run is cancelled as it begins. */
    | 'cancelled'
    | 'uncaught-exception'
    | 'unhandled-rejection';
  readonly at: number;
}

const { env } = process;
const fault = JSON.parse(env.FAULT ?? '') as FaultyStep;
const counts = { exchange: 0, file: 0, signature: 0 };
process.on('exit', () => writeFileSync(env.COUNTS_FILE ?? '', JSON.stringify(counts)));

const never = new Promise<never>(() => undefined);

function isStalled(what: 'file' | 'signature'): boolean {
  counts[what] += 1;
  return fault.kind === `stalled-${what}` && counts[what] === fault.at;
}

async function exchange<T>(begin: () => Promise<T>): Promise<T> {
  counts.exchange += 1;
  if (counts.exchange !== fault.at) return begin();
  switch (fault.kind) {
    case 'stalled-exchange':
      return never;
    case 'unsettled-exchange':
      await begin();
      return never;
    case 'cancelled':
      process.kill(process.pid, 'SIGTERM');
      return begin();
    case 'uncaught-exception':
      setImmediate(() => {
        throw new Error(`defect with ${env.CANARY}\n    at nowhere`);
      });
      return never;
    case 'unhandled-rejection':
      void Promise.reject(new TypeError(`defect with ${env.CANARY}`));
      return never;
    default:
      return begin();
  }
}

for (const name of ['open', 'readFile', 'writeFile', 'stat', 'mkdir', 'readdir'] as const) {
  const real = files[name] as (...given: unknown[]) => Promise<unknown>;
  Object.assign(files, { [name]: (...given: unknown[]) => (isStalled('file') ? never : real.apply(files, given)) });
}
const { sign } = crypto;
Object.assign(crypto, { sign: (...given: Parameters<typeof sign>) => (isStalled('signature') ? undefined : sign(...given)) });
syncBuiltinESMExports();

const { createGitHubHost } = await import('../../src/host/github/github-host.ts');
const { fetchIdentityToken } = await import('../../src/host/github/identity-token.ts');
const { readInputs } = await import('../../src/host/github/inputs.ts');
const { inputs } = await import('../../src/inputs/table.ts');
const { SecretValue } = await import('../../src/lib/secret-value.ts');
const { readEnvironment, toSubject } = await import('../../src/main/environment.ts');
const { openProcessNetwork, run, toRaw } = await import('../../src/main/run.ts');
const { parseSettings } = await import('../../src/inputs/parse.ts');
const { secure } = await import('../../src/command/secure.ts');

const network = openProcessNetwork(env);
const real = network.http;
const stream: HttpStream = (request, consume) => exchange(() => real.stream(request, consume));
const http: HttpClient = Object.assign((request: HttpRequest) => exchange(() => real(request)), {
  stream,
  agentFor: (url: URL) => real.agentFor(url),
  close: () => real.close(),
});
const raw = readInputs(
  env,
  inputs.map(({ name }) => name),
);
const host = createGitHubHost({
  env,
  write: (text) => process.stdout.write(text),
  http,
  token: () => new SecretValue(raw['github-token'] ?? ''),
  subject: toSubject(raw),
  random: () => crypto.randomUUID(),
});
run(host, { ...network, http }, async (world) =>
  secure(
    parseSettings(toRaw(raw, host), (name) => name),
    host,
    {
      ...world,
      environment: { ...(await readEnvironment(env)), fetchIdentityToken: (audience) => fetchIdentityToken(env, http, audience) },
    },
  ),
);
