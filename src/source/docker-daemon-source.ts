import type { Digest } from '../model/digest.ts';
import type { Platform } from '../model/image.ts';
import type { ImageSource, SourceImage } from '../model/source.ts';
import { readDockerImage, readDockerManifest } from './docker-manifest.ts';
import { manifestMaxBytes } from './document.ts';
import type { GiveBytes, InspectedImage } from './found-image.ts';
import { LayoutContent } from './layout-content.ts';
import { parseLayoutIndex } from './oci-document.ts';
import { readOciImage } from './oci-image.ts';
import type { SourceFailure } from './source-error.ts';
import type { StreamedFiles } from './streamed-files.ts';
import { StreamedSource } from './streamed-source.ts';

/** An image of a Docker daemon, which sends it as one archive. */
export function createDaemonSource(
  name: string,
  image: InspectedImage,
  platforms: readonly Platform[],
  open: GiveBytes,
  fail: SourceFailure,
): ImageSource {
  const { id, layers, sizeBytes, keepsManifest } = image;
  return new StreamedSource({
    name,
    fail,
    plan: { layers, sizeBytes },
    keepsManifest,
    open,
    describe: (files) => (keepsManifest ? keptImage(files, id, platforms, fail) : madeImage(files, id, fail)),
  });
}

async function keptImage(files: StreamedFiles, id: Digest, platforms: readonly Platform[], fail: SourceFailure): Promise<SourceImage> {
  const descriptors = parseLayoutIndex(await files.read('index.json', manifestMaxBytes), fail);
  const root = descriptors.find(({ digest }) => digest === id);
  if (root === undefined) {
    throw otherImage(
      id,
      descriptors.map(({ digest }) => digest),
      fail,
    );
  }
  return await readOciImage(root, new LayoutContent(files, fail), platforms, fail);
}

/** Before API 1.48 a daemon does not say that its ids are those of manifests, so either will do. */
async function madeImage(files: StreamedFiles, id: Digest, fail: SourceFailure): Promise<SourceImage> {
  const entries = await readDockerManifest(files, fail);
  const found: Digest[] = [];
  for (const entry of entries) {
    const image = await readDockerImage(entry, files, fail);
    if (image.configDigest === id || (entries.length === 1 && isNamedByLayout(files, id, fail))) {
      return image;
    }
    found.push(image.configDigest);
  }
  throw otherImage(id, found, fail);
}

function isNamedByLayout({ documents }: StreamedFiles, id: Digest, fail: SourceFailure): boolean {
  const index = documents.get('index.json');
  return index !== undefined && parseLayoutIndex(index, fail).some(({ digest }) => digest === id);
}

function otherImage(id: Digest, found: readonly Digest[], fail: SourceFailure) {
  return fail(
    'source-changed',
    `the Docker daemon was asked for ${id} and gave ${found.join(', ') || 'nothing'}`,
    'Do not change the image while it is read, then try again.',
  );
}
