import type { ZstdBinding } from 'zstd-codec/lib/zstd-codec-binding-wasm.js';

/** Compresses a block to a frame; undefined where it fails. What comes out is in memory that is used again. */
export async function loadZstdEncoder(): Promise<(bytes: Uint8Array, level: number) => Uint8Array | undefined> {
  // The module was made for CommonJS, and looks for its file by this name although it has everything inside.
  Object.assign(globalThis, { __dirname: '' });
  const { default: load } = await import('zstd-codec/lib/zstd-codec-binding-wasm.js');
  const target = { onRuntimeInitialized() {} };
  await new Promise<void>((resolve) => {
    target.onRuntimeInitialized = resolve;
    load(target);
  });
  const binding = target as unknown as ZstdBinding;
  const codec = new binding.ZstdCodec();
  const source = new binding.VectorU8();
  const result = new binding.VectorU8();
  return (bytes, level) => {
    binding.cloneToVector(source, bytes);
    result.resize(codec.compressBound(bytes.length), 0);
    const sizeBytes = codec.compress(result, source, level);
    if (sizeBytes <= 0) return undefined;
    result.resize(sizeBytes, 0);
    return binding.cloneAsTypedArray(result);
  };
}

/** What is used of zstd_decompress in WebAssembly; pointers and sizes are of 32 bits. */
interface DecoderExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(sizeBytes: number): number;
  free(pointer: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_DStreamOutSize(): number;
  /** What is still needed of the frame, or an error: a negative number as a signed one. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** Decodes the next bytes of frames, giving `use` each part, in memory that is used again; false where they are damaged. */
export async function loadZstdDecoder(use: (bytes: Uint8Array) => void): Promise<(bytes: Uint8Array) => boolean> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const decoder = new ZSTDDecoder();
  // The package's own streaming does not look at errors, so the functions of the reference library that it gets are called from here.
  const { _init } = decoder;
  let loaded: unknown;
  decoder._init = (result) => {
    _init(result);
    loaded = result.instance.exports;
  };
  await decoder.init();
  const zstd = loaded as DecoderExports;
  const context = zstd.ZSTD_createDCtx();
  const outputBytes = zstd.ZSTD_DStreamOutSize();
  const output = zstd.malloc(outputBytes);
  const [outputBuffer, inputBuffer] = [zstd.malloc(bufferBytes), zstd.malloc(bufferBytes)];
  return (bytes) => {
    const input = zstd.malloc(bytes.length);
    new Uint8Array(zstd.memory.buffer).set(bytes, input);
    new Uint32Array(zstd.memory.buffer, inputBuffer, 3).set([input, bytes.length, 0]);
    let isMore = true;
    let result = 0;
    while (isMore && result >= 0) {
      new Uint32Array(zstd.memory.buffer, outputBuffer, 3).set([output, outputBytes, 0]);
      result = zstd.ZSTD_decompressStream(context, outputBuffer, inputBuffer) | 0;
      const written = positionOf(zstd, outputBuffer);
      if (result >= 0 && written > 0) use(new Uint8Array(zstd.memory.buffer, output, written));
      isMore = written === outputBytes || positionOf(zstd, inputBuffer) < bytes.length;
    }
    zstd.free(input);
    return result >= 0;
  };
}

/** Of ZSTD_inBuffer and ZSTD_outBuffer: pointer, size, position. */
const bufferBytes = 12;

function positionOf(zstd: DecoderExports, buffer: number): number {
  return new DataView(zstd.memory.buffer).getUint32(buffer + 8, true);
}
