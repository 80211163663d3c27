import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Repository } from '../registry/repository.ts';
import { notaryArtifactType, thumbprintAnnotation, toThumbprint } from '../sign/notary/signature.ts';
import { isReadable, newestFirst } from './attached-document.ts';

export interface ListedSignatures {
  /** Digests of those that say to be by one of the certificates, newest first; anybody may have put many there. */
  readonly ours: readonly Digest[];
  /** Of all signatures, whoever they are by. */
  readonly total: number;
}

/** The Notary Project signatures of a manifest, before any of them is looked into. `certificates`: the leaf of a signer, or that of its authority. */
export async function listSignatures(
  repository: Repository,
  subject: Descriptor,
  certificates: readonly Uint8Array[],
): Promise<ListedSignatures> {
  const thumbprints = certificates.map(toThumbprint);
  const all = new Set<Digest>();
  const isWanted = (descriptor: Descriptor): boolean => {
    const { digest, annotations } = descriptor;
    all.add(digest);
    return isReadable(descriptor) && thumbprints.some((thumbprint) => annotations?.[thumbprintAnnotation]?.includes(thumbprint));
  };
  const ours = newestFirst(await repository.findReferrers(subject.digest, { artifactType: notaryArtifactType, isWanted }));
  return { ours: ours.map(({ digest }) => digest), total: all.size };
}
