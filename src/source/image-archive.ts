import { magicBytes } from '../lib/compression.ts';
import type { ImageSource, SourceImage } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { ArchiveSource } from './archive-source.ts';
import { openFile, readRange, toFileIdentity } from './file-access.ts';
import { hints, type SourceFailure } from './source-error.ts';
import { StreamedSource } from './streamed-source.ts';
import { openTarFile } from './tar-file.ts';
import { toArchiveCompression, unpackStream } from './unpacked-stream.ts';

export interface ImageArchiveOptions {
  readonly name: string;
  readonly fail: SourceFailure;
  /** Whether it is an OCI layout, whose manifests are kept. */
  readonly keepsManifest: boolean;
  readonly describe: (files: ArchiveDocuments) => Promise<SourceImage>;
}

/** The standard input of the process. */
export interface StandardInput {
  readonly isTerminal: boolean;
  /** Its bytes, which come once. */
  open(): AsyncIterable<Uint8Array>;
}

/** An archive in a file: a tar is read at several places, a compressed one from its start, once. */
export async function openArchiveFile(path: string, options: ImageArchiveOptions): Promise<ImageSource> {
  const { name, fail, describe } = options;
  const head = Buffer.alloc(magicBytes);
  const handle = await openFile(path, fail);
  try {
    await handle.read(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
  if (toArchiveCompression(head, fail) === 'none') return new ArchiveSource({ name, fail, open: () => openTarFile(path, fail), describe });
  return new StreamedSource({ ...options, open: packedFile(path, fail) });
}

/** An archive that comes through the standard input, compressed or not. It cannot be read a second time. */
export function openStandardInput(input: StandardInput | undefined, options: ImageArchiveOptions): ImageSource {
  const { fail } = options;
  if (input === undefined) throw fail('source-form', 'this host gives a step no standard input', 'Give the path of a file.');
  if (input.isTerminal) {
    throw fail(
      'source-form',
      'the standard input is a terminal',
      'Pipe the archive into it (docker save app:ci | …), or give the path of a file.',
    );
  }
  let isTaken = false;
  return new StreamedSource({
    ...options,
    async open(use) {
      if (isTaken) {
        throw fail(
          'source-unreadable',
          'a layer has to be read a second time, for its upload was lost, and what came through the standard input is gone',
          'Run it again; where that happens often, write the archive to a file and give its path.',
        );
      }
      isTaken = true;
      await use(unpackStream(pipedBytes(input, fail), fail));
    },
  });
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

/** Reads the file from its start each time, and only as long as it is the same. */
function packedFile(path: string, fail: SourceFailure): (use: (archive: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void> {
  let identity: string | undefined;
  return async (use) => {
    const handle = await openFile(path, fail);
    try {
      const stats = await handle.stat();
      identity ??= toFileIdentity(stats);
      if (identity !== toFileIdentity(stats)) throw fail('source-changed', 'it was written to in the meantime', hints.leaveAlone);
      const ended = (cause?: unknown) => fail('source-changed', 'the file ended early', hints.leaveAlone, cause);
      await use(unpackStream(readRange(handle, 0, stats.size, ended), fail));
    } finally {
      await handle.close();
    }
  };
}
