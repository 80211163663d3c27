/** What is told by the first bytes of a file. */
type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'none';

/** How a layer or archive is compressed, whatever its name or media type says. */
export function detectCompression(head: Buffer): Compression {
  const found = magics.find(
    ({ magic }) => head.length >= magic.length && magic.every((byte, at) => byte === undefined || head[at] === byte),
  );
  return found?.name ?? 'none';
}

/** Bytes that `detectCompression` needs, where the file has as many. */
export const magicBytes = 6;

/** RFC 1952; RFC 8878 (frame, and skippable frame 0x184D2A5?); the other two are what Docker looks for. */
const magics: readonly { readonly name: Compression; readonly magic: readonly (number | undefined)[] }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b, 0x08] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  ...Array.from({ length: 16 }, (_, nibble) => ({ name: 'zstd' as const, magic: [0x50 + nibble, 0x2a, 0x4d, 0x18] })),
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68, undefined, 0x31, 0x41] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
];
