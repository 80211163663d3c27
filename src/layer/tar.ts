import { cleanPath } from '../lib/clean-path.ts';
import {
  isTarExtension,
  noExtensions,
  readTarExtension,
  type TarEntry,
  type TarExtensions,
  toTarEntry,
  verifyNoExtensions,
} from '../lib/tar-entry.ts';
import { isZero, readTarHeader, type TarHeader, tarBlockBytes, tarPaddingBytes } from '../lib/tar-header.ts';
import type { RefuseTar } from '../lib/tar-refusal.ts';
import { baseName } from './entry-path.ts';
import type { LayerEntry } from './inspector.ts';
import type { LayerLimits } from './limits.ts';
import { PushedBytes } from './pushed-bytes.ts';
import { layerRefusal } from './refusal.ts';
import { leadingMapRuns, parseLeadingMap, parseSparseHeader, SparseFile, type SparseRun, verifySparseMap } from './sparse.ts';

/** Takes what a tar holds, in its order. */
interface TarSink {
  /** Whether the content is wanted; asked for each entry, before its content. */
  entry(entry: LayerEntry): boolean;
  /** The next part of a wanted file, valid during the call. `last` is set once, on the final part; an empty file has one empty part. */
  content(part: Buffer, last: boolean): void;
}

/**
 * Reads a tar as Go's archive/tar does, the reader inside containerd, Docker and skopeo, or refuses it with a StepError that names the byte
 * and the rule. Refused beyond what Go refuses: whatever other readers understand differently (content behind a link or folder, names in
 * global headers, bytes after the end), an archive that is cut, types that no runtime unpacks, and names that leave the root.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #limits: LayerLimits;
  readonly #refuse: RefuseTar;
  readonly #steps: Generator<void, void, void>;
  readonly #bytes: PushedBytes;
  /** Where the header began that is being read. */
  #start = 0;
  #headers = 0;
  #holeBytes = 0;

  constructor(layer: string, sink: TarSink, limits: LayerLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#refuse = (code, rule) => {
      throw layerRefusal(layer, code, this.#start, rule);
    };
    this.#bytes = new PushedBytes(tarBlockBytes, (rule) => {
      throw layerRefusal(layer, 'malformed-tar', this.#bytes.offset, rule);
    });
    this.#steps = this.#archive();
    this.#steps.next();
  }

  /** Takes the next bytes; they are not kept. */
  write(chunk: Buffer): void {
    this.#bytes.push(chunk);
    if (this.#steps.next().done) throw new Error('a tar reader was given more after it had refused');
  }

  /** To be called after the last bytes: only now is the archive known to be whole. */
  end(): void {
    this.#bytes.end();
    if (!this.#steps.next().done) throw new Error('a tar reader did not come to its end');
  }

  *#archive(): Generator<void, void, void> {
    let extensions: TarExtensions = noExtensions;
    for (;;) {
      this.#start = this.#bytes.offset;
      const block = yield* this.#bytes.block('the archive ends without its two end blocks');
      if (isZero(block)) break;
      this.#headers += 1;
      if (this.#headers > this.#limits.maxEntries) this.#refuse('limit', `more than ${this.#limits.maxEntries} entries`);
      const header = readTarHeader(block, this.#refuse);
      if (isTarExtension(header)) {
        if (header.typeflag === 'g') this.#verifyGlobalName(header);
        extensions = readTarExtension(header, yield* this.#special(header), extensions, this.#refuse);
      } else {
        yield* this.#entry(toTarEntry(header, extensions, this.#refuse));
        extensions = noExtensions;
      }
    }
    verifyNoExtensions(extensions, this.#refuse);
    yield* this.#trailer();
  }

  /** The name matters although nothing is unpacked: containerd removes the file that has it. */
  #verifyGlobalName({ name }: TarHeader): void {
    if (!globalNames.test(baseName(cleanPath(name) ?? ''))) this.#refuse('ambiguous-tar', 'a global header with the name of a file');
  }

  *#entry(entry: TarEntry): Generator<void, void, void> {
    const { storedBytes, pax, type } = entry;
    const sparse = pax && parseSparseHeader(pax, this.#refuse);
    if (sparse === undefined) {
      yield* this.#file(this.#toLayerEntry(entry, entry.name, storedBytes), storedBytes);
    } else {
      if (type !== 'file') this.#refuse('malformed-tar', `a ${type} that is a sparse file`);
      const { runs, mapBytes } = sparse.map ? { runs: sparse.map, mapBytes: 0 } : yield* this.#leadingMap(storedBytes);
      const dataBytes = storedBytes - mapBytes;
      const sizeBytes = sparse.sizeBytes ?? storedBytes;
      this.#holeBytes += verifySparseMap(runs, sizeBytes, dataBytes, this.#refuse);
      if (this.#holeBytes > this.#limits.maxHoleBytes) this.#refuse('limit', `sparse files with ${this.#holeBytes} bytes of holes`);
      yield* this.#file(this.#toLayerEntry(entry, sparse.name ?? entry.name, sizeBytes), dataBytes, runs);
    }
    yield* this.#skip(tarPaddingBytes(storedBytes));
  }

  #toLayerEntry({ type, linkName, mode }: TarEntry, name: string, sizeBytes: number): LayerEntry {
    const path = cleanPath(name) ?? this.#refuse('ambiguous-tar', 'a name that leads out of the root');
    if (path === '' && type !== 'directory') this.#refuse('ambiguous-tar', `a ${type} with the name of the root`);
    if (invalidWhiteout.test(path)) this.#refuse('malformed-tar', 'a whiteout that names no file');
    let target = type === 'symlink' ? linkName : '';
    if (type === 'hardlink') {
      if (parentPart.test(linkName)) this.#refuse('ambiguous-tar', 'a hard link whose target has a .. in it');
      target = cleanPath(linkName) ?? '';
    }
    const longest = Math.max(Buffer.byteLength(name), Buffer.byteLength(linkName));
    if (longest > this.#limits.maxNameBytes) this.#refuse('limit', `a name of ${longest} bytes`);
    return { path, type, sizeBytes: type === 'file' ? sizeBytes : 0, mode, linkName: target };
  }

  *#file(entry: LayerEntry, storedBytes: number, runs?: readonly SparseRun[]): Generator<void, void, void> {
    const wanted = this.#sink.entry(entry);
    if (!wanted || entry.type !== 'file') {
      yield* this.#skip(storedBytes);
    } else if (runs !== undefined) {
      const sparse = new SparseFile(runs, entry.sizeBytes, (part, last) => this.#sink.content(part, last));
      yield* this.#take(storedBytes, (part) => sparse.write(part));
      sparse.end();
    } else if (storedBytes === 0) {
      this.#sink.content(nothing, true);
    } else {
      yield* this.#take(storedBytes, (part, last) => this.#sink.content(part, last));
    }
  }

  *#leadingMap(storedBytes: number): Generator<void, { runs: readonly SparseRun[]; mapBytes: number }, void> {
    let text = '';
    let lines = 0;
    let runCount: number | undefined;
    while (runCount === undefined || lines < 1 + 2 * runCount) {
      if (text.length + tarBlockBytes > Math.min(storedBytes, this.#limits.maxSpecialBytes)) {
        this.#refuse('malformed-tar', 'the map of a sparse file does not end');
      }
      const block = yield* this.#bytes.block(cut);
      for (const byte of block) if (byte === 0x0a) lines += 1;
      text += block.toString('latin1');
      if (lines > 0) runCount ??= leadingMapRuns(text, this.#refuse);
    }
    return { runs: parseLeadingMap(text, this.#refuse), mapBytes: text.length };
  }

  /** The body of an extended header or long name, as a copy. */
  *#special({ sizeBytes }: TarHeader): Generator<void, Buffer, void> {
    if (sizeBytes > this.#limits.maxSpecialBytes) this.#refuse('limit', `an extended header of ${sizeBytes} bytes`);
    const body = Buffer.alloc(sizeBytes);
    let filled = 0;
    yield* this.#take(sizeBytes, (part) => {
      filled += part.copy(body, filled);
    });
    yield* this.#skip(tarPaddingBytes(sizeBytes));
    return body;
  }

  /** Two zero blocks end the archive; after them zeros may fill it up, as GNU tar does to 10 KiB, and nothing else may follow. */
  *#trailer(): Generator<void, void, void> {
    const second = yield* this.#bytes.block('a lone zero block at the end');
    if (!isZero(second)) this.#refuse('malformed-tar', 'a lone zero block between entries');
    yield* this.#bytes.rest((part) => {
      this.#start = this.#bytes.offset;
      if (!isZero(part)) this.#refuse('ambiguous-tar', 'bytes after the end of the archive');
    });
  }

  *#skip(bytes: number): Generator<void, void, void> {
    yield* this.#take(bytes, () => {});
  }

  *#take(bytes: number, use: (part: Buffer, last: boolean) => void): Generator<void, void, void> {
    yield* this.#bytes.take(bytes, use, cut);
  }
}

const cut = 'the archive is cut inside an entry';
const nothing = Buffer.alloc(0);

/** The names that git, Go, Python, GNU tar and star give to global headers. */
const globalNames = /^(?:pax_global_header|GlobalHead(?:\.\d+)*|@PaxHeader)$/;
const invalidWhiteout = /(?:^|\/)\.wh\.\.{0,2}$/;
const parentPart = /(?:^|\/)\.\.(?:\/|$)/;
