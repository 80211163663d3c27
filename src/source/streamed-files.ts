import type { SourceLayer } from '../model/source.ts';
import { type ArchiveDocuments, type ArchiveFile, TarIndex } from './archive.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** The files of an archive that has come by: all their names, and the content of its documents. */
export class StreamedFiles implements ArchiveDocuments {
  readonly index: TarIndex<undefined>;
  readonly documents = new Map<string, Buffer>();
  /** What was visited, by key. */
  readonly visited = new Map<string, SourceLayer>();
  readonly #fail: SourceFailure;

  constructor(fail: SourceFailure) {
    this.#fail = fail;
    this.index = new TarIndex(fail);
  }

  async find(path: string): Promise<ArchiveFile | undefined> {
    return this.index.find(path);
  }

  async read(path: string, maxBytes: number): Promise<Buffer> {
    const document = this.documents.get(this.index.find(path)?.path ?? path);
    if (document === undefined || document.length > maxBytes) {
      throw this.#fail('source-damaged', `the archive has no JSON document ${quote(path)} of at most ${maxBytes} bytes`, hints.writeAgain);
    }
    return document;
  }
}
