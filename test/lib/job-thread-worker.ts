import { setTimeout as wait } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { type JobAsker, serveJobs } from '../../src/lib/job-server.ts';
import { StepError } from '../../src/lib/step-error.ts';

/** What threads of this program may come to. */
export type TestJob =
  | { readonly kind: 'echo'; readonly text: string }
  | { readonly kind: 'ask'; readonly questions: readonly string[] }
  | { readonly kind: 'process' | 'print' }
  | { readonly kind: 'refuse' | 'defect' | 'throw late' | 'reject late' | 'exit' | 'spin' | 'never' | 'eat buffers' | 'eat heap' }
  | { readonly kind: 'until cancelled' };

const kept: unknown[] = [];

async function run(job: TestJob, { ask, tell, isCancelled }: JobAsker<string, string, string>): Promise<string> {
  switch (job.kind) {
    case 'echo':
      return job.text;
    case 'ask':
      return (await Promise.all(job.questions.map((question) => ask(question)))).join(' ');
    case 'process': {
      const { env, argv, execArgv, stdin } = process;
      let input = '';
      for await (const chunk of stdin) input += chunk;
      return JSON.stringify({ env, arguments: argv.slice(2), execArgv, input });
    }
    case 'print':
      process.stdout.write('##[error]printed\n');
      console.error('##vso[task.complete]printed');
      return 'printed';
    case 'refuse':
      throw new StepError({
        code: 'limit',
        origin: 'source',
        message: 'cannot read it',
        hint: 'Make it smaller.',
        cause: new Error('in it'),
      });
    case 'defect':
      return (undefined as unknown as { text: string }).text;
    case 'throw late':
      setImmediate(() => {
        throw new Error('nobody awaits this');
      });
      return never();
    case 'reject late':
      void Promise.reject(new Error('nobody awaits this'));
      return never();
    case 'exit':
      return process.exit(0);
    case 'spin':
      tell('spinning');
      for (;;);
    case 'never':
      return never();
    case 'eat buffers':
      // Not all at once, as a parser would.
      for (;;) {
        kept.push(Buffer.alloc(4 * 1024 * 1024, 1));
        await wait(1);
      }
    case 'eat heap':
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => ({ at })));
    case 'until cancelled':
      tell('begun');
      while (!isCancelled()) await wait(1);
      throw new StepError({ code: 'cancelled', origin: 'host', message: 'left off', hint: '' });
  }
}

/** A promise that nobody settles, in a thread that stays. */
function never(): Promise<never> {
  setInterval(() => undefined, 1000);
  return new Promise(() => undefined);
}

if (parentPort !== null) serveJobs(parentPort, run, () => undefined);
