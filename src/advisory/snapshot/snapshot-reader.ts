import { brotliDecompressSync } from 'node:zlib';
import * as v from 'valibot';
import { advisoryError } from '../advisory-error.ts';
import {
  type Block,
  headerSchema,
  magic,
  type Section,
  type SnapshotEcosystem,
  type SnapshotHeader,
  sha256Of,
  snapshotLimits,
  trailerBytes,
} from './format.ts';
import { readPackageLine, type StoredPackage } from './package-line.ts';
import type { SnapshotBytes } from './snapshot-bytes.ts';

/**
 * Reads a snapshot piece by piece. Each piece is held against its SHA-256 before it is inflated: the trailer has that of the header, the header those of
 * the indexes, an index those of its blocks. Sections lie without a gap, so that no byte is left out. Methods reject with `damaged-snapshot`.
 */
export class SnapshotReader {
  readonly name: string;
  readonly header: SnapshotHeader;
  readonly #bytes: SnapshotBytes;
  /** Where the first block of each ecosystem is. */
  readonly #starts: readonly number[];

  private constructor(name: string, header: SnapshotHeader, bytes: SnapshotBytes, starts: readonly number[]) {
    this.name = name;
    this.header = header;
    this.#bytes = bytes;
    this.#starts = starts;
  }

  /** `name` is for messages. The bytes are the caller's to close. */
  static async open(bytes: SnapshotBytes, name: string): Promise<SnapshotReader> {
    const { header, offset } = await readHeader(bytes, name);
    const starts: number[] = [];
    let at = magic.length;
    for (const { blocksBytes, index } of header.ecosystems) {
      starts.push(at);
      at += blocksBytes + index.length;
    }
    if (at !== offset) throw damagedSnapshot(name, 'its sections do not fill the space before its header');
    return new SnapshotReader(name, header, bytes, starts);
  }

  ecosystem(name: string): SnapshotEcosystem | undefined {
    return this.header.ecosystems.find((ecosystem) => ecosystem.name === name);
  }

  async readIndex(ecosystem: SnapshotEcosystem): Promise<readonly Block[]> {
    const start = this.#starts[this.header.ecosystems.indexOf(ecosystem)] ?? 0;
    const text = await this.#inflate({ ...ecosystem.index, offset: start + ecosystem.blocksBytes }, `the index of ${ecosystem.name}`);
    let offset = start;
    const listed = readBlocks(text.toString('utf8'));
    if (listed === undefined) throw this.#damaged(`the index of ${ecosystem.name} is not in its form`);
    const blocks = listed.map((block) => {
      const placed = { ...block, offset };
      offset += block.length;
      return placed;
    });
    const keys = blocks.reduce((sum, block) => sum + block.keys.length, 0);
    if (offset !== start + ecosystem.blocksBytes || keys !== ecosystem.packages) {
      throw this.#damaged(`the index of ${ecosystem.name} has other blocks than its header says`);
    }
    return blocks;
  }

  /** What a block has of the packages of `keys`, all of which are in it. */
  async readPackages(block: Block, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, StoredPackage>> {
    const what = `the block at ${block.offset}`;
    const bytes = await this.#inflate(block, what);
    const found = new Map<string, StoredPackage>();
    let start = 0;
    for (const key of block.keys) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline === -1 ? bytes.length : newline;
      if (start > bytes.length) break;
      if (keys.has(key)) {
        const read = readPackageLine(bytes.toString('utf8', start, end));
        if (read === undefined) throw this.#damaged(`the advisories of ${JSON.stringify(key)} are not in their form`);
        found.set(key, read);
      }
      start = end + 1;
    }
    if (start !== bytes.length + 1) throw this.#damaged(`${what} has other packages than its index says`);
    return found;
  }

  async #inflate({ offset, length, inflatedBytes, sha256 }: Section & { readonly offset: number }, what: string): Promise<Buffer> {
    const bytes = await this.#bytes.read(offset, length);
    if (bytes.length !== length || sha256Of(bytes) !== sha256) throw this.#damaged(`${what} is not what was written`);
    try {
      // One byte more than there is: zlib takes a second buffer of that size where the first is full.
      const inflated = brotliDecompressSync(bytes, {
        maxOutputLength: Math.max(1, inflatedBytes),
        chunkSize: Math.max(64, inflatedBytes + 1),
      });
      if (inflated.length === inflatedBytes) return inflated;
    } catch (cause) {
      throw this.#damaged(`${what} does not decompress`, cause);
    }
    throw this.#damaged(`${what} has another length than is said of it`);
  }

  #damaged(reason: string, cause?: unknown): Error {
    return damagedSnapshot(this.name, reason, cause);
  }
}

export function damagedSnapshot(name: string, reason: string, cause?: unknown): Error {
  const hint = 'fetch it again, or build it again with image-custody mirror';
  return advisoryError('damaged-snapshot', `cannot read advisories from the snapshot ${name}: ${reason}`, hint, cause);
}

async function readHeader(bytes: SnapshotBytes, name: string): Promise<{ readonly header: SnapshotHeader; readonly offset: number }> {
  const damaged = (reason: string) => damagedSnapshot(name, reason);
  const start = await bytes.read(0, magic.length);
  if (!start.equals(magic)) throw damaged(foreignStart(start));
  const trailer = await bytes.read(Math.max(0, bytes.sizeBytes - trailerBytes), trailerBytes);
  if (bytes.sizeBytes < magic.length + trailerBytes || !trailer.subarray(-magic.length).equals(magic)) throw damaged('it is cut off');
  const length = trailer.readUInt32LE(0);
  const offset = bytes.sizeBytes - trailerBytes - length;
  if (length > snapshotLimits.headerBytes || offset < magic.length) throw damaged('its header is longer than it can be');
  const text = await bytes.read(offset, length);
  if (sha256Of(text) !== trailer.toString('hex', 4, 36)) throw damaged('its header is not what was written');
  const parsed = v.safeParse(headerSchema, parseJson(text.toString('utf8')));
  if (!parsed.success) throw damaged('its header is not in its form');
  return { header: parsed.output, offset };
}

function foreignStart(start: Buffer): string {
  const version = /^\x89ICADV(\d)\n/.exec(start.toString('latin1'))?.[1];
  return version === undefined ? 'it is no snapshot' : `it is of version ${version} of the format, and this program reads version 1`;
}

/** Blocks as an index lists them: length, inflated length, SHA-256, keys. Undefined where it is none; npm has some 200,000 keys. */
function readBlocks(text: string): readonly Omit<Block, 'offset'>[] | undefined {
  const { success, output } = v.safeParse(indexSchema, parseJson(text));
  return success ? output.map(([length, inflatedBytes, sha256, keys]) => ({ length, inflatedBytes, sha256, keys })) : undefined;
}

const indexSchema = v.array(
  v.strictTuple([
    v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(snapshotLimits.sectionBytes)),
    v.string(),
    v.custom<readonly string[]>((keys) => Array.isArray(keys) && keys.every((key) => typeof key === 'string')),
  ]),
);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
