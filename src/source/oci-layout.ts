import type { Descriptor } from '../model/image.ts';
import type { ArchiveDocuments } from './archive.ts';
import { manifestMaxBytes } from './document.ts';
import { parseLayoutIndex, verifyLayoutVersion } from './oci-document.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md, and what containerd adds to it. */
const nameAnnotations = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];

/** The descriptor of the image that `tag` names in a layout's index.json, or of the only one. */
export async function readLayoutRoot(files: ArchiveDocuments, tag: string | undefined, fail: SourceFailure): Promise<Descriptor> {
  if ((await files.find('index.json')) === undefined) {
    const isDocker = (await files.find('manifest.json')) !== undefined;
    throw isDocker
      ? fail(
          'source-unsupported',
          'it has a manifest.json, but no index.json',
          'It is an archive of docker save: name it docker-archive:FILE.',
        )
      : fail(
          'source-unsupported',
          'it has neither an index.json nor a manifest.json, so it is no image',
          'Give what docker buildx build --output type=oci,dest=FILE or skopeo copy wrote; a single layer or a root file system is none.',
        );
  }
  if ((await files.find('oci-layout')) !== undefined) {
    verifyLayoutVersion(await files.read('oci-layout', manifestMaxBytes), fail);
  }
  return selectImage(parseLayoutIndex(await files.read('index.json', manifestMaxBytes), fail), tag, fail);
}

function selectImage(listed: readonly Descriptor[], tag: string | undefined, fail: SourceFailure): Descriptor {
  const descriptors = listed.filter(({ annotations }) => !isAttached(annotations?.kind));
  const candidates = tag === undefined ? descriptors : descriptors.filter((descriptor) => isNamed(descriptor, tag));
  const [first] = candidates;
  const names = descriptors.map((descriptor) => quote(namesOf(descriptor)[0] ?? descriptor.digest));
  if (first === undefined) {
    throw tag === undefined
      ? fail('source-damaged', 'its index.json lists no image', hints.writeAgain)
      : fail('source-not-found', `it holds no image ${quote(tag)}`, `It holds ${names.join(', ')}.`);
  }
  if (candidates.some(({ digest }) => digest !== first.digest)) {
    const hint = `Add one of these to the name, after a colon: ${[...new Set(names)].join(', ')}.`;
    throw fail('source-ambiguous', `it holds ${candidates.length} images${tag === undefined ? '' : ` named ${quote(tag)}`}`, hint);
  }
  return first;
}

/** Signatures and attestations, by the kinds that `cosign save` writes: https://github.com/sigstore/cosign/blob/v3.1.3/pkg/oci/layout/write.go */
function isAttached(kind: string | undefined): boolean {
  return kind?.startsWith('dev.cosignproject.cosign/') === true && !/\/image(?:Index)?$/.test(kind);
}

function isNamed(descriptor: Descriptor, tag: string): boolean {
  return [...namesOf(descriptor), descriptor.digest].includes(tag);
}

function namesOf({ annotations }: Descriptor): readonly string[] {
  return nameAnnotations.flatMap((key) => annotations?.[key] ?? []);
}
