import { mapParallel } from '../lib/parallel.ts';
import { type Descriptor, type Platform, platformText } from '../model/image.ts';
import { isMarkedAttestation } from './attestation.ts';
import type { OciContent } from './oci-content.ts';
import { parseOciDocument } from './oci-document.ts';
import type { OciNode } from './oci-node.ts';
import { PlatformChoice } from './platform-choice.ts';
import { hints, type SourceFailure } from './source-error.ts';

/** Indexes in indexes, and manifests in all: more than any build writes. */
const depthLimit = 8;
const manifestLimit = 1024;

/** Documents that are read at once: a registry takes its time for each. */
export const documentsAtOnce = 4;

/**
 * Reads the manifests of an image; throws where any is missing, naming the platforms. With `platforms` those of others are left out, whether
 * they are there or not, and what is left is an image of its own.
 */
export async function readOciTree(
  root: Descriptor,
  content: OciContent,
  platforms: readonly Platform[],
  fail: SourceFailure,
): Promise<OciNode> {
  const missing: Descriptor[] = [];
  const choice = platforms.length === 0 ? undefined : new PlatformChoice(platforms, content, fail, documentsAtOnce);
  let manifests = 0;

  async function readNode(descriptor: Descriptor, depth: number): Promise<OciNode | undefined> {
    if (depth > depthLimit || ++manifests > manifestLimit) {
      throw fail('source-damaged', `its index names more than ${manifestLimit} manifests, or others ${depthLimit} deep`, hints.writeAgain);
    }
    const bytes = await content.findManifest(descriptor);
    if (bytes === undefined) {
      missing.push(descriptor);
      return undefined;
    }
    const document = parseOciDocument(bytes, descriptor, fail);
    if (document.kind === 'manifest') {
      return { ...document, descriptor, bytes };
    }
    const index = { kind: 'index', descriptor, bytes } as const;
    const readChild = (child: Descriptor) => readNode(child, depth + 1);
    if (choice !== undefined) {
      return await choice.readIndex(index, document.manifests, readChild);
    }
    const children = await mapParallel(document.manifests, documentsAtOnce, readChild);
    return { ...index, children: children.filter((node) => node !== undefined) };
  }

  const read = await readNode(root, 0);
  if (missing.includes(root)) {
    throw fail('source-incomplete', `it lacks the image's own manifest ${root.digest}`, hints.writeAgain);
  }
  const tree = choice === undefined ? read : await choice.finish(read);
  if (tree === undefined || missing.length > 0) {
    throw toMissingError(root, missing, fail);
  }
  return tree;
}

function toMissingError(root: Descriptor, missing: readonly Descriptor[], fail: SourceFailure) {
  const attestations = missing.filter(isMarkedAttestation).length;
  const platforms = missing
    .filter((descriptor) => !isMarkedAttestation(descriptor))
    .map(({ platform, digest }) => {
      return platform === undefined ? digest : platformText(platform);
    })
    .toSorted();
  const parts = [
    ...(platforms.length > 0 ? [`the platforms ${platforms.join(', ')}`] : []),
    ...(attestations > 0 ? [`${attestations} attestation${attestations === 1 ? '' : 's'}`] : []),
  ];
  return fail(
    'source-incomplete',
    `it holds only a part of the multi-platform image ${root.digest}: it lacks ${parts.join(' and ')}`,
    'Name those that it has in the input platform, or pull or build all before saving. An archive of docker save can also be named docker-archive:FILE.',
  );
}
