import { Worker } from 'node:worker_threads';
import type { FromThread, ThrownError, ToThread } from './job-messages.ts';
import { StepError } from './step-error.ts';
import { threadEnded } from './thread.ts';

/** What the main thread does for a job meanwhile. */
export interface JobDialogue<Question, Answer, Note> {
  /** What is in `transfer` is the thread's from then on. */
  answer(question: Question): Promise<{ readonly what: Answer; readonly transfer?: readonly ArrayBuffer[] }>;
  note(note: Note): void;
}

export interface JobThreadOptions {
  readonly program: URL;
  /** What the thread does, for the error where it ends: `reads the image`. */
  readonly task: string;
  readonly workerData?: unknown;
  /** Of its JavaScript heap; buffers are not in it. */
  readonly heapLimitBytes: number;
  /** Of the whole process's memory, where it is too much for what the thread can need. */
  readonly memoryLimitBytes: number;
  /** A job that says nothing for so long, and waits for nothing of the main thread, will not say anything any more. */
  readonly silenceLimitMs: number;
}

interface Running<Result, Question, Answer, Note> {
  readonly dialogue: JobDialogue<Question, Answer, Note>;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Errors of the main thread that the thread knows by their number. */
  readonly errors: unknown[];
  /** Questions that the main thread has yet to answer. */
  owed: number;
  silentMs: number;
}

const mebibyte = 1024 * 1024;
/** Short enough that a thread which eats memory is seen before it has eaten it all. */
const lookMs = 100;
/** The same for a thread that was asked to leave off. */
const cancelledSilenceMs = 2000;

/**
 * A thread of this program that does jobs, several at once, and asks about them. It has neither environment nor arguments nor standard streams of the
 * process, and holds it only while it has work. It is watched: one that ends, that eats the memory or that goes silent fails its jobs with `thread-ended`.
 */
export class JobThread<Job, Result, Question, Answer, Note> implements AsyncDisposable {
  readonly #options: JobThreadOptions;
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Running<Result, Question, Answer, Note>>();
  #count = 0;
  #holds = false;
  #silenceLimitMs: number;
  #watch: NodeJS.Timeout | undefined;
  #failure: StepError | undefined;
  #onStopped = (): void => undefined;

  constructor(options: JobThreadOptions) {
    const { program, workerData, heapLimitBytes } = options;
    this.#options = options;
    this.#silenceLimitMs = options.silenceLimitMs;
    this.#worker = new Worker(program, {
      workerData,
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      // Nobody reads them: what is printed there could be a command to the runner.
      stdout: true,
      stderr: true,
      // A small young generation is collected as fast, and keeps the process small.
      resourceLimits: { maxOldGenerationSizeMb: heapLimitBytes / mebibyte, maxYoungGenerationSizeMb: youngGenerationMb },
    });
    this.#worker.on('message', (message: FromThread<Result, Question, Note>) => this.#hear(message));
    this.#worker.on('error', (error) => this.#fail((error as NodeJS.ErrnoException).code ?? error.name, error));
    this.#worker.on('exit', (code) => this.#fail(`exit code ${code}`));
    // After the listeners, for that to messages holds the process.
    this.#worker.unref();
  }

  /** Rejects with what the job failed with, or with `thread-ended`. */
  run(what: Job, dialogue: JobDialogue<Question, Answer, Note>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const job = this.#count++;
      this.#jobs.set(job, { dialogue, resolve, reject, errors: [], owed: 0, silentMs: 0 });
      this.#watch ??= setInterval(() => this.#look(), lookMs).unref();
      this.#hold();
      this.#say({ kind: 'job', job, what });
    });
  }

  /** Tells the thread to leave off; one that does not within a short time is given up. */
  cancel(): void {
    this.#silenceLimitMs = Math.min(this.#silenceLimitMs, cancelledSilenceMs);
    this.#say({ kind: 'cancel' });
  }

  /** The thread is not ended before it has stopped: Node aborts the process where one ends that is just about to inflate (node_zlib.cc, "close before init"). */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === undefined && this.#count > 0) {
      const stopped = new Promise<void>((resolve) => {
        this.#onStopped = resolve;
      });
      this.#worker.ref();
      this.#say({ kind: 'stop' });
      const tooLong = setTimeout(() => this.#onStopped(), cancelledSilenceMs);
      await stopped;
      clearTimeout(tooLong);
    }
    clearInterval(this.#watch);
    this.#worker.removeAllListeners();
    void this.#worker.terminate();
  }

  #hear(message: FromThread<Result, Question, Note>): void {
    const running = message.kind === 'stopped' ? undefined : this.#jobs.get(message.job);
    if (running !== undefined) running.silentMs = 0;
    switch (message.kind) {
      case 'note':
        running?.dialogue.note(message.what);
        break;
      case 'question':
        if (running !== undefined) void this.#answer(running, message.question, message.what);
        break;
      case 'result':
        this.#finish(message.job);
        running?.resolve(message.what);
        break;
      case 'failure':
        this.#finish(message.job);
        running?.reject(toError(message.error, running.errors));
        break;
      case 'stopped':
        this.#onStopped();
    }
  }

  async #answer(running: Running<Result, Question, Answer, Note>, question: number, asked: Question): Promise<void> {
    running.owed += 1;
    this.#hold();
    try {
      const { what, transfer } = await running.dialogue.answer(asked);
      this.#say({ kind: 'answer', question, what }, transfer);
    } catch (error) {
      this.#say({ kind: 'refusal', question, error: running.errors.push(error) - 1 });
    }
    running.owed -= 1;
    running.silentMs = 0;
    this.#hold();
  }

  #finish(job: number): void {
    this.#jobs.delete(job);
    this.#hold();
    if (this.#jobs.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** A job that waits for the main thread does not hold the process: where that waits for nothing any more, the process ends, with the exit code of what is not finished. */
  #hold(): void {
    const holds = [...this.#jobs.values()].some(({ owed }) => owed === 0);
    if (holds === this.#holds) return;
    this.#holds = holds;
    if (holds) this.#worker.ref();
    else this.#worker.unref();
  }

  #say(message: ToThread<Job, Answer>, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Silence is counted in looks and not by the clock: what the thread has said meanwhile is heard between two of them. */
  #look(): void {
    if (process.memoryUsage.rss() > this.#options.memoryLimitBytes) {
      this.#fail(`it took more than ${Math.round(this.#options.memoryLimitBytes / mebibyte)} MiB of memory`);
      // At once, for that memory may be all that there is.
      void this.#worker.terminate();
    }
    for (const running of this.#jobs.values()) {
      if (running.owed === 0) running.silentMs += lookMs;
    }
    if ([...this.#jobs.values()].some(({ silentMs }) => silentMs > this.#silenceLimitMs)) {
      this.#fail(`it has said nothing for ${this.#silenceLimitMs / 1000} s`);
    }
  }

  #fail(reason: string, cause?: unknown): void {
    this.#failure ??= threadEnded(`the thread that ${this.#options.task} ended before it was done (${reason})`, cause);
    this.#onStopped();
    for (const [job, { reject }] of [...this.#jobs]) {
      this.#finish(job);
      reject(this.#failure);
    }
  }
}

const youngGenerationMb = 8;

function toError(thrown: ThrownError, errors: readonly unknown[]): unknown {
  switch (thrown.kind) {
    case 'step':
      return new StepError(thrown.fields);
    case 'returned':
      return errors[thrown.error];
    case 'defect':
      return Object.assign(new Error('a thread of this program failed'), { name: thrown.name, stack: thrown.stack });
  }
}
