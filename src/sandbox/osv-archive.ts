import { crc32 } from 'node:zlib';
import type { Advisory } from '../model/advisory.ts';

/** Ecosystems without release that the records speak of. */
export function ecosystemsOf(records: readonly Advisory[]): readonly string[] {
  const named = records.flatMap(({ affected = [] }) => affected.flatMap((entry) => entry.package?.ecosystem.split(':', 1)[0] ?? []));
  return [...new Set(named)].sort();
}

/** `ECOSYSTEM/all.zip` of osv.dev's bucket: `ID.json` of each record, stored (APPNOTE.TXT 4.3). */
export function toArchive(records: readonly Advisory[], ecosystem: string): Buffer {
  const own = records.filter((record) => ecosystemsOf([record]).includes(ecosystem));
  const files: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const record of own) {
    const name = Buffer.from(`${record.id}.json`);
    const content = Buffer.from(JSON.stringify(record));
    const fields = commonFields(name, content);
    const file = Buffer.concat([signature(0x04034b50), fields, name, content]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([signature(0x02014b50), Buffer.from([20, 0]), fields, place, name]));
    files.push(file);
    offset += file.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(own.length, 4);
  end.writeUInt16LE(own.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, directory, signature(0x06054b50), end]);
}

/** What local header and entry have alike: version, flags, method, time, checksum, sizes, lengths of name and extra field. */
function commonFields(name: Buffer, content: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(content.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
