import { wholeFileLimitBytes } from '../../../layer/inspector.ts';
import { type InflationBudget, inflateEntry, shown, UnreadEntryError } from './zip-content.ts';
import {
  centralHeaderBytes,
  centralSignature,
  endRecordBytes,
  endSignature,
  localHeaderBytes,
  localSignature,
  parseZipEntry,
  variableBytes,
  wideEndSignature,
  wideLocatorSignature,
  type ZipEntry,
} from './zip-record.ts';

/** Takes what is of interest of an archive. */
export interface ArchiveReader {
  /** The most bytes of an entry that are of interest; 0 where it is of none. */
  limitBytes(name: string): number;
  take(name: string, content: Buffer): void;
  /** An entry of interest that cannot be read, or the archive itself. */
  fail(error: UnreadEntryError): void;
}

/**
 * Reads an archive that is in memory as the JVM does: by its central directory. Local headers say only where the content begins. What stands before
 * the archive (the script of an executable jar) is no part of it.
 */
export function readArchive(archive: Buffer, reader: ArchiveReader, budget: InflationBudget): void {
  const directory = findDirectory(archive);
  if (directory === undefined) {
    reader.fail(new UnreadEntryError('damaged', 'it has no central directory, so it is no zip archive or is cut'));
    return;
  }
  let at = directory.at;
  for (; at + centralHeaderBytes <= directory.end && archive.readUInt32LE(at) === centralSignature; ) {
    const header = archive.subarray(at, at + centralHeaderBytes + variableBytes(archive.subarray(at, at + centralHeaderBytes)));
    at += header.length;
    if (at > directory.end) break;
    const entry = parseZipEntry(header);
    const limitBytes = reader.limitBytes(entry.name);
    if (limitBytes > 0) readEntry(archive, directory.base, entry, limitBytes, reader, budget);
  }
  if (at !== directory.end) reader.fail(new UnreadEntryError('damaged', 'its central directory is cut'));
}

function readEntry(
  archive: Buffer,
  base: number,
  entry: ZipEntry,
  limitBytes: number,
  reader: ArchiveReader,
  budget: InflationBudget,
): void {
  try {
    const at = base + entry.offset;
    if (at < 0 || at + localHeaderBytes > archive.length || archive.readUInt32LE(at) !== localSignature) {
      throw new UnreadEntryError('damaged', `${shown(entry.name)} is not where the central directory says`);
    }
    const start = at + localHeaderBytes + variableBytes(archive.subarray(at, at + localHeaderBytes));
    const end = start + entry.compressedBytes;
    if (end > archive.length) throw new UnreadEntryError('damaged', `${shown(entry.name)} is cut`);
    reader.take(entry.name, inflateEntry(entry, archive.subarray(start, end), Math.min(limitBytes, wholeFileLimitBytes), budget));
  } catch (error) {
    if (!(error instanceof UnreadEntryError)) throw error;
    reader.fail(error);
  }
}

interface Directory {
  readonly at: number;
  readonly end: number;
  /** What is to be added to the offsets of the central directory. */
  readonly base: number;
}

/** The record at the end of an archive may have a comment of up to 65,535 bytes behind it. */
const maxCommentBytes = 65_535;

/** The last record that leads to a central directory right before it (4.3.16), as the JDK's ZipFile takes it. */
function findDirectory(archive: Buffer): Directory | undefined {
  for (let at = archive.length - endRecordBytes; at >= Math.max(0, archive.length - endRecordBytes - maxCommentBytes); at--) {
    if (archive[at] !== 0x50 || archive.readUInt32LE(at) !== endSignature) continue;
    const narrow = { end: at, sizeBytes: archive.readUInt32LE(at + 12), offset: archive.readUInt32LE(at + 16) };
    const { end, sizeBytes, offset } = wideEnd(archive, at) ?? narrow;
    const start = end - sizeBytes;
    if (start < 0 || start - offset < 0) continue;
    if (sizeBytes > 0 && archive.readUInt32LE(start) !== centralSignature) continue;
    return { at: start, end, base: start - offset };
  }
  return undefined;
}

/** The zip64 form of the record (4.3.14, 4.3.15), where its locator stands before the narrow one. */
function wideEnd(archive: Buffer, at: number): { readonly end: number; readonly sizeBytes: number; readonly offset: number } | undefined {
  const locator = at - 20;
  if (locator < 0 || archive.readUInt32LE(locator) !== wideLocatorSignature) return undefined;
  const stated = Number(archive.readBigUInt64LE(locator + 8));
  const usual = locator - 56;
  const end = [stated, usual].find((place) => place >= 0 && place + 56 <= locator && archive.readUInt32LE(place) === wideEndSignature);
  if (end === undefined) return undefined;
  return { end, sizeBytes: Number(archive.readBigUInt64LE(end + 40)), offset: Number(archive.readBigUInt64LE(end + 48)) };
}
