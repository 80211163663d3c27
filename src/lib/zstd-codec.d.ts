/** The reference library of Zstandard as WebAssembly inside the file; what is used of it. */
declare module 'zstd-codec/lib/zstd-codec-binding-wasm.js' {
  /** Bytes in the module's memory. */
  interface VectorU8 {
    resize(length: number, fill: number): void;
  }
  interface ZstdDecompressStream {
    begin(): boolean;
    /** Gives what `bytes` decode to, a block at a time, in memory that is used again; false where they are damaged. */
    transform(bytes: Uint8Array, use: (bytes: Uint8Array) => void): boolean;
    delete(): void;
  }
  interface ZstdBinding {
    readonly VectorU8: new () => VectorU8;
    readonly ZstdCodec: new () => {
      compressBound(sizeBytes: number): number;
      /** Bytes written; negative where it failed. */
      compress(target: VectorU8, source: VectorU8, level: number): number;
    };
    readonly ZstdDecompressStreamBinding: new () => ZstdDecompressStream;
    cloneToVector(target: VectorU8, source: Uint8Array): void;
    cloneAsTypedArray(source: VectorU8): Uint8Array;
  }
  /** Makes a module; `onRuntimeInitialized` is called once `target` has its functions. */
  const load: (target: { onRuntimeInitialized: () => void }) => void;
  export default load;
  export type { VectorU8, ZstdBinding, ZstdDecompressStream };
}
