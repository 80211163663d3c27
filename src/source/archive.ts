import { hints, quote, type SourceFailure } from './source-error.ts';
import type { ArchiveEntry } from './tar-reader.ts';

/** Named files of an image: those of an archive or of a folder. Names are cleaned ones. */
export interface Archive {
  /** The file of that name, links followed; undefined where there is none. */
  find(path: string): Promise<ArchiveFile | undefined>;
  /** The whole of a small file; a larger one, or none, is an error. */
  read(path: string, maxBytes: number): Promise<Buffer>;
  /** Names in a folder; none where it is not there. */
  list(path: string): Promise<readonly string[]>;
  /** Gives the content of each of `paths` to `visit`, up to `parallel` at once where the files can be read at several places. */
  visit(paths: readonly string[], parallel: number, visit: ContentVisit): Promise<void>;
  close(): Promise<void>;
  /** Equal as long as the archive is; empty for a folder. */
  readonly identity: string;
}

/** `path` is the name without links. */
export interface ArchiveFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** As much of an archive as it takes to find out what image it holds. */
export type ArchiveDocuments = Pick<Archive, 'find' | 'read'>;

export type ContentVisit = (path: string, content: AsyncIterable<Uint8Array>) => Promise<void>;

const linkLimit = 8;

/** The table of a tar: what lies where under which name. */
export class TarIndex<Place> {
  readonly #fail: SourceFailure;
  readonly #files = new Map<string, { readonly sizeBytes: number; readonly place: Place }>();
  readonly #links = new Map<string, string>();
  readonly #twice = new Set<string>();

  constructor(fail: SourceFailure) {
    this.#fail = fail;
  }

  add(entry: ArchiveEntry, place: Place): void {
    if (entry.kind === 'directory') {
      return;
    }
    if (this.#files.has(entry.path) || this.#links.has(entry.path)) {
      this.#twice.add(entry.path);
    }
    if (entry.kind === 'file') {
      this.#files.set(entry.path, { sizeBytes: entry.sizeBytes, place });
    } else {
      this.#links.set(entry.path, entry.target);
    }
  }

  /** Names of what lies in a folder. */
  list(folder: string): readonly string[] {
    const [start, names] = [`${folder}/`, [...this.#files.keys(), ...this.#links.keys()]];
    return names.flatMap((name) => (name.startsWith(start) && !name.includes('/', start.length) ? [name.slice(start.length)] : []));
  }

  /** The file of that name, links followed. A name that the archive has twice is refused, for readers take different ones. */
  find(path: string): (ArchiveFile & { readonly place: Place }) | undefined {
    let at = path;
    for (let hops = 0; hops <= linkLimit; hops++) {
      if (this.#twice.has(at)) {
        throw this.#fail('source-damaged', `the archive has ${quote(at)} twice`, hints.writeAgain);
      }
      const file = this.#files.get(at);
      if (file !== undefined) {
        return { path: at, ...file };
      }
      const target = this.#links.get(at);
      if (target === undefined) {
        return undefined;
      }
      at = target;
    }
    throw this.#fail('source-damaged', `the link ${quote(path)} leads nowhere`, hints.writeAgain);
  }
}
