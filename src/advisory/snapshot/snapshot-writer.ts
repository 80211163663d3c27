import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Digest } from '../../model/digest.ts';
import { advisoryError } from '../advisory-error.ts';
import type { ZipFile } from '../zip.ts';
import { EcosystemRecords } from './ecosystem-records.ts';
import { blockTargetBytes, magic, type SnapshotEcosystem, type SnapshotHeader, sha256Of, snapshotLimits } from './format.ts';

/** One ecosystem's records, as files of JSON in OSV format. */
export interface EcosystemFeed {
  /** Without release. */
  readonly name: string;
  readonly records: AsyncIterable<ZipFile>;
}

export interface SnapshotOrigin {
  readonly created: Date;
  /** `osv.dev`, an address, or `directory`. */
  readonly source: string;
  /** Whether what the feeds say is all that is known now. Else they are as old as their newest record. */
  readonly isCurrent: boolean;
  readonly program: string;
}

export interface WrittenSnapshot {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly header: SnapshotHeader;
}

/**
 * Writes a snapshot of the feeds to `path`, which is replaced at once when it is whole. One ecosystem's records are in memory at a time, reduced.
 * The same feeds and origin give the same bytes on one version of Node.
 */
export async function writeSnapshot(path: string, origin: SnapshotOrigin, feeds: AsyncIterable<EcosystemFeed>): Promise<WrittenSnapshot> {
  const folder = await mkdtemp(join(dirname(path), `.${basename(path)}-`));
  const part = join(folder, 'part');
  try {
    const file = await open(part, 'wx');
    try {
      const written = await new SnapshotWriter(file).write(origin, feeds);
      await file.sync();
      await file.close();
      await rename(part, path);
      return written;
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class SnapshotWriter {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write({ created, source, isCurrent, program }: SnapshotOrigin, feeds: AsyncIterable<EcosystemFeed>): Promise<WrittenSnapshot> {
    await this.#append(magic);
    const ecosystems: SnapshotEcosystem[] = [];
    for await (const { name, records } of feeds) {
      const collected = new EcosystemRecords(name, created);
      for await (const record of records) collected.add(record);
      ecosystems.push(await this.#writeEcosystem(collected));
    }
    const newest = ecosystems
      .flatMap((ecosystem) => ecosystem.newest ?? [])
      .sort()
      .at(-1);
    const asOf = isCurrent ? created.toISOString() : newest;
    const header = {
      format: 1,
      created: created.toISOString(),
      ...(asOf === undefined ? {} : { asOf }),
      source,
      program,
      ecosystems,
    } as const;
    await this.#writeEnd(Buffer.from(JSON.stringify(header)));
    return { digest: `sha256:${this.#hash.digest('hex')}`, sizeBytes: this.#sizeBytes, header };
  }

  async #writeEcosystem(collected: EcosystemRecords): Promise<SnapshotEcosystem> {
    const start = this.#sizeBytes;
    const blocks: (readonly [number, number, string, readonly string[]])[] = [];
    const waiting: Promise<readonly [CompressedBlock, readonly string[]]>[] = [];
    const writeFirst = async (): Promise<void> => {
      const first = await waiting.shift();
      if (first === undefined) return;
      const [{ bytes, inflatedBytes }, keys] = first;
      await this.#append(bytes);
      blocks.push([bytes.length, inflatedBytes, sha256Of(bytes), keys]);
    };
    for (const { keys, text } of toBlocks(collected)) {
      waiting.push(compress(text).then((block) => [block, keys] as const));
      if (waiting.length > compressionsAtOnce) await writeFirst();
    }
    while (waiting.length > 0) await writeFirst();
    const blocksBytes = this.#sizeBytes - start;
    const { bytes, inflatedBytes } = await compress(JSON.stringify(blocks));
    await this.#append(bytes);
    const index = { length: bytes.length, inflatedBytes, sha256: sha256Of(bytes) };
    return { ...collected.facts(), blocksBytes, index };
  }

  async #writeEnd(header: Buffer): Promise<void> {
    if (header.length > snapshotLimits.headerBytes) throw tooLarge('its header');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length);
    await this.#append(Buffer.concat([header, length, createHash('sha256').update(header).digest(), magic]));
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > snapshotLimits.fileBytes) throw tooLarge('it');
    await this.#file.appendFile(bytes);
  }
}

const compressionsAtOnce = 4;

function* toBlocks(collected: EcosystemRecords): Generator<{ readonly keys: readonly string[]; readonly text: string }> {
  let keys: string[] = [];
  let lines: string[] = [];
  let length = 0;
  for (const [key, line] of collected.lines()) {
    keys.push(key);
    lines.push(line);
    length += line.length;
    if (length < blockTargetBytes) continue;
    yield { keys, text: lines.join('\n') };
    [keys, lines, length] = [[], [], 0];
  }
  if (lines.length > 0) yield { keys, text: lines.join('\n') };
}

interface CompressedBlock {
  readonly bytes: Buffer;
  readonly inflatedBytes: number;
}

const brotli = promisify(brotliCompress);

async function compress(text: string): Promise<CompressedBlock> {
  const inflated = Buffer.from(text);
  if (inflated.length > snapshotLimits.sectionBytes) throw tooLarge('a part of it');
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  // A window that is larger than the block is memory that a reader takes for nothing.
  const windowBits = Math.min(24, Math.max(16, Math.ceil(Math.log2(inflated.length + 16))));
  // Above 9 it takes forty times as long for a tenth less.
  const params = { [BROTLI_PARAM_QUALITY]: 9, [BROTLI_PARAM_LGWIN]: windowBits, [BROTLI_PARAM_SIZE_HINT]: inflated.length };
  return { bytes: await brotli(inflated, { params }), inflatedBytes: inflated.length };
}

function tooLarge(what: string): Error {
  return advisoryError(
    'snapshot-too-large',
    `cannot write the snapshot of the advisories: ${what} would be above the limit of the format`,
    'name fewer ecosystems (input ecosystem)',
  );
}
