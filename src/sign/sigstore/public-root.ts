import { parseTrustedRoot, type TrustedRoot } from '../cosign/trusted-root.ts';

/**
 * What the public instance is trusted by. Nothing is downloaded to run, so a release of this program carries the target `trusted_root.json` of
 * https://tuf-repo-cdn.sigstore.dev (targets version 14, SHA-256 6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66), as
 * @sigstore/tuf 5.0.1 carries it. What the instance has begun to use since then is not trusted before a file says so.
 */
export async function openPublicRoot(): Promise<TrustedRoot> {
  const { default: root } = await import('./public-root.json', { with: { type: 'json' } });
  return parseTrustedRoot('of the public instance', Buffer.from(JSON.stringify(root)));
}
