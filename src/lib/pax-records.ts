import type { RefuseTar } from './tar-refusal.ts';
import { decodeTarText } from './tar-text.ts';

/** Records of one PAX extended header by keyword; a keyword that comes twice has its last value. */
export type PaxRecords = ReadonlyMap<string, string>;

/**
 * Parses the body of an extended header as Go's archive/tar does (src/archive/tar/reader.go, parsePAX).
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 * The records of sparse format 0.0 (one a number) become the list of format 0.1.
 */
export function parsePaxRecords(body: Buffer, refuse: RefuseTar): PaxRecords {
  const records = new Map<string, string>();
  const sparseMap: string[] = [];
  for (let at = 0; at < body.length; ) {
    const { key, value, next } = parseRecord(body, at, refuse);
    at = next;
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      const expected = sparseMap.length % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes';
      if (key !== expected || value.includes(',')) refuse('malformed-tar', 'the extended header has sparse records out of order');
      sparseMap.push(value);
    } else {
      records.set(key, value);
    }
  }
  if (sparseMap.length > 0) records.set('GNU.sparse.map', sparseMap.join(','));
  verifyNumbers(records, refuse);
  return records;
}

/** One record is `LENGTH KEY=VALUE\n`, its length in decimal and counting itself. */
function parseRecord(body: Buffer, at: number, refuse: RefuseTar): { key: string; value: string; next: number } {
  const space = body.indexOf(0x20, at);
  const digits = space === -1 || space - at > 20 ? '' : body.toString('latin1', at, space);
  const length = parseInteger(digits);
  if (length === undefined || length < 5 || at + length > body.length || at + length <= space + 1) {
    refuse('malformed-tar', 'an extended header record has a wrong length');
  }
  const next = at + length;
  if (body[next - 1] !== 0x0a) refuse('malformed-tar', 'an extended header record does not end where its length says');
  const equals = body.indexOf(0x3d, space + 1);
  if (equals === -1 || equals >= next - 1 || equals === space + 1) refuse('malformed-tar', 'an extended header record has no keyword');
  const key = decodeTarText(body.subarray(space + 1, equals));
  const value = decodeTarText(body.subarray(equals + 1, next - 1));
  if (key.includes('\0') || (textKeys.has(key) && value.includes('\0'))) {
    refuse('malformed-tar', 'an extended header record has a NUL in its keyword or name');
  }
  return { key, value, next };
}

const textKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname']);

/** Go refuses an entry whose ids, times or size are not numbers; the size itself is taken where it is used. */
function verifyNumbers(records: PaxRecords, refuse: RefuseTar): void {
  for (const key of ['uid', 'gid', 'size']) {
    const value = records.get(key) ?? '';
    if (value !== '' && !/^[+-]?\d{1,19}$/.test(value)) refuse('malformed-tar', `the extended header's ${key} is not a number`);
  }
  for (const key of ['mtime', 'atime', 'ctime']) {
    const value = records.get(key) ?? '';
    if (value !== '' && !/^[+-]?\d{1,19}(\.\d*)?$/.test(value)) refuse('malformed-tar', `the extended header's ${key} is not a time`);
  }
}

/** A decimal as Go's strconv.ParseInt takes it; undefined if it is none, or above what a number holds exactly. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
