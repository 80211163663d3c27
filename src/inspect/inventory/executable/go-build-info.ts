import type { ExecutableImage } from './executable-image.ts';
import { UnkeptError } from './layout.ts';

/** What the Go linker writes into each program, stripped or not. */
export interface GoBuildInfo {
  /** `go1.22.4`, perhaps with the names of experiments or of a vendor. */
  readonly goVersion: string;
  /** Lines of `path`, `mod`, `dep`, `=>` and `build`; empty for programs that were built without modules. */
  readonly modules: string;
}

const magic = Buffer.from('\xff Go buildinf:', 'latin1');

/** The information stands on a multiple of 16 bytes, behind a header of 32 (Go's debug/buildinfo). */
const alignBytes = 16;
const headerBytes = 32;

/** Larger than any list of modules. */
const maxTextBytes = 4 * 1024 * 1024;

/**
 * Reads the build information of Go 1.13 and later as Go's own debug/buildinfo does: since Go 1.18 two strings behind the header, before that two
 * pointers to strings. Undefined where the program has none; throws where it is damaged or lies in what was not kept.
 */
export function readGoBuildInfo(image: ExecutableImage): GoBuildInfo | undefined {
  const named = image.section('.go.buildinfo') ?? image.section('__go_buildinfo');
  if (named === 'unread') throw new UnkeptError('its build information of Go');
  const places = named === undefined ? [] : [{ bytes: named, address: 0 }];
  for (const { bytes, address } of [...places, ...image.writable()]) {
    const at = findHeader(bytes, address);
    if (at === undefined) continue;
    const isInline = ((bytes[at + 15] ?? 0) & 2) !== 0;
    const info = isInline ? readInline(bytes, at + headerBytes) : readPointers(image, bytes.subarray(at, at + headerBytes));
    return { ...info, modules: withoutFrame(info.modules) };
  }
  return undefined;
}

function findHeader(data: Buffer, address: number): number | undefined {
  for (let at = data.indexOf(magic); at !== -1; at = data.indexOf(magic, at + 1)) {
    if ((address + at) % alignBytes === 0 && at + headerBytes <= data.length) return at;
  }
  return undefined;
}

function readInline(data: Buffer, start: number): GoBuildInfo {
  const goVersion = readCounted(data, start);
  const modules = goVersion && readCounted(data, goVersion.end);
  if (goVersion === undefined || modules === undefined) throw new Error('its build information of Go is cut');
  return { goVersion: goVersion.text.toString(), modules: modules.text.toString('latin1') };
}

/** A length as a varint, then as many bytes. */
function readCounted(data: Buffer, start: number): { readonly text: Buffer; readonly end: number } | undefined {
  let length = 0;
  let at = start;
  for (let shift = 0; ; shift += 7, at++) {
    const byte = data[at];
    if (byte === undefined || shift > 21) return undefined;
    length += (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const end = at + 1 + length;
  return end > data.length ? undefined : { text: data.subarray(at + 1, end), end };
}

function readPointers(image: ExecutableImage, header: Buffer): GoBuildInfo {
  const pointerBytes = header[14];
  const isBigEndian = ((header[15] ?? 0) & 1) !== 0;
  if (pointerBytes !== 4 && pointerBytes !== 8) throw new Error('its build information of Go has no pointers');
  const pointer = (bytes: Buffer, at: number): number => {
    if (pointerBytes === 4) return isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    return Number(isBigEndian ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at));
  };
  const text = (at: number): Buffer | undefined => {
    const string = image.memory(pointer(header, at), 2 * pointerBytes);
    if (string === undefined || string.length < 2 * pointerBytes) return undefined;
    const length = pointer(string, pointerBytes);
    if (length === 0) return Buffer.alloc(0);
    const bytes = length > maxTextBytes ? undefined : image.memory(pointer(string, 0), length);
    return bytes?.length === length ? bytes : undefined;
  };
  const goVersion = text(alignBytes);
  const modules = text(alignBytes + pointerBytes);
  if (goVersion === undefined || modules === undefined) {
    throw new Error('its build information of Go is damaged, or lies outside of what is kept of a program');
  }
  return { goVersion: goVersion.toString(), modules: modules.toString('latin1') };
}

/** The list of modules stands between two marks of 16 bytes. */
function withoutFrame(modules: string): string {
  const isFramed = modules.length >= 33 && modules.at(-17) === '\n';
  return isFramed ? Buffer.from(modules.slice(16, -16), 'latin1').toString('utf8') : '';
}
