import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { rpmTag } from '../../../../src/inspect/inventory/rpm/rpm-header.ts';

export interface MadeRpm {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly epoch?: number;
  readonly architecture?: string;
  readonly sourceRpm?: string;
  readonly vendor?: string;
  readonly licence?: string;
  readonly module?: string;
  /** With a leading slash. */
  readonly files?: readonly string[];
}

type Value = string | readonly string[] | readonly number[] | Buffer;

/** A header as rpm keeps it of an installed package: the immutable region, closed by its trailer, then what was added when it was installed. */
export function makeHeader(rpm: MadeRpm): Buffer {
  const folders = [...new Set((rpm.files ?? []).map((file) => file.slice(0, file.lastIndexOf('/') + 1)))];
  const values: (readonly [number, Value | undefined])[] = [
    [rpmTag.name, rpm.name],
    [rpmTag.version, rpm.version],
    [rpmTag.release, rpm.release],
    [rpmTag.epoch, rpm.epoch === undefined ? undefined : [rpm.epoch]],
    [rpmTag.vendor, rpm.vendor],
    [rpmTag.licence, rpm.licence],
    [rpmTag.architecture, rpm.architecture ?? 'x86_64'],
    [rpmTag.sourceRpm, rpm.sourceRpm],
    [rpmTag.directoryIndexes, rpm.files?.map((file) => folders.indexOf(file.slice(0, file.lastIndexOf('/') + 1)))],
    [rpmTag.baseNames, rpm.files?.map((file) => file.slice(file.lastIndexOf('/') + 1))],
    [rpmTag.directoryNames, rpm.files && folders],
    [rpmTag.modularityLabel, rpm.module],
  ];
  const region = new Data();
  for (const [tag, value] of values) if (value !== undefined) region.add(tag, value);
  const trailer = entry(63, 7, -16 * (region.entries.length + 1), 16);
  const index = [entry(63, 7, region.bytes.length, 16), ...region.entries];
  const data = Buffer.concat([region.bytes, trailer]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(index.length, 0);
  sizes.writeUInt32BE(data.length, 4);
  const digest = createHash('sha256')
    .update(Buffer.concat([Buffer.from('8eade80100000000', 'hex'), sizes, ...index, data]))
    .digest('hex');
  const added = new Data(data);
  added.add(rpmTag.sha256Header, digest);
  sizes.writeUInt32BE(index.length + added.entries.length, 0);
  sizes.writeUInt32BE(added.bytes.length, 4);
  return Buffer.concat([sizes, ...index, ...added.entries, added.bytes]);
}

class Data {
  readonly entries: Buffer[] = [];
  bytes: Buffer;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
  }

  add(tag: number, value: Value): void {
    if (typeof value === 'string') this.#put(tag, 6, 1, Buffer.from(`${value}\0`));
    else if (Buffer.isBuffer(value)) this.#put(tag, 7, value.length, value);
    else if (value.every((item) => typeof item === 'string')) {
      this.#put(tag, 8, value.length, Buffer.from(value.map((text) => `${text}\0`).join('')));
    } else {
      const numbers = Buffer.alloc(4 * value.length);
      for (const [at, number] of value.entries()) numbers.writeUInt32BE(Number(number), 4 * at);
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc((4 - (this.bytes.length % 4)) % 4)]);
      this.#put(tag, 4, value.length, numbers);
    }
  }

  #put(tag: number, type: number, count: number, bytes: Buffer): void {
    this.entries.push(entry(tag, type, this.bytes.length, count));
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }
}

function entry(tag: number, type: number, offset: number, count: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(tag, 0);
  bytes.writeUInt32BE(type, 4);
  bytes.writeInt32BE(offset, 8);
  bytes.writeUInt32BE(count, 12);
  return bytes;
}

/** Written by SQLite itself, with rpm's table and one of its indexes. */
export function makeSqlite(headers: readonly Buffer[], pageBytes = 4096): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'rpmdb-'));
  const path = join(folder, 'rpmdb.sqlite');
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size = ${pageBytes}`);
  database.exec("CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)");
  database.exec("CREATE TABLE IF NOT EXISTS 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)");
  const insert = database.prepare("INSERT INTO 'Packages' (blob) VALUES (?)");
  for (const header of headers) insert.run(header);
  database.close();
  const content = readFileSync(path);
  rmSync(folder, { recursive: true });
  return content;
}

/** rpm's own format, one page of slots. */
export function makeNdb(headers: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(4096);
  head.write('RpmP', 0, 'latin1');
  head.writeUInt32LE(1, 12);
  for (let at = 32; at < head.length; at += 16) head.write('Slot', at, 'latin1');
  const blocks = headers.map((header, at) => {
    const block = Buffer.alloc(Math.ceil((16 + header.length + 12) / 16) * 16);
    block.write('BlbS', 0, 'latin1');
    block.writeUInt32LE(at + 1, 4);
    block.writeUInt32LE(header.length, 12);
    header.copy(block, 16);
    block.writeUInt32LE(header.length, block.length - 8);
    block.write('BlbE', block.length - 4, 'latin1');
    return block;
  });
  let start = head.length;
  for (const [at, block] of blocks.entries()) {
    head.writeUInt32LE(at + 1, 32 + 16 * at + 4);
    head.writeUInt32LE(start / 16, 32 + 16 * at + 8);
    head.writeUInt32LE(block.length / 16, 32 + 16 * at + 12);
    start += block.length;
  }
  return Buffer.concat([head, ...blocks]);
}

/** A hash table of Berkeley DB with one page of keys, whose values lie in chains of overflow pages, on a machine of either byte order. */
export function makeBerkeleyDb(headers: readonly Buffer[], order: 'little' | 'big' = 'little', pageBytes = 512): Buffer {
  const write32 = (page: Buffer, value: number, at: number) =>
    order === 'little' ? page.writeUInt32LE(value, at) : page.writeUInt32BE(value, at);
  const write16 = (page: Buffer, value: number, at: number) =>
    order === 'little' ? page.writeUInt16LE(value, at) : page.writeUInt16BE(value, at);
  const pages: Buffer[] = [];
  const addPage = (type: number): Buffer => {
    const page = Buffer.alloc(pageBytes);
    write32(page, pages.length, 8);
    page[25] = type;
    pages.push(page);
    return page;
  };
  const meta = addPage(8);
  write32(meta, 0x00061561, 12);
  write32(meta, 9, 16);
  write32(meta, pageBytes, 20);
  const keys = addPage(13);
  let free = pageBytes;
  const addItem = (item: Buffer): void => {
    free -= item.length;
    item.copy(keys, free);
    const count = order === 'little' ? keys.readUInt16LE(20) : keys.readUInt16BE(20);
    write16(keys, free, 26 + 2 * count);
    write16(keys, count + 1, 20);
    write16(keys, free, 22);
  };
  addItem(Buffer.from([1, 0, 0, 0, 0]));
  addItem(Buffer.from([1, headers.length, 0, 0, 0]));
  for (const [at, header] of headers.entries()) {
    addItem(Buffer.from([1, at + 1, 0, 0, 0]));
    const reference = Buffer.alloc(12);
    reference[0] = 3;
    write32(reference, pages.length, 4);
    write32(reference, header.length, 8);
    addItem(reference);
    for (let start = 0; start < header.length; start += pageBytes - 26) {
      const part = header.subarray(start, start + pageBytes - 26);
      const page = addPage(7);
      write16(page, part.length, 22);
      if (start + part.length < header.length) write32(page, pages.length, 16);
      part.copy(page, 26);
    }
  }
  write32(meta, pages.length - 1, 32);
  return Buffer.concat(pages);
}
