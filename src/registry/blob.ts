import type { Digest } from '../model/digest.ts';
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

/** The error where the bytes of an answer are not those of the digest that was asked for. */
export function otherBytes(verb: string, session: Session): RegistryError {
  return new RegistryError({
    code: 'digest-mismatch',
    message: `cannot ${verb}: ${session.registry.name} gave other bytes than those of the digest`,
    hint: 'Do not use the image before you know why; look at the registry and at proxies between it and this machine.',
  });
}
