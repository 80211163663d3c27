import { readWhole } from '../lib/http-client.ts';
import type { Digest } from '../model/digest.ts';
import { createdAnnotation, type Descriptor } from '../model/image.ts';
import { type Artifact, digestOf, emptyConfig } from '../registry/artifact.ts';
import { isRegistryError, type RegistryErrorCode } from '../registry/registry-error.ts';
import type { Repository } from '../registry/repository.ts';

/** What is attached to a manifest by an artifact of one layer: a signature, a bill of materials, a statement. Nothing in it is verified. */
export interface AttachedDocument {
  /** Of the artifact's manifest. */
  readonly digest: Digest;
  readonly manifest: Buffer;
  /** Digest of its configuration. */
  readonly config: Digest;
  /** By image-spec manifest.md that of the configuration, where the manifest states none. */
  readonly artifactType: string;
  /** Of the artifact's manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What it says that it is attached to. */
  readonly subject: Descriptor | undefined;
  /** Of the layer, as are the bytes. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Of a signature or a statement; whoever attaches more is not read. */
export const maxDocumentBytes = 4 * 1024 * 1024;

/** Anybody may list what is not there, or damaged. */
const othersFaults: readonly RegistryErrorCode[] = ['not-found', 'manifest-invalid', 'digest-mismatch', 'blob-unknown'];

/** What reading a repository takes; a layout in a folder has it, too. */
export type ReadableRepository = Pick<Repository, 'name' | 'fetchManifest' | 'fetchBlob' | 'findReferrers' | 'listTaggedLayers'>;

/** Fetches what a referrers list names. Undefined where it is not there, damaged, too large or of another form: then it says nothing, and nobody's run ends for it. */
export async function fetchAttached(
  repository: Pick<Repository, 'fetchManifest' | 'fetchBlob'>,
  digest: Digest,
  maxBytes = maxDocumentBytes,
): Promise<AttachedDocument | undefined> {
  try {
    const { manifest, bytes: written } = await repository.fetchManifest(digest);
    const [layer, ...others] = manifest.kind === 'image' ? manifest.layers : [];
    if (manifest.kind !== 'image' || layer === undefined || others.length > 0 || layer.size > maxBytes) return undefined;
    const { artifactType = manifest.config.mediaType, annotations, subject } = manifest;
    const bytes = await repository.fetchBlob(layer, readWhole);
    return {
      digest,
      manifest: written,
      config: manifest.config.digest,
      artifactType,
      annotations,
      subject,
      mediaType: layer.mediaType,
      bytes,
    };
  } catch (error) {
    if (isRegistryError(error, ...othersFaults)) return undefined;
    throw error;
  }
}

/**
 * The artifact as it stands, whichever program wrote it: attaching it anew, also elsewhere, changes nothing. Undefined where it does not refer to the subject, or has a
 * configuration of its own, which is not handed on.
 */
export function toKeptArtifact(document: AttachedDocument, subject: Descriptor): Artifact | undefined {
  if (document.subject?.digest !== subject.digest || document.config !== digestOf(emptyConfig)) return undefined;
  const { artifactType, annotations, mediaType, bytes, manifest } = document;
  return { subject, artifactType, annotations, layers: [{ mediaType, bytes }], manifest };
}

/** Of the manifest of something attached: it names few layers. A registry takes sixteen times as much. */
const maxAttachedManifestBytes = 256 * 1024;

/** Whether something that is listed may be worth reading. Anybody may attach hundreds of manifests of the largest size. */
export function isReadable({ size }: Descriptor): boolean {
  return size <= maxAttachedManifestBytes;
}

/** Gives what refers to a digest and is readable to `visit` as the list is read, and keeps none of it. What is listed twice is given twice. */
export async function visitReferrers(
  repository: Pick<Repository, 'findReferrers'>,
  subject: Digest,
  visit: (referrer: Descriptor) => void,
): Promise<void> {
  const isWanted = (referrer: Descriptor): boolean => {
    if (isReadable(referrer)) visit(referrer);
    return false;
  };
  await repository.findReferrers(subject, { isWanted });
}

/** By the time that their annotations state; those that state none last. */
export function newestFirst(listed: readonly Descriptor[]): readonly Descriptor[] {
  return listed.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : createdAt(a) > createdAt(b) ? -1 : 0));
}

/** The time that its annotation states; empty where it states none. */
export function createdAt(attached: Pick<Descriptor, 'annotations'> | undefined): string {
  return attached?.annotations?.[createdAnnotation] ?? '';
}
