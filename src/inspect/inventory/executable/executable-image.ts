import { elfMagic, parseElfLayout } from './elf-layout.ts';
import type { KeptBytes } from './kept-bytes.ts';
import { type FileRange, fourBytes, type Layout } from './layout.ts';
import { machoMagic, parseMachoLayout } from './macho-layout.ts';
import { parsePeLayout, peMagic } from './pe-layout.ts';

/** Whether the first bytes are those of a program for Linux, Windows or macOS. */
export function isExecutable(head: Buffer): boolean {
  const magic = fourBytes(head);
  return magic === elfMagic || magic === machoMagic || magic >>> 16 === peMagic;
}

export function parseLayout(head: Buffer): Layout | undefined {
  const magic = fourBytes(head);
  if (magic === elfMagic) return parseElfLayout(head);
  return magic === machoMagic ? parseMachoLayout(head) : parsePeLayout(head);
}

/** What is to be kept of a file: first what can be written to, for the build information of Go is there. */
export function rangesToKeep({ segments, tables }: Layout): readonly FileRange[] {
  return [...tables, ...segments.filter(({ isWritable }) => isWritable), ...segments.filter(({ isWritable }) => !isWritable)];
}

/** The data of a program after all of it has passed by. */
export class ExecutableImage {
  readonly layout: Layout;
  readonly #kept: KeptBytes;

  constructor(layout: Layout, kept: KeptBytes) {
    this.layout = layout;
    this.#kept = kept;
  }

  /** The content of a section; `unread` where it was not kept. */
  section(name: string): Buffer | 'unread' | undefined {
    const section = this.layout.section(name, (offset, sizeBytes) => this.#kept.read(offset, sizeBytes));
    return section && (this.#kept.read(section.offset, section.sizeBytes) ?? 'unread');
  }

  /** The data that the program may write to. */
  writable(): readonly { readonly bytes: Buffer; readonly address: number }[] {
    return this.layout.segments.flatMap(({ offset, sizeBytes, address, isWritable }) => {
      const bytes = isWritable ? this.#kept.read(offset, sizeBytes) : undefined;
      return bytes === undefined ? [] : [{ bytes, address }];
    });
  }

  /** The bytes that a loaded program has at an address, as many as there are up to `sizeBytes`; undefined where they were not kept. */
  memory(address: number, sizeBytes: number): Buffer | undefined {
    const segment = this.layout.segments.find((item) => address >= item.address && address < item.address + item.sizeBytes);
    if (segment === undefined) return undefined;
    const within = address - segment.address;
    return this.#kept.read(segment.offset + within, Math.min(sizeBytes, segment.sizeBytes - within));
  }
}
