/** One layer on its way through a compressor. */
export interface CompressedWriter {
  /** Takes the next bytes, which are not kept; resolves when more can be taken. */
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  /** Frees what it holds; to be called whatever became of it. */
  discard(): void;
}
