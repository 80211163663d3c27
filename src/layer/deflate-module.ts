/** Arguments of `deflate` in wasm/deflate.ts: places in the memory, and numbers of bytes. */
export interface DeflateJob {
  readonly input: number;
  readonly blockBytes: number;
  readonly dictionaryBytes: number;
  readonly output: number;
  readonly last: boolean;
}

interface DeflateExports {
  init(): void;
  deflate(input: number, bytes: number, dictionaryBytes: number, output: number, last: boolean): number;
}

/** The compressor of wasm/deflate.ts in a memory: compresses a block, and gives the number of bytes that it has written. */
export function openDeflate(module: WebAssembly.Module, memory: WebAssembly.Memory): (job: DeflateJob) => number {
  const { init, deflate } = new WebAssembly.Instance(module, { env: { memory } }).exports as DeflateExports;
  init();
  return ({ input, blockBytes, dictionaryBytes, output, last }) => deflate(input, blockBytes, dictionaryBytes, output, last);
}
