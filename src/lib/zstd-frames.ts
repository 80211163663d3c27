/** Why a zstd file is not taken. */
export type ZstdFault = 'malformed' | 'unsupported' | 'limit';

/** Throws for the rule that is broken. */
export type RefuseZstd = (fault: ZstdFault, rule: string) => never;

/** The largest window that the reference library takes unless told otherwise, 27 bits (`zstd --long`). */
export const zstdWindowMaxBytes = 128 * 1024 * 1024;

/**
 * Finds the frames of a zstd file (RFC 8878, 3.1) without decoding them. Decoders differ in what they make of several frames, of one that is
 * cut and of bytes behind the last; here every byte belongs to a frame, and a file ends where a frame does. Frames that need a dictionary or a
 * larger window, which a decoder keeps in memory, than it is given are refused before anything is decoded.
 */
export class ZstdFrames {
  readonly #windowMaxBytes: number;
  readonly #refuse: RefuseZstd;
  readonly #held = Buffer.alloc(headerMaxBytes);
  #filled = 0;
  /** The header that is being collected, and its length. */
  #step: Step = 'magic';
  #needed = magicBytes;
  /** Bytes to pass over before the next header, and whether a frame ends with them. */
  #passing = 0;
  #isFrameEnd = false;
  #descriptor = 0;
  #isBetweenFrames = true;

  /** `windowMaxBytes`: at most `zstdWindowMaxBytes`. */
  constructor(windowMaxBytes: number, refuse: RefuseZstd) {
    this.#windowMaxBytes = windowMaxBytes;
    this.#refuse = refuse;
  }

  /** `bytes` in parts, none of which goes beyond the end of a frame. */
  *parts(bytes: Buffer): Generator<Buffer, void, void> {
    let start = 0;
    for (let at = 0; at < bytes.length; ) {
      this.#isBetweenFrames = false;
      if (this.#passing > 0) {
        const passed = Math.min(this.#passing, bytes.length - at);
        this.#passing -= passed;
        at += passed;
      } else {
        const copied = bytes.copy(this.#held, this.#filled, at, Math.min(bytes.length, at + this.#needed - this.#filled));
        this.#filled += copied;
        at += copied;
        if (this.#filled < this.#needed) continue;
        this.#filled = 0;
        this.#take();
      }
      if (this.#passing > 0 || !this.#isFrameEnd) continue;
      this.#isFrameEnd = false;
      this.#isBetweenFrames = true;
      yield bytes.subarray(start, at);
      start = at;
    }
    if (start < bytes.length) yield bytes.subarray(start);
  }

  /** To be called after the last bytes. */
  end(): void {
    if (!this.#isBetweenFrames) this.#refuse('malformed', 'the zstd data is cut, or other bytes follow it');
  }

  #expect(step: Step, needed: number): void {
    this.#step = step;
    this.#needed = needed;
  }

  #take(): void {
    switch (this.#step) {
      case 'magic':
        this.#takeMagic(this.#held.readUInt32LE(0));
        break;
      case 'skippable-size':
        this.#passing = this.#held.readUInt32LE(0);
        this.#isFrameEnd = true;
        this.#expect('magic', magicBytes);
        break;
      case 'descriptor':
        this.#takeDescriptor(this.#held.readUInt8(0));
        break;
      case 'frame-header':
        this.#takeFrameHeader();
        this.#expect('block', blockHeaderBytes);
        break;
      case 'block':
        this.#takeBlock(this.#held.readUIntLE(0, blockHeaderBytes));
        break;
    }
  }

  #takeMagic(magic: number): void {
    if ((magic & skippableMask) >>> 0 === skippableMagic) this.#expect('skippable-size', 4);
    else if (magic === frameMagic) this.#expect('descriptor', 1);
    else this.#refuse('malformed', 'other bytes stand where a zstd frame has to begin');
  }

  #takeDescriptor(descriptor: number): void {
    if ((descriptor & reservedBit) !== 0) this.#refuse('malformed', 'a zstd frame of a later version of the format');
    this.#descriptor = descriptor;
    const { windowBytes, dictionaryBytes, sizeBytes } = headerFields(descriptor);
    const needed = windowBytes + dictionaryBytes + sizeBytes;
    if (needed > 0) this.#expect('frame-header', needed);
    else this.#expect('block', blockHeaderBytes);
  }

  #takeFrameHeader(): void {
    const { windowBytes, dictionaryBytes, sizeBytes } = headerFields(this.#descriptor);
    if (this.#held.subarray(windowBytes, windowBytes + dictionaryBytes).some((byte) => byte !== 0)) {
      this.#refuse('unsupported', 'a zstd frame that needs a dictionary');
    }
    const window = windowBytes > 0 ? toWindow(this.#held.readUInt8(0)) : readSize(this.#held, dictionaryBytes, sizeBytes);
    if (window > this.#windowMaxBytes) this.#refuse('limit', `a zstd frame with a window of ${window} bytes`);
  }

  #takeBlock(header: number): void {
    const type = (header >> 1) & 3;
    if (type === reservedType) this.#refuse('malformed', 'a zstd block of an unknown type');
    this.#passing = type === repeatedType ? 1 : header >> 3;
    this.#isFrameEnd = (header & 1) === 1;
    if (this.#isFrameEnd && (this.#descriptor & checksumBit) !== 0) this.#passing += checksumBytes;
    this.#expect(this.#isFrameEnd ? 'magic' : 'block', this.#isFrameEnd ? magicBytes : blockHeaderBytes);
  }
}

type Step = 'magic' | 'skippable-size' | 'descriptor' | 'frame-header' | 'block';

const magicBytes = 4;
const blockHeaderBytes = 3;
const checksumBytes = 4;
const headerMaxBytes = 13;

/** RFC 8878, 3.1.1 and 3.1.2. */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const skippableMask = 0xfffffff0;

/** RFC 8878, 3.1.1.1.1 and 3.1.1.2. */
const reservedBit = 1 << 3;
const checksumBit = 1 << 2;
const singleSegmentBit = 1 << 5;
const repeatedType = 1;
const reservedType = 3;

/** Lengths of the fields that follow the descriptor, in their order. */
function headerFields(descriptor: number): { windowBytes: number; dictionaryBytes: number; sizeBytes: number } {
  const isSingleSegment = (descriptor & singleSegmentBit) !== 0;
  const sizeFlag = descriptor >> 6;
  return {
    windowBytes: isSingleSegment ? 0 : 1,
    dictionaryBytes: [0, 1, 2, 4][descriptor & 3] ?? 0,
    sizeBytes: sizeFlag === 0 ? Number(isSingleSegment) : 1 << sizeFlag,
  };
}

/** RFC 8878, 3.1.1.1.2. */
function toWindow(field: number): number {
  const base = 2 ** (10 + (field >> 3));
  return base + (base / 8) * (field & 7);
}

/** RFC 8878, 3.1.1.1.4: what a frame of a single segment inflates to, which is its window. */
function readSize(bytes: Buffer, at: number, sizeBytes: number): number {
  switch (sizeBytes) {
    case 1:
      return bytes.readUInt8(at);
    case 2:
      return bytes.readUInt16LE(at) + 256;
    case 4:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}
