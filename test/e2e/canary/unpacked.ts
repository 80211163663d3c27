import { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

const gzip = Buffer.from([0x1f, 0x8b, 0x08]);
const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Each view of some bytes in which a canary may be read: as they are, without white space, and what is packed in them. */
export function viewsOf(bytes: Buffer, contentEncoding = ''): readonly Buffer[] {
  const views = [bytes, ...packed(bytes), ...(contentEncoding === 'br' ? attempt(() => brotliDecompressSync(bytes)) : [])];
  if (contentEncoding === 'deflate') views.push(...attempt(() => inflateSync(bytes)));
  return views.flatMap((view) => [view, ...unwrapped(view)]);
}

function packed(bytes: Buffer): readonly Buffer[] {
  const unpack = [
    ...positions(bytes, gzip).map((at) => () => gunzipSync(bytes.subarray(at), { finishFlush: constants.Z_SYNC_FLUSH })),
    ...positions(bytes, zstd).map((at) => () => zstdDecompressSync(bytes.subarray(at))),
  ];
  return unpack.flatMap(attempt);
}

/** Text of several lines, with everything that breaks a value over lines taken out. */
function unwrapped(bytes: Buffer): readonly Buffer[] {
  if (bytes.includes(0) || !bytes.includes(10)) return [];
  return [Buffer.from(bytes.toString('latin1').replace(/[\s\\]+|\\n|%0[AaDd]/g, ''), 'latin1')];
}

function positions(bytes: Buffer, magic: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(magic); at !== -1 && found.length < 16; at = bytes.indexOf(magic, at + 1)) found.push(at);
  return found;
}

/** Bytes that only look packed are none. */
function attempt(unpack: () => Buffer): readonly Buffer[] {
  try {
    return [unpack()];
  } catch {
    return [];
  }
}
