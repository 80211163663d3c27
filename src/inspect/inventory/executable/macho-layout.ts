import { type Layout, maxHeaders, type Section, type Segment } from './layout.ts';

/** MH_MAGIC_64 in little-endian byte order: all that macOS has run on since 2019. */
export const machoMagic = 0xcffaedfe;

/**
 * Layout of a program for macOS from its first bytes (`mach-o/loader.h`), by its sections; undefined where they do not hold its load commands.
 */
export function parseMachoLayout(head: Buffer): Layout | undefined {
  if (head.length < 32) return undefined;
  const end = 32 + head.readUInt32LE(20);
  if (end > head.length) return undefined;
  const segments: Segment[] = [];
  const sections: Section[] = [];
  for (let at = 32, left = head.readUInt32LE(16); left > 0 && left <= maxHeaders && at + 8 <= end; left--) {
    const sizeBytes = head.readUInt32LE(at + 4);
    if (sizeBytes < 8 || at + sizeBytes > end) return undefined;
    if (head.readUInt32LE(at) === segmentCommand && sizeBytes >= 72) addSections(head, at, at + sizeBytes, segments, sections);
    at += sizeBytes;
  }
  return { segments, notes: [], tables: [], section: (name) => sections.find((section) => section.name === name) };
}

/** LC_SEGMENT_64, S_ATTR_PURE_INSTRUCTIONS, S_ZEROFILL. */
const segmentCommand = 0x19;
const isCode = 0x80000000;
const isZeroFill = 1;

function addSections(head: Buffer, at: number, end: number, segments: Segment[], sections: Section[]): void {
  const isWritable = (head.readUInt32LE(at + 60) & 2) !== 0;
  const count = head.readUInt32LE(at + 64);
  for (let entry = at + 72, left = count; left > 0 && entry + 80 <= end; entry += 80, left--) {
    const flags = head.readUInt32LE(entry + 64);
    const range = { offset: head.readUInt32LE(entry + 48), sizeBytes: Number(head.readBigUInt64LE(entry + 40)) };
    if ((flags & isCode) !== 0 || (flags & 0xff) === isZeroFill || range.sizeBytes === 0) continue;
    sections.push({ name: head.toString('latin1', entry, entry + 16).replace(/\0+$/, ''), ...range });
    segments.push({ ...range, address: Number(head.readBigUInt64LE(entry + 32)), isWritable });
  }
}
