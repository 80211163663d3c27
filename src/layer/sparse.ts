import { type PaxRecords, parseInteger } from '../lib/pax-records.ts';
import type { RefuseTar } from '../lib/tar-refusal.ts';

/** A run of data in a sparse file; between runs there are zeros. https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html */
export interface SparseRun {
  readonly offset: number;
  readonly length: number;
}

/** What the records say of a sparse file. `map` is undefined where it stands before the content (format 1.0). */
interface SparseHeader {
  readonly name: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly map: readonly SparseRun[] | undefined;
}

/** The sparse file that the records describe, by the rules of Go's readGNUSparsePAXHeaders; undefined where they describe none. */
export function parseSparseHeader(records: PaxRecords, refuse: RefuseTar): SparseHeader | undefined {
  const major = records.get('GNU.sparse.major') ?? '';
  const minor = records.get('GNU.sparse.minor') ?? '';
  const map = records.get('GNU.sparse.map') ?? '';
  const old = major === '0' && (minor === '0' || minor === '1');
  const current = major === '1' && minor === '0';
  if (!old && !current && (major !== '' || minor !== '' || map === '')) return undefined;
  const size = records.get('GNU.sparse.size') || records.get('GNU.sparse.realsize') || '';
  const sizeBytes = parseInteger(size);
  if (size !== '' && sizeBytes === undefined) refuse('malformed-tar', 'the size of a sparse file is not a number');
  return {
    name: records.get('GNU.sparse.name') || undefined,
    sizeBytes,
    map: current ? undefined : parseListedMap(map, records.get('GNU.sparse.numblocks') ?? '', refuse),
  };
}

/** Formats 0.0 and 0.1: `offset,length,offset,length…`. */
function parseListedMap(map: string, count: string, refuse: RefuseTar): readonly SparseRun[] {
  const numbers = map === '' ? [] : map.split(',');
  if (parseInteger(count) !== numbers.length / 2) refuse('malformed-tar', 'the map of a sparse file has another length than it says');
  return toRuns(numbers, refuse);
}

/** Format 1.0: the number of runs, then offset and length of each, each number on a line of its own. */
export function parseLeadingMap(text: string, refuse: RefuseTar): readonly SparseRun[] {
  const lines = text.split('\n');
  return toRuns(lines.slice(1, 1 + 2 * leadingMapRuns(text, refuse)), refuse);
}

/** The number of runs that a map of format 1.0 begins with; `text` holds at least its first line. */
export function leadingMapRuns(text: string, refuse: RefuseTar): number {
  const count = parseInteger(text.slice(0, text.indexOf('\n')));
  if (count === undefined || count < 0) refuse('malformed-tar', 'the map of a sparse file does not begin with a number');
  return count;
}

function toRuns(numbers: readonly string[], refuse: RefuseTar): readonly SparseRun[] {
  const runs: SparseRun[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    const offset = parseInteger(numbers[at] ?? '');
    const length = parseInteger(numbers[at + 1] ?? '');
    if (offset === undefined || length === undefined) refuse('malformed-tar', 'the map of a sparse file holds something else than numbers');
    runs.push({ offset, length });
  }
  return runs;
}

/** Makes the file out of its stored runs: runs and holes go to `write` in order. The map is held against both sizes beforehand. */
export class SparseFile {
  readonly #runs: readonly SparseRun[];
  readonly #sizeBytes: number;
  readonly #write: (part: Buffer, last: boolean) => void;
  #run = 0;
  #position = 0;

  constructor(runs: readonly SparseRun[], sizeBytes: number, write: (part: Buffer, last: boolean) => void) {
    this.#runs = runs.filter((run) => run.length > 0);
    this.#sizeBytes = sizeBytes;
    this.#write = write;
  }

  /** Takes stored bytes; after the last of them, `end`. */
  write(part: Buffer): void {
    for (let at = 0; at < part.length; ) {
      const run = this.#runs[this.#run] as SparseRun;
      this.#fill(run.offset);
      const taken = Math.min(part.length - at, run.offset + run.length - this.#position);
      this.#give(part.subarray(at, at + taken));
      at += taken;
      if (this.#position === run.offset + run.length) this.#run += 1;
    }
  }

  end(): void {
    this.#fill(this.#sizeBytes);
    if (this.#sizeBytes === 0) this.#write(zeros.subarray(0, 0), true);
  }

  #fill(offset: number): void {
    while (this.#position < offset) this.#give(zeros.subarray(0, Math.min(zeros.length, offset - this.#position)));
  }

  #give(part: Buffer): void {
    this.#position += part.length;
    this.#write(part, this.#position === this.#sizeBytes);
  }
}

const zeros = Buffer.alloc(64 * 1024);

/**
 * Refuses a map that is not in order, overlaps, reaches over the file's end, or has more or less data than is stored (Go's
 * validateSparseEntries and sparseFileReader). Gives the bytes of its holes.
 */
export function verifySparseMap(runs: readonly SparseRun[], sizeBytes: number, storedBytes: number, refuse: RefuseTar): number {
  let end = 0;
  let data = 0;
  for (const run of runs) {
    if (run.offset < end || run.length < 0 || run.offset + run.length > sizeBytes) {
      refuse('malformed-tar', 'the map of a sparse file overlaps itself or reaches over the end of the file');
    }
    end = run.offset + run.length;
    data += run.length;
  }
  if (sizeBytes < 0 || data !== storedBytes) refuse('malformed-tar', 'the map of a sparse file does not fit its content');
  return sizeBytes - data;
}
