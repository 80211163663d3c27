import { createHash } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Access } from './authorization.ts';
import { RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';

/** Size in bytes of a blob, undefined where the repository does not have it. */
export async function headBlob(session: Session, digest: Digest, access: Access = 'push'): Promise<number | undefined> {
  const verb = `ask ${session.name} for a blob`;
  const isExpected = (status: number): boolean => status === 200 || status === 404;
  const { status, headers } = await session.send({ verb, method: 'HEAD', url: `blobs/${digest}`, access }, isExpected);
  return status === 404 ? undefined : Number(headers['content-length'] ?? 0);
}

/**
 * Reads a blob to `consume`, which has to read it to its end and counts only when this resolves: the bytes are then those of the
 * descriptor. `consume` is called anew for each try.
 */
export async function fetchBlob<T>(
  session: Session,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  consume: (content: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const verb = `read the blob ${digest} of ${session.name}`;
  const request = { verb, method: 'GET', url: `blobs/${digest}`, access: 'pull', maxBodyBytes: size } as const;
  const isExpected = (status: number): boolean => status === 200;
  return session.stream(request, isExpected, async ({ body }) => {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const chunk of body) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    }
    const value = await consume(hashed());
    if (sizeBytes !== size || `sha256:${hash.digest('hex')}` !== digest) throw otherBytes(verb, session);
    return value;
  });
}

/** The error where the bytes of an answer are not those of the digest that was asked for. */
export function otherBytes(verb: string, session: Session): RegistryError {
  return new RegistryError({
    code: 'digest-mismatch',
    message: `cannot ${verb}: ${session.registry.name} gave other bytes than those of the digest`,
    hint: 'Do not use the image before you know why; look at the registry and at proxies between it and this machine.',
  });
}
