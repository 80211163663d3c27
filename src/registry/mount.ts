import type { Digest } from '../model/digest.ts';
import { isRegistryError } from './registry-error.ts';
import type { Session } from './session.ts';
import { giveUp } from './upload-commit.ts';

/**
 * Takes a blob over from another repository of the same registry, so that none of its bytes is sent. False where the registry does not do
 * it, be it that it cannot or that this credential may not read there.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
 */
export async function mountBlob(session: Session, digest: Digest, from: string): Promise<boolean> {
  const verb = `take a blob over from ${session.registry.name}/${from} to ${session.name}`;
  const url = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const request = { verb, method: 'POST', url, access: { mountFrom: from }, onCancel: 'finish' } as const;
  try {
    const answer = await session.send(request, (status) => status === 201 || status === 202);
    if (answer.status === 201) {
      session.verifyDigest(verb, answer, digest);
      return true;
    }
    // It has begun an upload instead.
    const { location } = answer.headers;
    if (location !== undefined) await giveUp(session, session.locate(session.registry.origin, location));
    return false;
  } catch (error) {
    if (isRegistryError(error, 'unauthorized', 'forbidden', 'not-found', 'blob-unknown', 'refused')) return false;
    throw error;
  }
}
