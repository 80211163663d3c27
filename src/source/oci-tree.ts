import { createHash } from 'node:crypto';
import { toHex } from '../model/digest.ts';
import { type Descriptor, platformText } from '../model/image.ts';
import type { SourceLayer } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { manifestMaxBytes } from './document.ts';
import { parseOciDocument } from './oci-document.ts';
import { hints, type SourceFailure } from './source-error.ts';

/** A manifest or index of a layout with what it names. */
export type OciNode =
  | { readonly kind: 'index'; readonly descriptor: Descriptor; readonly bytes: Buffer; readonly children: readonly OciNode[] }
  | OciManifest;

export interface OciManifest {
  readonly kind: 'manifest';
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Indexes in indexes, and manifests in all: more than any build writes. */
const depthLimit = 8;
const manifestLimit = 1024;

/** The name of a blob in a layout: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs */
export function toBlobPath({ digest }: Pick<Descriptor, 'digest'>): string {
  return `blobs/sha256/${toHex(digest)}`;
}

/** The name of a layer in its archive: layers of a kept manifest have their digest as key, those of docker save their name. */
export function toLayerPath({ key, descriptor }: SourceLayer): string {
  return descriptor === undefined ? key : toBlobPath(descriptor);
}

/** Reads the manifests of an image and holds each against its digest; throws where any is missing, naming the platforms. */
export async function readOciTree(root: Descriptor, files: ArchiveDocuments, fail: SourceFailure): Promise<OciNode> {
  const missing: Descriptor[] = [];
  let manifests = 0;

  async function readNode(descriptor: Descriptor, depth: number): Promise<OciNode | undefined> {
    if (depth > depthLimit || ++manifests > manifestLimit) {
      throw fail('source-damaged', `its index names more than ${manifestLimit} manifests, or others ${depthLimit} deep`, hints.writeAgain);
    }
    if ((await files.find(toBlobPath(descriptor))) === undefined) {
      missing.push(descriptor);
      return undefined;
    }
    const bytes = await readDocument(descriptor, manifestMaxBytes, files, fail);
    const document = parseOciDocument(bytes, descriptor, fail);
    if (document.kind === 'manifest') {
      return { ...document, descriptor, bytes };
    }
    const children: OciNode[] = [];
    for (const child of document.manifests) {
      const node = await readNode(child, depth + 1);
      if (node !== undefined) {
        children.push(node);
      }
    }
    return { kind: 'index', descriptor, bytes, children };
  }

  const tree = await readNode(root, 0);
  if (tree === undefined || missing.length > 0) {
    throw toMissingError(root, missing, fail);
  }
  return tree;
}

/** A document of the layout, held against size and digest of its descriptor. */
export async function readDocument(
  descriptor: Descriptor,
  maxBytes: number,
  files: ArchiveDocuments,
  fail: SourceFailure,
): Promise<Buffer> {
  const bytes = await files.read(toBlobPath(descriptor), maxBytes);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (digest !== descriptor.digest || bytes.length !== descriptor.size) {
    throw fail(
      'source-damaged',
      `the blob ${descriptor.digest} of ${descriptor.size} bytes has in truth ${bytes.length} bytes and the digest ${digest}`,
      hints.writeAgain,
    );
  }
  return bytes;
}

/** An attestation as BuildKit marks it: https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
export function isMarkedAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    (platform?.os === 'unknown' && platform.architecture === 'unknown') ||
    annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
  );
}

function toMissingError(root: Descriptor, missing: readonly Descriptor[], fail: SourceFailure) {
  if (missing.includes(root)) {
    return fail('source-incomplete', `it lacks the image's own manifest ${root.digest}`, hints.writeAgain);
  }
  const attestations = missing.filter(isMarkedAttestation).length;
  const platforms = missing
    .filter((descriptor) => !isMarkedAttestation(descriptor))
    .map(({ platform, digest }) => {
      return platform === undefined ? digest : platformText(platform);
    });
  const parts = [
    ...(platforms.length > 0 ? [`the platforms ${platforms.join(', ')}`] : []),
    ...(attestations > 0 ? [`${attestations} attestation${attestations === 1 ? '' : 's'}`] : []),
  ];
  return fail(
    'source-incomplete',
    `it holds only a part of the multi-platform image ${root.digest}: it lacks ${parts.join(' and ')}`,
    'Pull or build all platforms before saving; an archive of docker save can be named docker-archive:FILE, which takes the platform it has.',
  );
}
