import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../test/e2e/step.ts';

/** What the operating system says of one finished process. */
export interface Measurement {
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** Largest resident set it ever had. */
  readonly peakBytes: number;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Beside 0: scanners tell by their exit code that they found something. */
  readonly acceptedExitCodes?: readonly number[];
  /** Process that does the work for the program: its CPU time meanwhile is added, and its peak counts. */
  readonly serverPid?: number;
}

/** Linux counts CPU time in hundredths of a second for its users on every processor (proc(5), USER_HZ). */
const tickMs = 10;

/** Runs a program to its end under GNU time. Throws where it does not succeed. */
export async function measure(command: Command): Promise<Measurement> {
  const { program, args, env = {}, acceptedExitCodes = [], serverPid } = command;
  const folder = await mkdtemp(join(tmpdir(), 'measure-'));
  try {
    const figures = join(folder, 'figures');
    if (serverPid !== undefined) await writeFile(`/proc/${serverPid}/clear_refs`, '5');
    const cpuBeforeMs = serverPid === undefined ? 0 : await readCpuMs(serverPid);
    const startedMs = performance.now();
    const { exitCode, stdout, stderr } = await runProgram('time', ['-f', '%U %S %M', '-o', figures, program, ...args], {
      env: { ...process.env, ...env },
    });
    const wallMs = performance.now() - startedMs;
    if (exitCode !== 0 && !acceptedExitCodes.includes(exitCode)) {
      throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    }
    // A line before the figures tells of an exit code that is not 0.
    const line = (await readFile(figures, 'utf8')).trim().split('\n').at(-1) ?? '';
    const [user = NaN, system = NaN, peakKiB = NaN] = line.split(' ').map(Number);
    const own = { wallMs, cpuMs: (user + system) * 1000, peakBytes: peakKiB * 1024 };
    if (serverPid === undefined) return own;
    const cpuMs = own.cpuMs + (await readCpuMs(serverPid)) - cpuBeforeMs;
    return { wallMs, cpuMs, peakBytes: Math.max(own.peakBytes, await readPeakBytes(serverPid)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of one after the other: times added, the largest peak. */
export function sumOf(measurements: readonly Measurement[]): Measurement {
  return measurements.reduce((sum, { wallMs, cpuMs, peakBytes }) => ({
    wallMs: sum.wallMs + wallMs,
    cpuMs: sum.cpuMs + cpuMs,
    peakBytes: Math.max(sum.peakBytes, peakBytes),
  }));
}

/** The middle of the values; of two in the middle, their mean. Throws where there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (lower === undefined || upper === undefined) throw new Error('no values');
  return (lower + upper) / 2;
}

/** User and system time so far of a running process (proc(5), /proc/pid/stat: fields 14 and 15; the second, its name, may hold anything). */
async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = NaN, system = NaN] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) * tickMs;
}

/** Largest resident set since clear_refs was written (proc(5), /proc/pid/clear_refs: 5). */
async function readPeakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
