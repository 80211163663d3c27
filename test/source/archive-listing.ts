import { failureOf } from '../../src/source/source-error.ts';
import { StreamInput } from '../../src/source/stream-input.ts';
import { type ArchiveEntry, TarReader } from '../../src/source/tar-reader.ts';

/** All entries of an image archive, read as a stream in parts of `partBytes`, with the content of files. */
export async function listArchive(bytes: Buffer, partBytes = 1000): Promise<readonly (ArchiveEntry & { readonly content: Buffer })[]> {
  const reader = new TarReader(new StreamInput(partsOf(bytes, partBytes)), failureOf('test'));
  const listed: (ArchiveEntry & { readonly content: Buffer })[] = [];
  for await (const entry of reader.entries()) {
    const chunks: Buffer[] = [];
    for await (const chunk of reader.content()) chunks.push(chunk);
    listed.push({ ...entry, content: Buffer.concat(chunks) });
  }
  return listed;
}

async function* partsOf(bytes: Buffer, partBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}
