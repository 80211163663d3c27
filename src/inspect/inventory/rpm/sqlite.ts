/** Layout of SQLite databases: https://www.sqlite.org/fileformat2.html. All integers are big-endian. */
const magic = 'SQLite format 3\0';
const headerBytes = 100;
const interiorTable = 0x05;
const leafTable = 0x0d;
/** Deeper than any table of 32-bit page numbers is. */
const depthLimit = 20;

export function isSqlite(content: Buffer): boolean {
  return content.toString('latin1', 0, magic.length) === magic;
}

export type SqliteValue = number | string | Buffer | undefined;

interface Table {
  readonly rows: readonly (readonly SqliteValue[])[];
  /** In words, what of the table could not be read. */
  readonly damage: readonly string[];
}

/**
 * The rows of a table, by walking its b-tree; whatever does not fit together is damage, for a page that is passed over is a package that is not
 * seen. A log beside the file (`-wal`) is not looked at. Throws where there is no such table.
 */
export function readSqliteTable(content: Buffer, name: string): Table {
  const schema = new TableReading(content, 1);
  const table = schema.rows.find(([type, stated]) => type === 'table' && stated === name);
  const root = table?.[3];
  if (typeof root !== 'number') throw new Error(`it has no table ${name}`);
  const { rows, damage } = new TableReading(content, root);
  const cut = content.length % pageSize(content) === 0 && content.length >= content.readUInt32BE(28) * pageSize(content);
  return { rows, damage: [...(cut ? [] : ['it is cut off']), ...damage] };
}

function pageSize(content: Buffer): number {
  const stated = content.readUInt16BE(16);
  return stated === 1 ? 65536 : stated;
}

class TableReading {
  readonly rows: SqliteValue[][] = [];
  readonly damage: string[] = [];
  readonly #content: Buffer;
  readonly #pageBytes: number;
  readonly #usableBytes: number;
  readonly #visited = new Set<number>();
  #lastRow = Number.NEGATIVE_INFINITY;

  constructor(content: Buffer, root: number) {
    if (content.length < headerBytes) throw new Error('it is cut off');
    this.#content = content;
    this.#pageBytes = pageSize(content);
    this.#usableBytes = this.#pageBytes - content.readUInt8(20);
    const isPageSize = this.#pageBytes >= 512 && (this.#pageBytes & (this.#pageBytes - 1)) === 0;
    if (!isPageSize || this.#usableBytes < 480 || content.readUInt32BE(56) > 1)
      throw new Error('its header is damaged, or it is not in UTF-8');
    this.#walk(root, 0);
  }

  #walk(page: number, depth: number): void {
    const start = (page - 1) * this.#pageBytes;
    if (page < 1 || depth > depthLimit || this.#visited.has(page) || start + this.#pageBytes > this.#content.length) {
      this.damage.push(`page ${page} is missing`);
      return;
    }
    this.#visited.add(page);
    const head = page === 1 ? start + headerBytes : start;
    const type = this.#content[head];
    const cells = type === leafTable || type === interiorTable ? this.#cells(start, head, type) : undefined;
    if (cells === undefined) {
      this.damage.push(`page ${page} is damaged`);
      return;
    }
    for (const cell of cells) {
      if (type === leafTable) this.#readRow(page, cell);
      else this.#walk(this.#content.readUInt32BE(cell), depth + 1);
    }
    if (type === interiorTable) this.#walk(this.#content.readUInt32BE(head + 8), depth + 1);
  }

  /**
   * Where the cells of a page begin; undefined where cells, free blocks and fragments do not make up its content area (2.6, "B-tree Pages"), as SQLite's
   * own check of integrity asks.
   */
  #cells(start: number, head: number, type: number): readonly number[] | undefined {
    const count = this.#content.readUInt16BE(head + 3);
    const pointers = head + (type === leafTable ? 8 : 12);
    const contentStart = this.#content.readUInt16BE(head + 5) || 65536;
    if (pointers + 2 * count > start + contentStart || contentStart > this.#usableBytes) return undefined;
    const cells = Array.from({ length: count }, (_, index) => start + this.#content.readUInt16BE(pointers + 2 * index));
    let used = this.#content.readUInt8(head + 7);
    for (const cell of cells) {
      const bytes = this.#cellBytes(cell, start + this.#usableBytes, type);
      if (bytes === undefined || cell < start + contentStart) return undefined;
      used += bytes;
    }
    for (let block = this.#content.readUInt16BE(head + 1), last = 0; block !== 0; block = this.#content.readUInt16BE(start + block)) {
      if (block <= last || block + 4 > this.#usableBytes) return undefined;
      used += this.#content.readUInt16BE(start + block + 2);
      last = block;
    }
    return used === this.#usableBytes - contentStart ? cells : undefined;
  }

  /** At least four: no cell is smaller than what a free block needs. Undefined where it leaves the page. */
  #cellBytes(cell: number, end: number, type: number): number | undefined {
    if (cell + 4 > end) return undefined;
    if (type === interiorTable) {
      const key = this.#varint(cell + 4);
      return key.end > end ? undefined : key.end - cell;
    }
    const { end: payload, localBytes, sizeBytes } = this.#leafCell(cell);
    const cellEnd = payload + localBytes + (localBytes < sizeBytes ? 4 : 0);
    return cellEnd > end ? undefined : Math.max(cellEnd - cell, 4);
  }

  /** The row's number, and how much of its payload is in the cell (2.6, "Cell payload overflow pages"). */
  #leafCell(cell: number) {
    const size = this.#varint(cell);
    const row = this.#varint(size.end);
    const sizeBytes = size.value;
    const most = this.#usableBytes - 35;
    if (sizeBytes <= most) return { row: row.value, end: row.end, sizeBytes, localBytes: sizeBytes };
    const least = Math.floor(((this.#usableBytes - 12) * 32) / 255) - 23;
    const fitting = least + ((sizeBytes - least) % (this.#usableBytes - 4));
    return { row: row.value, end: row.end, sizeBytes, localBytes: fitting <= most ? fitting : least };
  }

  #readRow(page: number, cell: number): void {
    const { row, end, sizeBytes, localBytes } = this.#leafCell(cell);
    const payload = this.#payload(end, localBytes, sizeBytes);
    const values = payload === undefined || row <= this.#lastRow ? undefined : toValues(payload);
    this.#lastRow = row;
    if (values === undefined) this.damage.push(`row ${row} on page ${page} is damaged`);
    else this.rows.push(values);
  }

  #payload(start: number, localBytes: number, sizeBytes: number): Buffer | undefined {
    const local = this.#content.subarray(start, start + localBytes);
    if (localBytes === sizeBytes) return local;
    const parts = [local];
    let left = sizeBytes - localBytes;
    for (let page = this.#content.readUInt32BE(start + localBytes); left > 0; ) {
      const from = (page - 1) * this.#pageBytes;
      if (page < 2 || this.#visited.has(page) || from + this.#pageBytes > this.#content.length) return undefined;
      this.#visited.add(page);
      const part = this.#content.subarray(from + 4, from + 4 + Math.min(left, this.#usableBytes - 4));
      parts.push(part);
      left -= part.length;
      page = this.#content.readUInt32BE(from);
      if (left === 0 && page !== 0) return undefined;
    }
    return Buffer.concat(parts);
  }

  #varint(at: number): Varint {
    return readVarint(this.#content, at);
  }
}

interface Varint {
  readonly value: number;
  readonly end: number;
}

/** 1.7, "Varint": seven bits a byte, eight in the ninth. A number above 2^53 is not exact, and no size. */
function readVarint(bytes: Buffer, at: number): Varint {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[at + index] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return { value: value * 256 + (bytes[at + 8] ?? 0), end: at + 9 };
}

/** 2.1, "Record Format". Undefined where the values do not fill the record. */
function toValues(record: Buffer): SqliteValue[] | undefined {
  const header = readVarint(record, 0);
  const values: SqliteValue[] = [];
  let body = header.value;
  for (let at = header.end; at < header.value; ) {
    const { value: type, end } = readVarint(record, at);
    const bytes = valueBytes(type);
    if (end > header.value || body + bytes > record.length) return undefined;
    values.push(toValue(record.subarray(body, body + bytes), type));
    body += bytes;
    at = end;
  }
  return body === record.length ? values : undefined;
}

const integerBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function valueBytes(type: number): number {
  return integerBytes[type] ?? Math.floor((type - 12) / 2);
}

/** Real numbers and integers of eight bytes are not needed, and undefined as NULL is. */
function toValue(bytes: Buffer, type: number): SqliteValue {
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString('utf8');
  if (type === 8 || type === 9) return type - 8;
  return type >= 1 && type <= 5 ? bytes.readIntBE(0, bytes.length) : undefined;
}
