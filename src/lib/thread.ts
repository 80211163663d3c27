import { Worker } from 'node:worker_threads';
import { StepError } from './step-error.ts';

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A thread of this program that answers each job in its turn. It has neither the environment nor the arguments of the process, and holds it
 * only while it has work. `program` is the name of the thread's source, which lies beside the module whose `import.meta.url` is `from`.
 */
export class Thread<Job, Answer> implements Disposable {
  readonly #worker: Worker;
  /** In the order in which the jobs were sent, which is that of the answers. */
  readonly #waiting: Waiting<Answer>[] = [];
  #failure: StepError<'thread-ended'> | undefined;

  constructor(program: string, from: string, workerData?: unknown) {
    // What a thread makes is short-lived: a small young generation is collected as fast, and keeps the process small.
    const resourceLimits = { maxYoungGenerationSizeMb: 8 };
    this.#worker = new Worker(toThreadUrl(program, from), { workerData, env: {}, execArgv: [], resourceLimits });
    this.#worker.on('message', (answer: Answer) => this.#finish(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(undefined));
    // After the listeners, for that to messages holds the process.
    this.#worker.unref();
  }

  /** Rejects with `thread-ended` where the thread ends before it answers. */
  run(job: Job): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(job);
    });
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }

  #finish(answer: Answer): void {
    this.#waiting.shift()?.resolve(answer);
    if (this.#waiting.length === 0) this.#worker.unref();
  }

  #fail(cause: unknown): void {
    this.#failure ??= threadEnded('a thread that hashes, compresses or reads advisories ended before it was done', cause);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

/** The error of a thread that is no more; `what` continues `cannot go on: `. */
export function threadEnded(what: string, cause?: unknown): StepError<'thread-ended'> {
  return new StepError({
    code: 'thread-ended',
    origin: 'us',
    message: `cannot go on: ${what}`,
    hint: 'This is a defect of the step or too little memory; run it again, and report it where it happens again.',
    cause,
  });
}

/** Set by vitest.config.ts: the folder of the threads as they are bundled, which start faster than the sources. */
declare const IMAGE_CUSTODY_THREADS: string | undefined;

/** Where the source of a thread is: beside its module where the sources run; where they are bundled, in the folder of the entry points, whose chunks lie in another. */
export function toThreadUrl(program: string, from: string): URL {
  if (from.endsWith('.ts')) {
    return typeof IMAGE_CUSTODY_THREADS === 'string' ? new URL(`${program}.js`, IMAGE_CUSTODY_THREADS) : new URL(`./${program}.ts`, from);
  }
  return new URL(/\/chunks\/[^/]+$/.test(from) ? `../${program}.js` : `./${program}.js`, from);
}
