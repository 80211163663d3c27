import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
}

/** Runs a program to its end under GNU time. Throws where it does not succeed. */
export async function measure({ program, args }: Command): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'measure-'));
  try {
    const figures = join(folder, 'figures');
    const startedMs = performance.now();
    const { exitCode, stdout, stderr } = await runProgram('time', ['-f', '%U %S %M', '-o', figures, program, ...args], {
      env: process.env,
    });
    const wallMs = performance.now() - startedMs;
    if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    const [user = NaN, system = NaN, peakKiB = NaN] = (await readFile(figures, 'utf8')).trim().split(' ').map(Number);
    return { wallMs, cpuMs: (user + system) * 1000, peakBytes: peakKiB * 1024 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The middle of the values; of two in the middle, their mean. Throws where there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (lower === undefined || upper === undefined) throw new Error('no values');
  return (lower + upper) / 2;
}
