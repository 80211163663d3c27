import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

/**
 * Writes one gzip member (RFC 1952), compressing blocks of 1 MiB on zlib's thread pool, several at once, each with the 32 KiB before it as
 * dictionary and ended by a sync flush, so that they join into one deflate stream. The header has no name and no time: equal input gives
 * equal output with the same zlib. Memory: `blocksInFlight` blocks, in and out.
 */
export class GzipWriter {
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #blocksInFlight: number;
  #block = newBlock();
  /** Bytes of the block in use; its first `dictionaryBytes` are the end of the block before. */
  #filled = 0;
  #dictionaryBytes = 0;
  #pending: { readonly deflated: Promise<Buffer>; readonly block: Buffer }[] = [];
  /** Blocks that were compressed, to be filled again: a new one for each MiB would keep the garbage collector busy. */
  readonly #free: Buffer[] = [];
  #crc = 0;
  #sizeBytes = 0;
  #begun = false;

  /** `write` gets the gzip file in order, awaited part by part. */
  constructor(write: (bytes: Buffer) => Promise<void>, blocksInFlight: number) {
    this.#write = write;
    this.#blocksInFlight = blocksInFlight;
  }

  /** Takes the next bytes, which are not kept; resolves when more can be taken. */
  async write(bytes: Buffer): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.#sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#block, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#block.length) await this.#next();
    }
  }

  async end(): Promise<void> {
    this.#submit(constants.Z_FINISH);
    while (this.#pending.length > 0) await this.#flush();
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#sizeBytes % 2 ** 32, 4);
    await this.#write(trailer);
  }

  async #next(): Promise<void> {
    this.#submit(constants.Z_SYNC_FLUSH);
    const block = this.#free.pop() ?? newBlock();
    this.#dictionaryBytes = this.#block.copy(block, 0, this.#filled - dictionaryBytes, this.#filled);
    this.#block = block;
    this.#filled = this.#dictionaryBytes;
    while (this.#pending.length >= this.#blocksInFlight) await this.#flush();
  }

  #submit(finishFlush: number): void {
    const content = this.#block.subarray(this.#dictionaryBytes, this.#filled);
    const level = isIncompressible(content) ? storedLevel : compressedLevel;
    const dictionary =
      level === storedLevel || this.#dictionaryBytes === 0 ? {} : { dictionary: this.#block.subarray(0, this.#dictionaryBytes) };
    const deflated = deflateBlock(content, { level, memLevel, finishFlush, chunkSize: outputBytes, ...dictionary });
    deflated.catch(() => {});
    this.#pending.push({ deflated, block: this.#block });
  }

  async #flush(): Promise<void> {
    const oldest = this.#pending.shift();
    if (oldest === undefined) return;
    const deflated = await oldest.deflated;
    this.#free.push(oldest.block);
    if (!this.#begun) await this.#write(gzipHeader);
    this.#begun = true;
    await this.#write(deflated);
  }
}

const deflateBlock = promisify(deflateRaw) as (bytes: Buffer, options: object) => Promise<Buffer>;

const blockBytes = 1024 * 1024;
const dictionaryBytes = 32 * 1024;
const outputBytes = 512 * 1024;
const storedLevel = 0;
/** Level 1 takes a quarter of the time of level 6 and gives an eighth more bytes; the larger hash table of memory level 9 saves it 5 %. */
const compressedLevel = 1;
const memLevel = 9;

/** Deflate, no flags, no time, no extra flags, operating system unknown. */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

function newBlock(): Buffer {
  return Buffer.allocUnsafeSlow(dictionaryBytes + blockBytes);
}

/**
 * Whether what is already compressed (archives, pictures) fills the block, told by how evenly a sample's bytes are spread. zlib would take
 * three times as long over it as over text, to gain nothing.
 */
function isIncompressible(block: Buffer): boolean {
  if (block.length < sampleCount * sampleBytes) return false;
  const counts = new Uint32Array(256);
  const step = Math.floor(block.length / sampleCount);
  for (let sample = 0; sample < sampleCount; sample++) {
    const end = sample * step + sampleBytes;
    for (let at = sample * step; at < end; at++) (counts[block[at] as number] as number) += 1;
  }
  const squares = counts.reduce((sum, count) => sum + count * count, 0);
  return (squares * 256) / (sampleCount * sampleBytes) ** 2 < evenness;
}

const sampleCount = 16;
const sampleBytes = 2048;
/** 1 is perfectly even; at 1.05 the bytes alone carry 7.96 bits each. */
const evenness = 1.05;
