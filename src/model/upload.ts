import type { Digest } from './digest.ts';

/** Bytes on their way to a registry, held uncommitted until the verdict. */
export interface HeldUpload {
  /** Sends the next bytes; resolves when more can be taken. The buffer is not kept after it resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the bytes and waits until the registry has acknowledged them; nothing is committed. */
  hold(): Promise<void>;
  /** Makes the held bytes the blob `digest`. Once only, after `hold`. Rejects with code `upload-dropped` where the registry no longer has them. */
  commit(digest: Digest): Promise<void>;
  /** Gives the bytes up; the registry keeps nothing. May be called at any time, again and again; never rejects. */
  abort(): Promise<void>;
}
