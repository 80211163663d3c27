import { baseName, cleanPath } from './entry-path.ts';
import type { LayerEntry } from './inspector.ts';
import type { LayerLimits } from './limits.ts';
import { type PaxRecords, parseInteger, parsePax } from './pax.ts';
import { layerRefusal, type Refuse } from './refusal.ts';
import { leadingMapRuns, parseLeadingMap, parseSparseHeader, SparseFile, type SparseRun, verifySparseMap } from './sparse.ts';
import { blockBytes, readTarHeader, readText, type TarHeader } from './tar-header.ts';

/** Takes what a tar holds, in its order. */
export interface TarSink {
  /** Whether the content is wanted; asked for each entry, before its content. */
  entry(entry: LayerEntry): boolean;
  /** The next part of a wanted file, valid during the call. `last` is set once, on the final part; an empty file has one empty part. */
  content(part: Buffer, last: boolean): void;
}

/** Extended headers that wait for their entry. */
interface Extensions {
  readonly pax?: PaxRecords;
  readonly longName?: string;
  readonly longLink?: string;
}

/**
 * Reads a tar as Go's archive/tar does, the reader inside containerd, Docker and skopeo, or refuses it with a StepError that names the byte
 * and the rule. Refused beyond what Go refuses: whatever other readers understand differently (content behind a link or folder, names in
 * global headers, bytes after the end), an archive that is cut, types that no runtime unpacks, and names that leave the root.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #limits: LayerLimits;
  readonly #refuse: Refuse;
  readonly #steps: Generator<void, void, void>;
  readonly #held = Buffer.alloc(blockBytes);
  #chunk: Buffer = nothing;
  #at = 0;
  #ended = false;
  /** Bytes taken so far, and where the header began that is being read. */
  #offset = 0;
  #start = 0;
  #headers = 0;
  #holeBytes = 0;

  constructor(layer: string, sink: TarSink, limits: LayerLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#refuse = (code, rule) => {
      throw layerRefusal(layer, code, this.#start, rule);
    };
    this.#steps = this.#archive();
    this.#steps.next();
  }

  /** Takes the next bytes; they are not kept. */
  write(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
    if (this.#steps.next().done) throw new Error('a tar reader was given more after it had refused');
  }

  /** To be called after the last bytes: only now is the archive known to be whole. */
  end(): void {
    this.#ended = true;
    if (!this.#steps.next().done) throw new Error('a tar reader did not come to its end');
  }

  *#archive(): Generator<void, void, void> {
    let extensions: Extensions = {};
    for (;;) {
      this.#start = this.#offset;
      const block = yield* this.#block('the archive ends without its two end blocks');
      if (isZero(block)) break;
      this.#headers += 1;
      if (this.#headers > this.#limits.maxEntries) this.#refuse('limit', `more than ${this.#limits.maxEntries} entries`);
      const header = readTarHeader(block, this.#refuse);
      if (header.sizeBytes < 0) this.#refuse('malformed-tar', 'a negative size');
      if (header.typeflag === 'g') yield* this.#global(header, extensions);
      else if (header.typeflag === 'x') extensions = { ...extensions, pax: parsePax(yield* this.#special(header), this.#refuse) };
      else if (header.typeflag === 'L') extensions = { ...extensions, longName: toText(yield* this.#special(header)) };
      else if (header.typeflag === 'K') extensions = { ...extensions, longLink: toText(yield* this.#special(header)) };
      else {
        yield* this.#entry(header, extensions);
        extensions = {};
      }
    }
    yield* this.#trailer(extensions);
  }

  /** Go keeps no global records; readers that do would see other names and sizes. Its name matters too: containerd removes the file that has it. */
  *#global(header: TarHeader, extensions: Extensions): Generator<void, void, void> {
    if (Object.keys(extensions).length > 0) this.#refuse('ambiguous-tar', 'a global header between an extended header and its entry');
    if (!globalNames.test(baseName(cleanPath(header.name) ?? ''))) this.#refuse('ambiguous-tar', 'a global header with the name of a file');
    const records = parsePax(yield* this.#special(header), this.#refuse);
    for (const key of records.keys()) {
      if (decisiveKey.test(key)) this.#refuse('ambiguous-tar', `a global header sets ${key} for the entries after it`);
    }
  }

  *#entry(header: TarHeader, { pax = new Map(), longName, longLink }: Extensions): Generator<void, void, void> {
    const statedBytes = header.sizeBytes;
    header.name = longName || pax.get('path') || header.name;
    header.linkName = longLink || pax.get('linkpath') || header.linkName;
    const paxSize = pax.get('size') ?? '';
    if (paxSize !== '') header.sizeBytes = parseInteger(paxSize) ?? this.#refuse('limit', `a size of ${paxSize} bytes`);
    const storedBytes = header.sizeBytes;
    if (storedBytes < 0 || !Number.isSafeInteger(storedBytes)) this.#refuse('malformed-tar', `a size of ${storedBytes} bytes`);
    const type = this.#type(header);
    if (type !== 'file' && (storedBytes > 0 || statedBytes > 0)) {
      this.#refuse('ambiguous-tar', `a ${type} with ${storedBytes || statedBytes} bytes of content`);
    }
    const sparse = parseSparseHeader(pax, this.#refuse);
    if (sparse === undefined) {
      yield* this.#file(this.#toEntry(header, type), storedBytes);
    } else {
      if (type !== 'file') this.#refuse('malformed-tar', `a ${type} that is a sparse file`);
      header.name = sparse.name ?? header.name;
      header.sizeBytes = sparse.sizeBytes ?? header.sizeBytes;
      const { runs, mapBytes } = sparse.map ? { runs: sparse.map, mapBytes: 0 } : yield* this.#leadingMap(storedBytes);
      const dataBytes = storedBytes - mapBytes;
      this.#holeBytes += verifySparseMap(runs, header.sizeBytes, dataBytes, this.#refuse);
      if (this.#holeBytes > this.#limits.maxHoleBytes) this.#refuse('limit', `sparse files with ${this.#holeBytes} bytes of holes`);
      yield* this.#file(this.#toEntry(header, type), dataBytes, runs);
    }
    yield* this.#skip((blockBytes - (storedBytes % blockBytes)) % blockBytes);
  }

  #type(header: TarHeader): LayerEntry['type'] {
    const legacy = header.typeflag === '\0';
    const type = legacy ? (header.name.endsWith('/') ? 'directory' : 'file') : entryTypes[header.typeflag];
    return type ?? this.#refuse('unsupported', `an entry of type ${JSON.stringify(header.typeflag)}, which no container runtime unpacks`);
  }

  #toEntry(header: TarHeader, type: LayerEntry['type']): LayerEntry {
    const path = cleanPath(header.name) ?? this.#refuse('ambiguous-tar', 'a name that leads out of the root');
    if (path === '' && type !== 'directory') this.#refuse('ambiguous-tar', `a ${type} with the name of the root`);
    if (invalidWhiteout.test(path)) this.#refuse('malformed-tar', 'a whiteout that names no file');
    let linkName = type === 'symlink' ? header.linkName : '';
    if (type === 'hardlink') {
      if (parentPart.test(header.linkName)) this.#refuse('ambiguous-tar', 'a hard link whose target has a .. in it');
      linkName = cleanPath(header.linkName) ?? '';
    }
    const longest = Math.max(Buffer.byteLength(header.name), Buffer.byteLength(header.linkName));
    if (longest > this.#limits.maxNameBytes) this.#refuse('limit', `a name of ${longest} bytes`);
    return { path, type, sizeBytes: type === 'file' ? header.sizeBytes : 0, mode: header.mode, linkName };
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
      if (text.length + blockBytes > Math.min(storedBytes, this.#limits.maxSpecialBytes)) {
        this.#refuse('malformed-tar', 'the map of a sparse file does not end');
      }
      const block = yield* this.#block(cut);
      for (const byte of block) if (byte === 0x0a) lines += 1;
      text += block.toString('latin1');
      if (lines > 0) runCount ??= leadingMapRuns(text, this.#refuse);
    }
    return { runs: parseLeadingMap(text, this.#refuse), mapBytes: text.length };
  }

  /** The body of an extended header or long name, as a copy. */
  *#special(header: TarHeader): Generator<void, Buffer, void> {
    const { sizeBytes } = header;
    if (sizeBytes > this.#limits.maxSpecialBytes) this.#refuse('limit', `an extended header of ${sizeBytes} bytes`);
    const body = Buffer.alloc(sizeBytes);
    let filled = 0;
    yield* this.#take(sizeBytes, (part) => {
      filled += part.copy(body, filled);
    });
    yield* this.#skip((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
    return body;
  }

  /** Two zero blocks end the archive; after them zeros may fill it up, as GNU tar does to 10 KiB, and nothing else may follow. */
  *#trailer(extensions: Extensions): Generator<void, void, void> {
    if (Object.keys(extensions).length > 0) this.#refuse('ambiguous-tar', 'an extended header without its entry');
    const second = yield* this.#block('a lone zero block at the end');
    if (!isZero(second)) this.#refuse('malformed-tar', 'a lone zero block between entries');
    while (yield* this.#more()) {
      this.#start = this.#offset;
      if (!isZero(this.#chunk.subarray(this.#at))) this.#refuse('ambiguous-tar', 'bytes after the end of the archive');
      this.#offset += this.#chunk.length - this.#at;
      this.#at = this.#chunk.length;
    }
  }

  /** The next block, valid until more is taken. */
  *#block(ifCut: string): Generator<void, Buffer, void> {
    if (this.#chunk.length - this.#at >= blockBytes) {
      this.#at += blockBytes;
      this.#offset += blockBytes;
      return this.#chunk.subarray(this.#at - blockBytes, this.#at);
    }
    let filled = 0;
    yield* this.#take(
      blockBytes,
      (part) => {
        filled += part.copy(this.#held, filled);
      },
      ifCut,
    );
    return this.#held;
  }

  *#skip(bytes: number): Generator<void, void, void> {
    yield* this.#take(bytes, () => {});
  }

  *#take(bytes: number, use: (part: Buffer, last: boolean) => void, ifCut = cut): Generator<void, void, void> {
    for (let left = bytes; left > 0; ) {
      if (this.#at === this.#chunk.length && !(yield* this.#more())) {
        this.#start = this.#offset;
        this.#refuse('malformed-tar', ifCut);
      }
      const taken = Math.min(left, this.#chunk.length - this.#at);
      left -= taken;
      this.#at += taken;
      this.#offset += taken;
      use(this.#chunk.subarray(this.#at - taken, this.#at), left === 0);
    }
  }

  /** Waits for a byte; false after the last. */
  *#more(): Generator<void, boolean, void> {
    while (this.#at === this.#chunk.length) {
      if (this.#ended) return false;
      yield;
    }
    return true;
  }
}

const cut = 'the archive is cut inside an entry';
const nothing = Buffer.alloc(0);
const zeros = Buffer.alloc(64 * 1024);

const entryTypes: Readonly<Record<string, LayerEntry['type']>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

/** The names that git, Go, Python, GNU tar and star give to global headers. */
const globalNames = /^(?:pax_global_header|GlobalHead(?:\.\d+)*|@PaxHeader)$/;
const decisiveKey = /^(?:path|linkpath|size|GNU\.sparse\..*)$/;
const invalidWhiteout = /(?:^|\/)\.wh\.\.{0,2}$/;
const parentPart = /(?:^|\/)\.\.(?:\/|$)/;

function toText(body: Buffer): string {
  return readText(body, 0, body.length);
}

function isZero(bytes: Buffer): boolean {
  if (bytes[0] !== 0) return bytes.length === 0;
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const part = bytes.subarray(at, at + zeros.length);
    if (zeros.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
