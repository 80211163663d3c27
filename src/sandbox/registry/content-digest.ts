import { createHash } from 'node:crypto';
import { RegistryError } from './registry-error.ts';

/** Algorithms of image-spec descriptor.md, "Registered algorithms", that every registry has to know. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** A digest whose form has been checked, so that a file name can be built from it. */
export interface ContentDigest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  /** `algorithm:hex`. */
  readonly text: string;
}

const digestPattern = /^(?:(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128}))$/;

/** Throws the 400 of an invalid or unsupported digest. */
export function parseContentDigest(text: string): ContentDigest {
  const match = digestPattern.exec(text);
  const algorithm = match?.[1] ?? match?.[3];
  const hex = match?.[2] ?? match?.[4];
  if (algorithm === undefined || hex === undefined) {
    throw new RegistryError(400, 'DIGEST_INVALID', 'not a sha256 or sha512 digest');
  }
  return { algorithm: algorithm as DigestAlgorithm, hex, text };
}

export function toContentDigest(algorithm: DigestAlgorithm, bytes: Uint8Array): ContentDigest {
  const hex = createHash(algorithm).update(bytes).digest('hex');
  return { algorithm, hex, text: `${algorithm}:${hex}` };
}
