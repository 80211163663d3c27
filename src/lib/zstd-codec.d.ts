/** The reference library of Zstandard as WebAssembly inside the file; what is used of it. */
declare module 'zstd-codec/lib/zstd-codec-binding-wasm.js' {
  /** Bytes in the module's memory. */
  interface VectorU8 {
    resize(length: number, fill: number): void;
  }
  interface ZstdBinding {
    readonly VectorU8: new () => VectorU8;
    readonly ZstdCodec: new () => {
      compressBound(sizeBytes: number): number;
      /** Bytes written; negative where it failed. */
      compress(target: VectorU8, source: VectorU8, level: number): number;
    };
    cloneToVector(target: VectorU8, source: Uint8Array): void;
    cloneAsTypedArray(source: VectorU8): Uint8Array;
  }
  /** Makes a module; `onRuntimeInitialized` is called once `target` has its functions. */
  const load: (target: { onRuntimeInitialized: () => void }) => void;
  export default load;
  export type { ZstdBinding };
}
