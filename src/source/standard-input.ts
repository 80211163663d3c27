import type { GiveBytes } from './found-image.ts';
import type { SourceFailure } from './source-error.ts';

/** The standard input of the process. */
export interface StandardInput {
  readonly isTerminal: boolean;
  /** Its bytes, which come once. */
  open(): AsyncIterable<Uint8Array>;
}

/** What comes through the standard input. It cannot be read a second time. */
export function openStandardInput(input: StandardInput | undefined, fail: SourceFailure): GiveBytes {
  if (input === undefined) throw fail('source-form', 'this host gives a step no standard input', 'Give the path of a file.');
  if (input.isTerminal) {
    throw fail(
      'source-form',
      'the standard input is a terminal',
      'Pipe the archive into it (docker save app:ci | …), or give the path of a file.',
    );
  }
  let isTaken = false;
  return async (use) => {
    if (isTaken) {
      throw fail(
        'source-unreadable',
        'a layer has to be read a second time, for its upload was lost, and what came through the standard input is gone',
        'Run it again; where that happens often, write the archive to a file and give its path.',
      );
    }
    isTaken = true;
    await use(pipedBytes(input, fail));
  };
}

async function* pipedBytes(input: StandardInput, fail: SourceFailure): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  const chunks = input.open();
  try {
    for await (const chunk of chunks) {
      isEmpty = false;
      yield chunk;
    }
  } catch (error) {
    const { code = 'unknown' } = error as { code?: string };
    throw fail('source-unreadable', `the standard input cannot be read (${code})`, 'Look at the program that writes into the pipe.', error);
  }
  if (isEmpty) {
    throw fail(
      'source-not-found',
      'the standard input is empty',
      'The program that writes into the pipe gave nothing: look at what it says (and set -o pipefail, so that the shell tells of it).',
    );
  }
}
