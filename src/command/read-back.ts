import { readWhole } from '../lib/http-client.ts';
import { forEachParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Repository } from '../registry/repository.ts';
import { isSameLayer } from '../registry/tagged-layers.ts';
import { notaryArtifactType } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import type { Evidence, TaggedEvidence } from './evidence.ts';
import type { Signing } from './signing.ts';

const readsAtOnce = 4;

/** Reads everything back: that it is listed, that its bytes are ours, and that its signature holds. */
export async function verifyEvidence(
  repository: Repository,
  evidence: readonly Evidence[],
  signing: Signing | undefined,
  now: () => Date,
): Promise<void> {
  const list = new ReferrerLists(repository, evidence);
  await forEachParallel(evidence, readsAtOnce, async (item) => {
    if (item.form === 'tag') return verifyTagged(repository, item);
    const { artifact, descriptor } = item;
    const { subject, artifactType } = artifact;
    const { manifest } = await repository.fetchManifest(descriptor.digest);
    const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
    if (blob === undefined) throw notThere(repository, item, subject, 'it has no content');
    if (artifactType === notaryArtifactType) {
      const trusted = signing?.signer.certificateChain.slice(0, 1) ?? [];
      const bytes = await repository.fetchBlob(blob, readWhole);
      await verifyNotary({ bytes, mediaType: blob.mediaType }, subject, { now, trusted });
    } else await repository.fetchBlob(blob, readThrough);
    if (!(await list.of(subject.digest)).has(descriptor.digest)) throw notThere(repository, item, subject, 'it is not listed');
  });
}

/** What is listed of what was attached, each subject's list read once. */
class ReferrerLists {
  readonly #repository: Repository;
  readonly #attached: ReadonlySet<Digest>;
  readonly #lists = new Map<Digest, Promise<ReadonlySet<Digest>>>();

  constructor(repository: Repository, evidence: readonly Evidence[]) {
    this.#repository = repository;
    this.#attached = new Set(evidence.flatMap((item) => (item.form === 'referrer' ? [item.descriptor.digest] : [])));
  }

  of(subject: Digest): Promise<ReadonlySet<Digest>> {
    const known = this.#lists.get(subject);
    if (known !== undefined) return known;
    const list = this.#read(subject);
    this.#lists.set(subject, list);
    return list;
  }

  async #read(subject: Digest): Promise<ReadonlySet<Digest>> {
    const found = await this.#repository.findReferrers(subject, { isWanted: ({ digest }) => this.#attached.has(digest) });
    return new Set(found.map(({ digest }) => digest));
  }
}

async function verifyTagged(repository: Repository, item: TaggedEvidence): Promise<void> {
  const { subject, tag, layer } = item;
  const listed = await repository.listTaggedLayers(tag);
  const found = listed.find((other) => isSameLayer(other, layer));
  if (found === undefined) throw notThere(repository, item, subject, `it is not at the tag ${tag}`);
  await repository.fetchBlob(found, readThrough);
}

/** Digests are held against the bytes as they come: of a bill of materials with many packages nothing is kept. */
async function readThrough(content: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of content) void chunk;
}

function notThere(repository: Repository, { role }: Evidence, subject: Descriptor, reason: string): StepError {
  const what = role.kind === 'attestation' ? `attestation of the ${role.of.kind}` : role.kind;
  return new StepError({
    code: 'read-back',
    origin: 'registry',
    message: `cannot read the ${what} of ${repository.name}@${subject.digest} back: ${reason}`,
    hint: 'The registry accepted it and gives something else now. No tag was moved; look at the registry before the step runs again.',
  });
}
