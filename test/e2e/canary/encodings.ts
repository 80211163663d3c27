/** A text as some program would write it down. `width`: how many bytes stand for one byte of the original, at the least. */
export interface Form {
  readonly encoding: string;
  readonly bytes: Buffer;
  readonly width: number;
}

type Encode = (value: Buffer) => Buffer | string;

/** How a value may leave a process. Alike forms of a value are kept once. */
const encodings: readonly (readonly [string, number, Encode])[] = [
  ['raw', 1, (value) => value],
  ...[0, 1, 2].map((offset) => [`base64 at ${offset}`, 4 / 3, (value: Buffer) => base64(value, offset)] as const),
  ...[0, 1, 2].map((offset) => [`base64url at ${offset}`, 4 / 3, (value: Buffer) => toUrlAlphabet(base64(value, offset))] as const),
  ...[0, 1, 2].map(
    (offset) => [`base64 of base64 at ${offset}`, 16 / 9, (value: Buffer) => base64(utf8(base64(value, 0)), offset)] as const,
  ),
  ['percent-encoded base64', 4 / 3, (value) => encodeURIComponent(base64(value, 0))],
  ['hex', 2, (value) => value.toString('hex')],
  ['upper-case hex', 2, (value) => value.toString('hex').toUpperCase()],
  ['hex with colons', 3, (value) => each(value, (byte) => `${hex(byte)}:`)],
  ['hex with spaces', 3, (value) => each(value, (byte) => `${hex(byte)} `)],
  ['percent', 1, (value) => percent(value)],
  ['lower-case percent', 1, (value) => percent(value).replace(/%../g, (encoded) => encoded.toLowerCase())],
  ['percent of every byte', 3, (value) => each(value, (byte) => `%${hex(byte).toUpperCase()}`)],
  ['form', 1, (value) => new URLSearchParams({ _: value.toString('utf8') }).toString().slice(2)],
  ['JSON', 1, (value) => JSON.stringify(value.toString('utf8')).slice(1, -1)],
  ['JSON with escaped slashes', 1, (value) => JSON.stringify(value.toString('utf8')).slice(1, -1).replaceAll('/', '\\/')],
  [
    'JSON of ASCII',
    1,
    (value) =>
      JSON.stringify(value.toString('utf8'))
        .slice(1, -1)
        .replace(/[^ -~]/g, unicode),
  ],
  ['JSON in JSON', 1, (value) => JSON.stringify(JSON.stringify(value.toString('utf8'))).slice(3, -3)],
  ['HTML', 1, (value) => value.toString('utf8').replace(/[&<>"']/g, (character) => htmlNames[character] ?? '')],
  ['HTML, numeric', 1, (value) => value.toString('utf8').replace(/[^\w\s]/gu, (character) => `&#${character.codePointAt(0)};`)],
  ['shell', 1, (value) => value.toString('utf8').replaceAll("'", "'\\''")],
  ['C', 1, (value) => each(value, (byte) => cEscape(byte))],
  ['octal', 4, (value) => each(value, (byte) => `\\${byte.toString(8).padStart(3, '0')}`)],
  ['reversed', 1, (value) => [...value.toString('utf8')].reverse().join('')],
  ['UTF-16', 2, (value) => Buffer.from(value.toString('utf8'), 'utf16le')],
  ['UTF-16, big endian', 2, (value) => Buffer.from(value.toString('utf8'), 'utf16le').swap16()],
  ...[0, 1, 2].map(
    (offset) =>
      [`base64 of UTF-16 at ${offset}`, 8 / 3, (value: Buffer) => base64(Buffer.from(value.toString('utf8'), 'utf16le'), offset)] as const,
  ),
  ['upper case', 1, (value) => value.toString('utf8').toUpperCase()],
  ['lower case', 1, (value) => value.toString('utf8').toLowerCase()],
  ['decimal bytes', 2, (value) => [...value].join(',')],
  ['runner commands', 1, (value) => value.toString('utf8').replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')],
  ['agent commands', 1, (value) => value.toString('utf8').replaceAll('%', '%AZP25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')],
];

export const encodingNames: readonly string[] = encodings.map(([name]) => name);

export function toForms(value: Buffer): readonly Form[] {
  const isText = Buffer.from(value.toString('utf8')).equals(value);
  const forms = new Map<string, Form>();
  for (const [encoding, width, encode] of encodings) {
    // Bytes that are no text are in none of the forms of a text.
    if (!isText && !/^(?:raw|base64|percent|upper-case hex|hex|decimal|C|octal)/.test(encoding)) continue;
    const encoded = encode(value);
    const bytes = typeof encoded === 'string' ? utf8(encoded) : encoded;
    const key = bytes.toString('latin1');
    if (!forms.has(key)) forms.set(key, { encoding, bytes, width });
  }
  return [...forms.values()];
}

/** What in the Base64 of a text with the value in it, `offset` bytes after a multiple of three, does not depend on the neighbours. */
function base64(value: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), value]).toString('base64');
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + value.length) * 8) / 6));
}

function toUrlAlphabet(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

function percent(value: Buffer): string {
  return each(value, (byte) => (/[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte).toUpperCase()}`));
}

function cEscape(byte: number): string {
  const named: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 9: '\\t', 34: '\\"', 92: '\\\\' };
  return named[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${hex(byte)}`);
}

const htmlNames: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function each(value: Buffer, write: (byte: number) => string): string {
  return Array.from(value, write).join('');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}
