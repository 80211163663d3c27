import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type JobDialogue, JobThread, type JobThreadOptions } from '../../src/lib/job-thread.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { TestJob } from './job-thread-worker.ts';

const mebibyte = 1024 * 1024;

type TestThread = JobThread<TestJob, string, string, string, string>;

function start(options: Partial<JobThreadOptions> = {}): TestThread {
  const thread: TestThread = new JobThread({
    program: new URL('./job-thread-worker.ts', import.meta.url),
    task: 'is tested',
    heapLimitBytes: 64 * mebibyte,
    memoryLimitBytes: Number.POSITIVE_INFINITY,
    silenceLimitMs: 60_000,
    ...options,
  });
  onTestFinished(() => thread[Symbol.asyncDispose]());
  return thread;
}

const silent: JobDialogue<string, string, string> = { answer: async () => ({ what: '' }), note() {} };

async function failureOf(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
}

describe('a thread that does jobs', () => {
  it('does several at once, and gets an answer to each question', async () => {
    const thread = start();
    const upper: JobDialogue<string, string, string> = { ...silent, answer: async (text) => ({ what: text.toUpperCase() }) };
    const jobs = ['a', 'b', 'c'].map((text) => thread.run({ kind: 'ask', questions: [`${text}1`, `${text}2`] }, upper));
    expect(await Promise.all([...jobs, thread.run({ kind: 'echo', text: 'd' }, silent)])).toEqual(['A1 A2', 'B1 B2', 'C1 C2', 'd']);
  });

  it('has nothing of the process: no variable, no argument, no standard input', async () => {
    const told = JSON.parse(await start().run({ kind: 'process' }, silent));
    expect(told).toEqual({ env: {}, arguments: [], execArgv: [], input: '' });
  });

  it('prints nothing', async () => {
    const written: unknown[] = [];
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation((chunk) => written.push(chunk) > 0);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await start().run({ kind: 'print' }, silent)).toBe('printed');
    await new Promise(setImmediate);
    expect(written.join('')).not.toContain('printed');
  });

  it('tells an error as it was thrown', async () => {
    const error = await failureOf(start().run({ kind: 'refuse' }, silent));
    expect(error).toBeInstanceOf(StepError);
    expect(error).toMatchObject({ code: 'limit', origin: 'source', message: 'cannot read it', hint: 'Make it smaller.' });
  });

  it('gives an error of the main thread back, the very one, and goes on', async () => {
    const thread = start();
    const own = Object.assign(new Error('unplugged'), { secret: 'of the main thread' });
    const refusing: JobDialogue<string, string, string> = { ...silent, answer: () => Promise.reject(own) };
    expect(await failureOf(thread.run({ kind: 'ask', questions: ['x'] }, refusing))).toBe(own);
    expect(await thread.run({ kind: 'echo', text: 'still here' }, silent)).toBe('still here');
  });

  it('tells a defect by its name and place', async () => {
    const error = (await failureOf(start().run({ kind: 'defect' }, silent))) as Error;
    expect(error).not.toBeInstanceOf(StepError);
    expect(error.name).toBe('TypeError');
    expect(error.stack).toMatch(/job-thread-worker\.ts:\d+:\d+/);
  });

  it('leaves off where the run is cancelled', async () => {
    const thread = start();
    const running = thread.run({ kind: 'until cancelled' }, { ...silent, note: () => thread.cancel() });
    expect(await failureOf(running)).toMatchObject({ code: 'cancelled', message: 'left off' });
  });
});

describe('a thread that ends before it is done', () => {
  it.each([
    ['exit', 'exit code 0'],
    ['throw late', 'Error'],
    ['reject late', 'Error'],
    ['eat heap', 'ERR_WORKER_OUT_OF_MEMORY'],
  ] as const)('by %s fails its jobs, and those that come later', async (kind, reason) => {
    const thread = start();
    const [failure, other] = await Promise.all([
      failureOf(thread.run({ kind }, silent)),
      failureOf(thread.run({ kind: 'until cancelled' }, silent)),
    ]);
    expect(failure).toMatchObject({ code: 'thread-ended', origin: 'us' });
    expect((failure as Error).message).toBe(`cannot go on: the thread that is tested ended before it was done (${reason})`);
    expect(other).toBe(failure);
    expect(await failureOf(thread.run({ kind: 'echo', text: '' }, silent))).toBe(failure);
  });
});

describe('a thread that is watched', () => {
  it('is ended where it takes buffers without end, which no limit of its heap counts', async () => {
    const thread = start({ memoryLimitBytes: process.memoryUsage.rss() + 200 * mebibyte });
    const failure = (await failureOf(thread.run({ kind: 'eat buffers' }, silent))) as Error;
    expect(failure).toMatchObject({ code: 'thread-ended' });
    expect(failure.message).toMatch(/\(it took more than \d+ MiB of memory\)$/);
  });

  it.each(['spin', 'never'] as const)('is given up where it is silent: %s', async (kind) => {
    const failure = await failureOf(start({ silenceLimitMs: 400 }).run({ kind }, silent));
    expect(failure).toMatchObject({ code: 'thread-ended' });
    expect((failure as Error).message).toContain('it has said nothing for 0.4 s');
  });

  it('is not taken for silent while the main thread owes it an answer', async () => {
    const thread = start({ silenceLimitMs: 400 });
    const slow: JobDialogue<string, string, string> = {
      ...silent,
      answer: () => new Promise((resolve) => setTimeout(() => resolve({ what: 'late' }), 1500)),
    };
    expect(await thread.run({ kind: 'ask', questions: ['x'] }, slow)).toBe('late');
  });

  it('is given up where it does not leave off when the run is cancelled', async () => {
    const thread = start();
    const failure = await failureOf(thread.run({ kind: 'spin' }, { ...silent, note: () => thread.cancel() }));
    expect(failure).toMatchObject({ code: 'thread-ended' });
  });
});
