import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Input, toCamelCase } from '../../src/inputs/input.ts';
import { inputs } from '../../src/inputs/table.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readRunnerCommands } from '../host/oracle-github-runner.ts';
import type { Place } from './place.ts';

export const hostKinds = ['github', 'azure-pipelines', 'cli'] as const;
export type HostKind = (typeof hostKinds)[number];

/** What a packaged program was given, and what came of it. */
export interface StepRun {
  readonly host: HostKind;
  /** Undefined where it was killed for it did not end. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Each error that the host shows, with its hint, as its runner reads it. */
  readonly errors: readonly string[];
  /** Every file that the run wrote outside of the workspace, by its path below the step's folder. */
  readonly files: Readonly<Record<string, string>>;
}

export interface StepOptions {
  /** By name as the table of inputs has it; a list has one item a line. */
  readonly inputs: Readonly<Record<string, string>>;
  /** On top of what the host's runner gives; an undefined one is taken out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly workspace?: string;
}

/** Runs a packaged program as its host would. The identity is federated on GitHub, and has a client secret elsewhere. */
export async function runStep(host: HostKind, place: Place, options: StepOptions): Promise<StepRun> {
  const folder = await place.newFolder(host);
  const { workspace = place.workspace } = options;
  const { env, args } = await prepareStep(host, place, folder, workspace, options.inputs);
  const given = Object.entries({ ...env, TMPDIR: folder, NODE_COMPILE_CACHE: join(place.folder, 'compiled'), ...options.env }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const program = fileURLToPath(new URL(`../../dist/${host}.js`, import.meta.url));
  const { exitCode, stdout, stderr } = await runNode([program, ...args], { env: Object.fromEntries(given), cwd: workspace });
  return { host, exitCode, stdout, stderr, errors: readErrors(host, stdout, stderr), files: await readFiles(folder) };
}

export interface NodeOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs?: number;
  /** Default: the one that runs the tests. */
  readonly node?: string;
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs Node to its end; what has not ended in time is killed, which is no exit code. */
export function runNode(
  args: readonly string[],
  options: NodeOptions,
): Promise<{ readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string }> {
  const { timeoutMs = 25_000, node = process.execPath, onStart, ...rest } = options;
  const child = spawn(node, args, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] });
  onStart?.(child);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const watchdog = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(watchdog);
      resolve({ exitCode: code ?? undefined, ...output });
    });
  });
}

/** What a host's runner gives a packaged program: its whole environment, and its arguments. */
export async function prepareStep(
  host: HostKind,
  place: Place,
  folder: string,
  workspace: string,
  given: Readonly<Record<string, string>>,
): Promise<{ readonly env: Readonly<Record<string, string>>; readonly args: readonly string[] }> {
  const { sandbox } = place;
  const { identity } = sandbox;
  const secretIdentity = {
    AZURE_TENANT_ID: identity.tenantId,
    AZURE_CLIENT_ID: identity.clientId,
    AZURE_CLIENT_SECRET: identity.clientSecret,
  };
  switch (host) {
    case 'github': {
      const { env } = await sandbox.prepareGithubStep({ folder, workspace, inputs: { 'github-token': sandbox.githubToken, ...given } });
      return { env, args: [] };
    }
    case 'azure-pipelines': {
      const camel = Object.fromEntries(Object.entries(given).map(([name, value]) => [toCamelCase(name), value]));
      const { env } = await sandbox.prepareAzurePipelinesStep({ folder, workspace, inputs: camel });
      return { env: { ...env, ...secretIdentity }, args: [] };
    }
    case 'cli': {
      const { command = 'secure', ...options } = given;
      const args = Object.entries(options).flatMap(([name, value]) => itemsOf(name, value).map((item) => `--${name}=${item}`));
      const env = { HOME: folder, NODE_EXTRA_CA_CERTS: sandbox.caFile, AZURE_AUTHORITY_HOST: sandbox.entra.url, ...secretIdentity };
      return { env, args: [command, ...args] };
    }
  }
}

/** A list is an option for each item, a text is one. */
function itemsOf(name: string, value: string): readonly string[] {
  const input: Input | undefined = inputs.find((row) => row.name === name);
  return input?.type === 'list' ? value.split('\n') : [value];
}

/** Each error that a host shows, with its hint, as its runner reads it. */
export function readErrors(host: HostKind, stdout: string, stderr: string): readonly string[] {
  switch (host) {
    case 'github':
      return readRunnerCommands(stdout).flatMap(({ name, data }) => (name === 'error' ? [data] : []));
    case 'azure-pipelines':
      return readAgentCommands(stdout).flatMap(({ area, event, properties, data }) =>
        `${area}.${event}` === 'task.logissue' && properties.get('type') === 'error' ? [data] : [],
      );
    case 'cli':
      return [...stderr.matchAll(/^error: (.*(?:\n .*|\n\(Did you mean .*\))*)/gm)].map(([, text = '']) => text.replace(/\n\s*/g, '\n'));
  }
}

async function readFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(read));
}
