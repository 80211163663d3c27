import { type Layout, maxHeaders, type Section, type Segment } from './layout.ts';

/** `MZ`. */
export const peMagic = 0x4d5a;

/**
 * Layout of a Windows program from its first bytes (https://learn.microsoft.com/en-us/windows/win32/debug/pe-format); undefined for what is none
 * or has its headers elsewhere.
 */
export function parsePeLayout(head: Buffer): Layout | undefined {
  const at = head.length < 64 ? head.length : head.readUInt32LE(60);
  if (at + 24 + 32 > head.length || head.readUInt32LE(at) !== 0x4550) return undefined;
  const count = head.readUInt16LE(at + 6);
  const optionalBytes = head.readUInt16LE(at + 20);
  const tableAt = at + 24 + optionalBytes;
  if (count > maxHeaders || tableAt + count * 40 > head.length) return undefined;
  const base = head.readUInt16LE(at + 24) === 0x20b ? Number(head.readBigUInt64LE(at + 48)) : head.readUInt32LE(at + 52);
  const segments: Segment[] = [];
  const sections: Section[] = [];
  for (let entry = tableAt; entry < tableAt + count * 40; entry += 40) {
    const offset = head.readUInt32LE(entry + 20);
    const sizeBytes = Math.min(head.readUInt32LE(entry + 8) || Number.POSITIVE_INFINITY, head.readUInt32LE(entry + 16));
    const flags = head.readUInt32LE(entry + 36);
    if (offset === 0 || sizeBytes === 0 || (flags & isCode) !== 0) continue;
    sections.push({ name: head.toString('latin1', entry, entry + 8).replace(/\0+$/, ''), offset, sizeBytes });
    segments.push({ offset, sizeBytes, address: base + head.readUInt32LE(entry + 12), isWritable: (flags & mayWrite) !== 0 });
  }
  return { segments, notes: [], tables: [], section: (name) => sections.find((section) => section.name === name) };
}

/** IMAGE_SCN_CNT_CODE, IMAGE_SCN_MEM_WRITE. */
const isCode = 0x20;
const mayWrite = 0x80000000;
