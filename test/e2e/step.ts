import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface StepResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StepOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A file that is piped into the standard input; absent, the pipe is left open. */
  readonly stdin?: string;
}

/** The Node that runs the bundle: CI names the machine's own, which is older than that of the tests. */
const node = process.env.IMAGE_CUSTODY_NODE ?? process.execPath;

/** Runs a bundled entry point, e.g. `cli.js`, with the environment given and nothing else. */
export function runBundle(name: string, args: readonly string[], options: StepOptions = {}): Promise<StepResult> {
  const program = fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
  return runProgram(node, [program, ...args], { env: { PATH: process.env.PATH }, ...options });
}

export interface RunningStep {
  readonly child: ChildProcess;
  /** `exitCode` is undefined where it was killed. */
  readonly ended: Promise<{ readonly exitCode: number | undefined; readonly output: string }>;
}

/** Starts a bundled entry point, for who does something to it while it runs. */
export function startBundle(name: string, args: readonly string[], options: StepOptions = {}): RunningStep {
  const program = fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
  const { cwd, env = { PATH: process.env.PATH } } = options;
  const child = spawn(node, [program, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<{ exitCode: number | undefined; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? undefined, output }));
  });
  return { child, ended };
}

/** Runs any program to its end; its exit code is no error. */
export function runProgram(program: string, args: readonly string[], options: StepOptions = {}): Promise<StepResult> {
  const settings = {
    maxBuffer: 64 * 1024 * 1024,
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
  return new Promise((resolve) => {
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ exitCode, stdout, stderr });
    });
    if (options.stdin !== undefined && child.stdin !== null) {
      // A program that ends before it has read all is judged by its exit code.
      pipeline(createReadStream(options.stdin), child.stdin, () => undefined);
    }
  });
}

/** Runs a real program that has to succeed, and gives what it printed. */
export async function expectProgram(program: string, args: readonly string[], options: StepOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(program, args, { env: process.env, ...options });
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}
