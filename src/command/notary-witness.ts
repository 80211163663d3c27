import { X509Certificate } from 'node:crypto';
import { StepError } from '../lib/step-error.ts';
import type { Descriptor } from '../model/image.ts';
import { notaryArtifactType, thumbprintAnnotation, toThumbprint } from '../sign/notary/signature.ts';
import { type CertificateTrust, verifyNotary } from '../sign/notary/verification.ts';
import { fetchAttached, newestFirst, type ReadableRepository } from './attached-document.ts';
import { hearInOrder, type Testimony } from './testimony.ts';

/** Whose Notary Project signatures count, and by which policy. */
export interface NotaryWitnesses extends CertificateTrust {
  readonly policy: string;
}

/**
 * The Notary Project signatures of a manifest by those who are trusted. Signatures that say to be by them come first; the first that holds is enough.
 * Rejects with a RegistryError where the registry cannot be read.
 */
export async function hearNotary(repository: ReadableRepository, subject: Descriptor, witnesses: NotaryWitnesses): Promise<Testimony> {
  const thumbprints = witnesses.trusted.map(toThumbprint);
  const listed = newestFirst(await repository.listReferrers(subject.digest, notaryArtifactType));
  const isLikely = ({ annotations }: Descriptor) => thumbprints.some((print) => annotations?.[thumbprintAnnotation]?.includes(print));
  const order = [...listed.filter(isLikely), ...listed.filter((descriptor) => !isLikely(descriptor))];
  return await hearInOrder(witnesses.policy, order, async ({ digest }) => {
    const document = await fetchAttached(repository, digest);
    if (document === undefined) return undefined;
    try {
      const { certificateChain, signingTime } = await verifyNotary(document, subject, witnesses);
      return { kind: 'signature', signedBy: toSubject(certificateChain), digest, time: signingTime.toISOString() };
    } catch (error) {
      if (error instanceof StepError && error.origin === 'signature') return error;
      throw error;
    }
  });
}

/** On one line. */
function toSubject([leaf = new Uint8Array()]: readonly Uint8Array[]): string {
  return new X509Certificate(leaf).subject.split('\n').reverse().join(', ');
}
