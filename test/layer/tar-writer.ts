/** One member of a tar, written as it is told, however wrong. Defaults make a plain ustar file. */
export interface TarMember {
  readonly name?: string;
  readonly type?: string;
  readonly content?: Buffer | string;
  /** Of the header's size field; by default what `content` has. */
  readonly size?: number | Buffer;
  readonly linkName?: string;
  readonly mode?: number;
  readonly format?: 'ustar' | 'gnu' | 'v7' | 'star';
  readonly prefix?: string;
  /** Bytes that are put into the header before its checksum is made, by offset. */
  readonly patch?: Readonly<Record<number, Buffer | string>>;
  readonly signedChecksum?: boolean;
}

/** A whole archive: members, two zero blocks. */
export function tar(...members: readonly (TarMember | Buffer)[]): Buffer {
  return Buffer.concat([...members.map((member) => (Buffer.isBuffer(member) ? member : tarMember(member))), endBlocks]);
}

export const endBlocks = Buffer.alloc(1024);

export function file(name: string, content: Buffer | string = name): TarMember {
  return { name, content };
}

export function folder(name: string): TarMember {
  return { name: `${name}/`, type: '5', mode: 0o755 };
}

export function symlink(name: string, linkName: string): TarMember {
  return { name, type: '2', linkName };
}

export function hardLink(name: string, linkName: string): TarMember {
  return { name, type: '1', linkName };
}

/** Header, content and padding of one member. */
export function tarMember(member: TarMember): Buffer {
  const content = Buffer.from(member.content ?? '');
  const header = Buffer.alloc(512);
  const put = (at: number, value: Buffer | string) => Buffer.from(value).copy(header, at);
  put(0, member.name ?? '');
  put(100, octal(member.mode ?? 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, typeof member.size === 'object' ? member.size : octal(member.size ?? content.length, 11));
  put(136, octal(0, 11));
  put(156, member.type ?? '0');
  put(157, member.linkName ?? '');
  putMagic(member.format ?? 'ustar', put);
  put(345, member.prefix ?? '');
  for (const [at, value] of Object.entries(member.patch ?? {})) put(Number(at), value);
  put(148, '        ');
  const sum = header.reduce((total, byte) => total + (member.signedChecksum && byte > 127 ? byte - 256 : byte), 0);
  put(148, `${octal(sum, 6)}\0 `);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function putMagic(format: 'ustar' | 'gnu' | 'v7' | 'star', put: (at: number, value: string) => void): void {
  if (format === 'gnu') put(257, 'ustar  \0');
  if (format === 'ustar' || format === 'star') put(257, 'ustar\x0000');
  if (format === 'star') put(508, 'tar\0');
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** An extended header (`x`, or `g` for a global one) with these records. */
export function pax(records: Readonly<Record<string, string>> | readonly (readonly [string, string])[], type = 'x'): TarMember {
  const entries = Array.isArray(records) ? (records as readonly (readonly [string, string])[]) : Object.entries(records);
  return {
    name: type === 'g' ? 'pax_global_header' : 'PaxHeaders/x',
    type,
    content: Buffer.concat(entries.map(([key, value]) => paxRecord(key, value))),
  };
}

/** `LENGTH KEY=VALUE\n`, its length counting itself. */
export function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

/** GNU's long name (`L`) or long link (`K`) for the next member. */
export function gnuLong(type: 'L' | 'K', name: string): TarMember {
  return { name: '././@LongLink', type, format: 'gnu', content: `${name}\0` };
}
