/** A content digest; only sha256 is accepted (OCI image-spec, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}`;

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Whether `text` is a well-formed sha256 digest. Anything from outside passes here before a path or URL is built from it. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && digestPattern.test(text);
}

/** The 64 hexadecimal digits of a digest. */
export function toHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
