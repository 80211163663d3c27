import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProgramRun {
  readonly node: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Everything below these is looked at before and after. */
  readonly folders: readonly string[];
  /** A new folder of the harness, for its own files. */
  readonly scratch: string;
  /** Given what tells the id of the process. */
  readonly onStart?: (pid: () => number) => void;
  readonly timeoutMs?: number;
}

/** Everything that left a process but for what it sent to servers. */
export interface Observed {
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Files that are new or have other content, by path; those that it has taken away again are among them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Addresses off this machine that it, or a program that it started, has connected to. */
  readonly addresses: readonly string[];
  /** Arguments and environment of each program that it started, as the kernel was told them. */
  readonly children: readonly string[];
}

const strace = ['/usr/bin/strace', '/usr/local/bin/strace'].find((path) => existsSync(path));

export async function observe(run: ProgramRun): Promise<Observed> {
  if (strace === undefined) throw new Error('strace is not installed: apt-get install strace');
  const traceFile = join(run.scratch, 'trace');
  const before = await fingerprint(run.folders);
  // No file is taken away: what was in it for a moment is looked at as well.
  const calls = ['-e', 'trace=execve,connect,unlink,unlinkat,rmdir', '-e', 'inject=unlink,unlinkat,rmdir:retval=0', '-e', 'signal=none'];
  const flags = ['--seccomp-bpf', '-f', '-qqq', '-v', '-s', '1048576', ...calls, '-o', traceFile];
  const ended = await runToEnd(strace, [...flags, run.node, ...run.args], run);
  const files = new Map<string, Buffer>();
  for (const [path, content] of await contents(run.folders)) if (before.get(path) !== sha256(content)) files.set(path, content);
  const trace = (await readFile(traceFile, 'utf8')).split('\n');
  return { ...ended, files, children: startedPrograms(trace), addresses: connectedAddresses(trace) };
}

function runToEnd(program: string, args: readonly string[], run: ProgramRun): Promise<Pick<Observed, 'exitCode' | 'stdout' | 'stderr'>> {
  const child = spawn(program, args, { cwd: run.cwd, env: { ...run.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  run.onStart?.(() => tracedBy(child.pid ?? 0));
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const watchdog = setTimeout(() => child.kill('SIGKILL'), run.timeoutMs ?? 90_000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(watchdog);
      resolve({ exitCode: code ?? undefined, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
  });
}

/** The program that a tracer has started. */
function tracedBy(tracer: number): number {
  return Number(readFileSync(`/proc/${tracer}/task/${tracer}/children`, 'utf8').trim().split(' ')[0]);
}

/** `1234 execve("/bin/sh", [...], [...]) = 0`: the first is the program itself. */
function startedPrograms(calls: readonly string[]): readonly string[] {
  return calls.filter((call) => /^\d+ +execve\(/.test(call)).slice(1);
}

/** `connect(19, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("203.0.113.7")}, 16)`, and the like of IPv6. */
function connectedAddresses(calls: readonly string[]): readonly string[] {
  const found = calls.flatMap((call) => {
    const [, address] = /\bconnect\(.*(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"/.exec(call) ?? [];
    return address === undefined ? [] : [address];
  });
  return [...new Set(found)].filter((address) => !/^(?:127\.|::1$|::ffff:127\.)/.test(address));
}

async function fingerprint(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const all = await contents(folders);
  return new Map(Array.from(all, ([path, content]) => [path, sha256(content)]));
}

async function contents(folders: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      found.set(path, await readFile(path));
    }
  }
  return found;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
