import type { MessagePort } from 'node:worker_threads';
import { type FromThread, RefusedQuestion, type ToThread, toThrownError } from './job-messages.ts';

/** What a job has of the main thread. */
export interface JobAsker<Question, Answer, Note> {
  /** What is in `transfer` is the main thread's from then on. Rejects with a RefusedQuestion where the main thread has no answer. */
  ask(question: Question, transfer?: readonly ArrayBuffer[]): Promise<Answer>;
  tell(note: Note): void;
  /** Whether the run was cancelled: a job that takes long has to look, and to throw. */
  isCancelled(): boolean;
}

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: RefusedQuestion) => void;
}

/** In a thread: does the jobs that come, several at once. `stop` frees what they have left; what has stopped can be ended. */
export function serveJobs<Job, Result, Question, Answer, Note>(
  port: MessagePort,
  handle: (job: Job, asker: JobAsker<Question, Answer, Note>) => Promise<Result>,
  stop: () => void,
): void {
  const waiting = new Map<number, Waiting<Answer>>();
  let questions = 0;
  let isCancelled = false;
  const say = (message: FromThread<Result, Question, Note>, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);

  function toAsker(job: number): JobAsker<Question, Answer, Note> {
    return {
      ask: (what, transfer) =>
        new Promise((resolve, reject) => {
          const question = questions++;
          waiting.set(question, { resolve, reject });
          say({ kind: 'question', job, question, what }, transfer);
        }),
      tell: (what) => say({ kind: 'note', job, what }),
      isCancelled: () => isCancelled,
    };
  }

  async function run(job: number, what: Job): Promise<void> {
    try {
      say({ kind: 'result', job, what: await handle(what, toAsker(job)) });
    } catch (error) {
      say({ kind: 'failure', job, error: toThrownError(error) });
    }
  }

  function take(question: number): Waiting<Answer> | undefined {
    const found = waiting.get(question);
    waiting.delete(question);
    return found;
  }

  port.on('message', (message: ToThread<Job, Answer>) => {
    switch (message.kind) {
      case 'job':
        void run(message.job, message.what);
        break;
      case 'answer':
        take(message.question)?.resolve(message.what);
        break;
      case 'refusal':
        take(message.question)?.reject(new RefusedQuestion(message.error));
        break;
      case 'cancel':
        isCancelled = true;
        break;
      case 'stop':
        stop();
        say({ kind: 'stopped' });
    }
  });
}
