import { createHash } from 'node:crypto';
import { forEachParallel } from '../lib/parallel.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, type Platform, platformText } from '../model/image.ts';
import { isSamePlatform } from '../model/platform.ts';
import { attestedDigest, isMarkedAttestation } from './attestation.ts';
import { parseImageConfig } from './image-config.ts';
import type { OciContent } from './oci-content.ts';
import { isImageConfig } from './oci-document.ts';
import type { OciIndex, OciManifest, OciNode } from './oci-node.ts';
import { quote, type SourceFailure } from './source-error.ts';

/** Throws where an image of one platform is not the only one that is wanted; without `wanted` any will do. */
export function verifyPlatform(platform: Platform, wanted: readonly Platform[], fail: SourceFailure): void {
  const absent = wanted.filter((one) => !isSamePlatform(one, platform));
  if (absent.length > 0) {
    throw platformAbsent(absent, new Set([platformText(platform)]), fail);
  }
}

/**
 * Leaves out of a multi-platform image what the input `platform` does not name. One platform that is named gives its manifest itself; several
 * give an index of their descriptors and of the attestations about them, which is the image's own where that is all of it.
 */
export class PlatformChoice {
  readonly #wanted: readonly Platform[];
  readonly #content: OciContent;
  readonly #fail: SourceFailure;
  readonly #atOnce: number;
  readonly #found = new Set<Platform>();
  /** Of the image, for the error. */
  readonly #has = new Set<string>();

  constructor(wanted: readonly Platform[], content: OciContent, fail: SourceFailure, documentsAtOnce: number) {
    this.#atOnce = documentsAtOnce;
    this.#wanted = wanted;
    this.#content = content;
    this.#fail = fail;
  }

  /** The part of an index that is wanted, read with `readChild`; undefined where there is none. */
  async readIndex(
    index: Omit<OciIndex, 'children'>,
    children: readonly Descriptor[],
    readChild: (child: Descriptor) => Promise<OciNode | undefined>,
  ): Promise<OciIndex | undefined> {
    const kept = new Map<Descriptor, OciNode>();
    const named = children.filter((child) => !isMarkedAttestation(child) && this.#isWanted(child.platform) !== false);
    await forEachParallel(named, this.#atOnce, async (child) => {
      const node = await readChild(child);
      // As containerd does: where the index does not say the platform, the configuration does.
      if (node !== undefined && (child.platform !== undefined || node.kind === 'index' || (await this.#isImageWanted(node)))) {
        kept.set(child, node);
      }
    });
    const images = new Set<Digest>([...kept.values()].map(({ descriptor }) => descriptor.digest));
    // Of one image only its manifest is taken, so nothing depends on whether its attestations are there.
    const attestations = this.#wanted.length > 1 || images.size > 1 ? children.filter((child) => isAbout(child, images)) : [];
    await forEachParallel(attestations, this.#atOnce, async (attestation) => {
      const node = await readChild(attestation);
      if (node !== undefined) {
        kept.set(attestation, node);
      }
    });
    return kept.size === 0 ? undefined : toKeptIndex(index, children, kept);
  }

  /** The image that is taken of what was read; throws where a platform that is wanted is not in it. */
  async finish(tree: OciNode | undefined): Promise<OciNode | undefined> {
    if (tree?.kind === 'manifest' && (!isImageConfig(tree.config) || (await this.#isImageWanted(tree)))) {
      this.#verifyFound(isImageConfig(tree.config));
      return tree;
    }
    this.#verifyFound(true);
    const images = new Map((tree === undefined ? [] : imagesOf(tree)).map((image) => [image.descriptor.digest, image]));
    const [only] = images.values();
    return this.#wanted.length === 1 && images.size === 1 ? only : tree;
  }

  /** Undefined where the platform is not known. */
  #isWanted(platform: Platform | undefined): boolean | undefined {
    if (platform === undefined) {
      return undefined;
    }
    this.#has.add(platformText(platform));
    const matches = this.#wanted.filter((wanted) => isSamePlatform(wanted, platform));
    for (const match of matches) {
      this.#found.add(match);
    }
    return matches.length > 0;
  }

  async #isImageWanted({ config }: OciManifest): Promise<boolean> {
    if (!isImageConfig(config)) {
      return false;
    }
    const { platform } = parseImageConfig(await this.#content.readConfig(config), `configuration ${config.digest}`, this.#fail);
    return this.#isWanted(platform) === true;
  }

  #verifyFound(isImage: boolean): void {
    const absent = isImage ? this.#wanted.filter((platform) => !this.#found.has(platform)) : [];
    if (absent.length > 0) {
      throw platformAbsent(absent, this.#has, this.#fail);
    }
  }
}

function isAbout(descriptor: Descriptor, images: ReadonlySet<Digest>): boolean {
  const about = attestedDigest(descriptor);
  return isMarkedAttestation(descriptor) && about !== undefined && images.has(about);
}

function imagesOf(node: OciNode): readonly OciManifest[] {
  if (node.kind === 'index') {
    return node.children.flatMap(imagesOf);
  }
  return isMarkedAttestation(node.descriptor) ? [] : [node];
}

/** The index of the kept children in its order, each as the index describes it; its own bytes where that is all of them. */
function toKeptIndex(index: Omit<OciIndex, 'children'>, children: readonly Descriptor[], kept: ReadonlyMap<Descriptor, OciNode>): OciIndex {
  const nodes = children.flatMap((child) => kept.get(child) ?? []);
  if (nodes.length === children.length && nodes.every(({ descriptor }, at) => descriptor.digest === children[at]?.digest)) {
    return { ...index, children: nodes };
  }
  // It has been read as an index before.
  const document = parseStrictJson(index.bytes, { maxBytes: index.bytes.length }) as { readonly manifests: readonly object[] };
  const manifests = children.flatMap((child, at) => {
    const node = kept.get(child)?.descriptor;
    const entry = document.manifests[at];
    if (node === undefined || entry === undefined) {
      return [];
    }
    return [node.digest === child.digest ? entry : { ...entry, digest: node.digest, size: node.size }];
  });
  const bytes = Buffer.from(JSON.stringify({ ...document, manifests }));
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { kind: 'index', descriptor: { ...index.descriptor, digest, size: bytes.length }, bytes, children: nodes };
}

function platformAbsent(absent: readonly Platform[], has: ReadonlySet<string>, fail: SourceFailure) {
  const names = absent.map(platformText).join(', ');
  const known = [...has].filter((name) => name !== 'unknown/unknown').map((name) => quote(name).slice(1, -1));
  const hint = known.length === 0 ? 'It says of no image which platform it is for.' : `It has ${known.join(', ')}.`;
  return fail('source-platform', `it has no image for ${names}, which the input platform names`, hint);
}
