import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import type { ProgramOutcome, ProgramRequest, RunProgram } from '../model/program.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface ProgramContext {
  readonly env: Variables;
  readonly platform: NodeJS.Platform;
  readonly cancelled: AbortSignal;
}

/**
 * The one place where a run starts a program. It gets a bare environment, a folder that nobody's checkout is, and no terminal; it is found in the absolute
 * folders of `PATH` alone, so that nothing of the working folder is ever run; and it is killed, with what it has started, when its time is over or the
 * run is cancelled. docs/decisions/0015-credential-helpers-with-a-bare-environment.md
 */
export function createProgramRunner({ env, platform, cancelled }: ProgramContext): RunProgram {
  return async (request) => {
    if (cancelled.aborted) return { kind: 'cancelled' };
    const file = await findProgram(request.name, env, platform);
    if (file === undefined) return { kind: 'absent' };
    const command = toCommand(file, request.args, env, platform);
    if (command === undefined) return { kind: 'not-started', reason: 'EINVAL' };
    return start(command, request, { env: toBareEnvironment(request.variables ?? [], env, platform), platform, cancelled });
  };
}

/** https://learn.microsoft.com/windows/win32/procthread/environment-variables: without these, programs of Windows find neither libraries nor their user. */
const windowsVariables = [
  'SystemRoot',
  'SystemDrive',
  'windir',
  'ComSpec',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'ProgramData',
  'TEMP',
];

function toBareEnvironment(names: readonly string[], env: Variables, platform: NodeJS.Platform): Record<string, string> {
  const always = platform === 'win32' ? [...windowsVariables, 'PATH', 'HOME'] : ['PATH', 'HOME'];
  return Object.fromEntries([...always, ...names].map((name) => [name, env[name]]).filter((pair): pair is [string, string] => !!pair[1]));
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Relative folders and empty ones, which stand for the working folder, are passed over. */
async function findProgram(name: string, env: Variables, platform: NodeJS.Platform): Promise<string | undefined> {
  if (!namePattern.test(name)) return undefined;
  const path = platform === 'win32' ? win32 : posix;
  // A drive without its letter would depend on where the process is.
  const isAbsolute = (folder: string) => (platform === 'win32' ? /^[A-Za-z]:[\\/]/.test(folder) : folder.startsWith('/'));
  const folders = (env.PATH ?? '').split(path.delimiter).map((folder) => folder.replace(/^"(.*)"$/, '$1'));
  const endings = platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of folders.filter(isAbsolute)) {
    for (const ending of endings) {
      const file = path.join(folder, `${name}${ending}`);
      if (await isProgram(file, platform)) return file;
    }
  }
  return undefined;
}

async function isProgram(file: string, platform: NodeJS.Platform): Promise<boolean> {
  try {
    await access(file, platform === 'win32' ? constants.F_OK : constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly isVerbatim: boolean;
}

/** Batch files, such as the Azure CLI, are run by the command interpreter, and by it only with arguments in which it reads nothing of its own. */
export function toCommand(file: string, args: readonly string[], env: Variables, platform: NodeJS.Platform): Command | undefined {
  if (platform !== 'win32' || file.endsWith('.exe')) return { file, args, isVerbatim: false };
  if (![file, ...args].every((text) => /^[A-Za-z0-9 ()._:/\\=-]+$/.test(text))) return undefined;
  const line = [file, ...args].map((text) => `"${text}"`).join(' ');
  const interpreter = `${env.SystemRoot ?? 'C:\\Windows'}\\System32\\cmd.exe`;
  return { file: interpreter, args: ['/d', '/s', '/c', `"${line}"`], isVerbatim: true };
}

const maxErrorBytes = 4096;

function start(
  { file, args, isVerbatim }: Command,
  { input = '', maxOutputBytes = 64 * 1024, timeoutMs = 30_000 }: ProgramRequest,
  { env, platform, cancelled }: ProgramContext & { readonly env: Record<string, string> },
): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const isWindows = platform === 'win32';
    const cwd = isWindows ? win32.parse(file).root : '/';
    // A group of its own on POSIX: it can be killed as one, and has no terminal to ask at.
    const options = { env, cwd, detached: !isWindows, windowsHide: true, windowsVerbatimArguments: isVerbatim, stdio: 'pipe' as const };
    const child = spawn(file, args, options);
    const output = new Output(maxOutputBytes);
    let isSettled = false;
    const settle = (outcome: ProgramOutcome) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      cancelled.removeEventListener('abort', cancel);
      resolve(outcome);
    };
    const stop = (kind: 'timeout' | 'too-much' | 'cancelled') => {
      kill(child, env, isWindows);
      settle({ kind });
    };
    const cancel = () => stop('cancelled');
    const timer = setTimeout(() => stop('timeout'), timeoutMs);
    cancelled.addEventListener('abort', cancel);
    child.once('error', (error: NodeJS.ErrnoException) => settle({ kind: 'not-started', reason: error.code ?? 'unknown' }));
    child.stdout.on('data', (bytes: Buffer) => output.add(bytes) || stop('too-much'));
    child.stderr.on('data', (bytes: Buffer) => output.addError(bytes));
    child.once('close', (code) => settle({ kind: 'ended', code: code ?? undefined, output: output.bytes, errors: output.errors }));
    // One that reads nothing closes its input, which is no failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function kill(child: ChildProcessWithoutNullStreams, env: Record<string, string>, isWindows: boolean): void {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  child.unref();
  if (child.pid === undefined) return;
  if (isWindows) {
    const taskkill = `${env.SystemRoot ?? 'C:\\Windows'}\\System32\\taskkill.exe`;
    spawn(taskkill, ['/pid', `${child.pid}`, '/t', '/f'], { env, stdio: 'ignore', windowsHide: true }).once('error', () => child.kill());
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** What a program has written, no more of it than is wanted. */
class Output {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  readonly #errors: Buffer[] = [];
  #sizeBytes = 0;
  #errorBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False where it is more than may be. */
  add(chunk: Buffer): boolean {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#maxBytes) return false;
    this.#chunks.push(chunk);
    return true;
  }

  addError(chunk: Buffer): void {
    const part = chunk.subarray(0, maxErrorBytes - this.#errorBytes);
    this.#errorBytes += part.length;
    if (part.length > 0) this.#errors.push(part);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get errors(): string {
    return Buffer.concat(this.#errors).toString('utf8');
  }
}
