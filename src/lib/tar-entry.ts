import { type PaxRecords, parseInteger, parsePaxRecords } from './pax-records.ts';
import type { TarHeader } from './tar-header.ts';
import type { RefuseTar } from './tar-refusal.ts';
import { readTarText } from './tar-text.ts';

/** An entry as Go's archive/tar gives it (src/archive/tar/reader.go, next): its header with what the extended headers before it say. */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As they stand, not cleaned. */
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  /** Bytes that follow the header, without padding. */
  readonly storedBytes: number;
  readonly pax: PaxRecords | undefined;
}

type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'fifo';

/** Extended headers that wait for their entry. */
export interface TarExtensions {
  readonly pax?: PaxRecords;
  readonly longName?: string;
  readonly longLink?: string;
}

export const noExtensions: TarExtensions = {};

/** Longest extended header that is read: Go's maxSpecialFileSize. */
export const extensionMaxBytes = 1024 * 1024;

/** Whether what follows the header is no entry, but says something of the next: PAX records, or GNU's long name or long link. */
export function isTarExtension({ typeflag }: TarHeader): boolean {
  return typeflag === 'x' || typeflag === 'g' || typeflag === 'L' || typeflag === 'K';
}

/** Adds what the extended header with this content says to those before it. Global records, which Go does not keep, only must not matter. */
export function readTarExtension({ typeflag }: TarHeader, body: Buffer, before: TarExtensions, refuse: RefuseTar): TarExtensions {
  if (typeflag === 'L') return { ...before, longName: readTarText(body, 0, body.length) };
  if (typeflag === 'K') return { ...before, longLink: readTarText(body, 0, body.length) };
  const pax = parsePaxRecords(body, refuse);
  if (typeflag === 'x') return { ...before, pax };
  verifyNoExtensions(before, refuse);
  for (const key of pax.keys()) {
    if (decisiveKey.test(key)) refuse('ambiguous-tar', `a global header sets ${key} for the entries after it`);
  }
  return before;
}

const decisiveKey = /^(?:path|linkpath|size|GNU\.sparse\..*)$/;

/** Refuses extended headers before a global one or the archive's end: Go drops them, others apply them to the next entry that they find. */
export function verifyNoExtensions(extensions: TarExtensions, refuse: RefuseTar): void {
  if (Object.keys(extensions).length > 0) refuse('ambiguous-tar', 'an extended header without its entry');
}

/** Applies extended headers to their entry, and refuses what readers understand differently: content behind anything but a file. */
export function toTarEntry(header: TarHeader, { pax, longName, longLink }: TarExtensions, refuse: RefuseTar): TarEntry {
  const name = longName || pax?.get('path') || header.name;
  const linkName = longLink || pax?.get('linkpath') || header.linkName;
  const paxSize = pax?.get('size') || undefined;
  const storedBytes = paxSize === undefined ? header.sizeBytes : (parseInteger(paxSize) ?? refuse('limit', `a size of ${paxSize} bytes`));
  if (storedBytes < 0 || !Number.isSafeInteger(storedBytes)) refuse('malformed-tar', `a size of ${storedBytes} bytes`);
  const type = toType(header.typeflag, name, refuse);
  if (type !== 'file' && (storedBytes > 0 || header.sizeBytes > 0)) {
    refuse('ambiguous-tar', `a ${type} with ${storedBytes || header.sizeBytes} bytes of content`);
  }
  return { type, name, linkName, mode: header.mode, storedBytes, pax };
}

function toType(typeflag: string, name: string, refuse: RefuseTar): TarEntryType {
  // Before POSIX there was no flag for folders.
  const type = typeflag === '\0' ? (name.endsWith('/') ? 'directory' : 'file') : entryTypes[typeflag];
  return type ?? refuse('unsupported', `an entry of type ${JSON.stringify(typeflag)}, which no container runtime unpacks`);
}

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};
