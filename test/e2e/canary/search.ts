import { toForms } from './encodings.ts';

/** A value that must not be seen where it does not belong. */
export interface Canary {
  /** Which credential it is. */
  readonly name: string;
  readonly value: Buffer;
}

/** A part of a canary that was found. */
export interface Sighting {
  readonly canary: string;
  readonly encoding: string;
  /** How much of the original it gives away. */
  readonly sizeBytes: number;
}

/** Fewer bytes of a random value than this are chance, or what a short mask lets through. */
const enoughBytes = 12;
const blockBytes = 8;

interface Block {
  readonly canary: string;
  readonly encoding: string;
  readonly bytes: Buffer;
  readonly width: number;
  readonly offset: number;
}

/** Finds any 12 bytes in a row of any canary, in every encoding that there is. */
export class CanarySearch {
  readonly #blocks = new Map<number, Block[]>();
  /** Which first four bytes a block may have. */
  readonly #filter = new Uint8Array(1 << 20);

  constructor(canaries: readonly Canary[]) {
    for (const { name, value } of canaries) {
      if (value.length < enoughBytes) throw new Error(`${name} is too short to be searched for`);
      for (const { encoding, bytes, width } of toForms(value)) this.#add({ canary: name, encoding, bytes, width });
    }
  }

  /** The longest part of each canary in each encoding. */
  find(text: Buffer): readonly Sighting[] {
    const found = new Map<string, Sighting>();
    let word = 0;
    for (let end = 0; end < text.length; end += 1) {
      word = ((word >>> 8) | ((text[end] ?? 0) << 24)) >>> 0;
      if (end < 3 || this.#filter[slot(word)] === 0) continue;
      for (const block of this.#blocks.get(word) ?? []) this.#match(block, text, end - 3, found);
    }
    return [...found.values()];
  }

  #match(block: Block, text: Buffer, at: number, found: Map<string, Sighting>): void {
    const { bytes, offset, width, canary, encoding } = block;
    let before = 0;
    while (before < offset && before < at && bytes[offset - before - 1] === text[at - before - 1]) before += 1;
    let after = 0;
    while (offset + after < bytes.length && at + after < text.length && bytes[offset + after] === text[at + after]) after += 1;
    const sizeBytes = Math.floor((before + after) / width);
    const key = `${canary}\n${encoding}`;
    // The whole of a short form (an escaped one may be shorter than its width says) counts as well.
    const isEnough = sizeBytes >= enoughBytes;
    if (isEnough && sizeBytes > (found.get(key)?.sizeBytes ?? 0)) found.set(key, { canary, encoding, sizeBytes });
  }

  #add(form: Omit<Block, 'offset'>): void {
    const last = form.bytes.length - 4;
    for (let offset = 0; offset <= last; offset += offset + blockBytes > last && offset < last ? last - offset : blockBytes) {
      const word = form.bytes.readUInt32LE(offset);
      const blocks = this.#blocks.get(word) ?? [];
      this.#blocks.set(word, [...blocks, { ...form, offset }]);
      this.#filter[slot(word)] = 1;
    }
  }
}

function slot(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> 12;
}
