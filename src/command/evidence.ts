import { predicateTypeAnnotation } from '../evidence/predicate-type.ts';
import type { SigningSystem } from '../inputs/settings.ts';
import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import { forEachParallel } from '../lib/parallel.ts';
import type { Digest } from '../model/digest.ts';
import { createdAnnotation, type Descriptor } from '../model/image.ts';
import type { AttachedStatement } from '../model/report.ts';
import type { SignedDocument } from '../model/signed-document.ts';
import { type Artifact, type ArtifactLayer, digestOf, toArtifactManifest } from '../registry/artifact.ts';
import { toReferrersTag } from '../registry/referrers-tag.ts';
import type { Repository } from '../registry/repository.ts';
import { attestBundle, attestLayer } from '../sign/cosign/attestation.ts';
import { statementMediaType } from '../sign/cosign/dsse.ts';
import { signBundle, signLayer } from '../sign/cosign/signature.ts';
import { type NotaryLabel, signNotary, toNotaryLabel } from '../sign/notary/signature.ts';
import type { Attestation, Documents } from './attestations.ts';
import { findOwnAttestation, findOwnAttestationLayer } from './own-attestations.ts';
import { findOwnBundle, findOwnLayer, findOwnNotary } from './own-signatures.ts';
import type { AttachedSbom } from './sbom.ts';
import type { Signing } from './signing.ts';
import type { World } from './world.ts';

/** What evidence is made of. */
export interface EvidenceRequest extends Documents {
  readonly image: PublishedImage;
  /** Undefined: nothing is signed. */
  readonly signing: Signing | undefined;
}

/** One thing that is attached to a digest: an artifact that refers to it, or a layer of the image at its tag for what cosign 2 reads. */
export type Evidence = AttachedEvidence | TaggedEvidence;

/**
 * `signature` of the image, `sbom` and `statement` as they are, and what proves a statement: an `attestation` of cosign, which holds it, or the Notary Project
 * signature of the artifact that has it.
 */
export type EvidenceRole = { readonly kind: 'signature' | 'sbom' | 'statement' } | { readonly kind: 'attestation'; readonly of: Attested };

export type Attested = Omit<AttachedStatement, 'digest'>;

export interface AttachedEvidence {
  readonly form: 'referrer';
  readonly role: EvidenceRole;
  readonly artifact: Artifact;
  /** Of the artifact's manifest. */
  readonly descriptor: Descriptor;
}

export interface TaggedEvidence {
  readonly form: 'tag';
  readonly role: EvidenceRole;
  readonly subject: Descriptor;
  readonly tag: string;
  readonly layer: ArtifactLayer;
  /** The only repository that it is for, by the name that the signed document has; absent: all. */
  readonly repository?: string;
}

/**
 * Signs the outermost manifest and that of each platform, describes each platform's bill of materials, and attests what is said of them. Nothing is sent. Equal for
 * all destinations but for what names one of them (`evidenceFor`), so that a reference can be moved between them. A signature that one of them has already, by the same key in the same way, is taken over.
 */
export async function toEvidence(
  { image, signing, sboms, attestations }: EvidenceRequest,
  repositories: readonly Repository[],
  world: World,
): Promise<readonly Evidence[]> {
  const platforms = publishedManifests(image).filter(({ image: source }) => source.kind !== 'attachment');
  const subjects = new Map([image, ...platforms].map(({ manifest: { descriptor } }) => [descriptor.digest, descriptor]));
  const label = signing?.systems.includes('notation') ? toNotaryLabel(signing.signer, world.now()) : undefined;
  const bills = platforms.flatMap(({ manifest: { descriptor } }) =>
    (sboms.get(descriptor.digest) ?? []).map((sbom) => toReferrer({ kind: 'sbom' }, toSbomArtifact(descriptor, sbom, label))),
  );
  if (signing === undefined) return bills;
  const signatures = [...subjects.values()].map((subject) => signManifest(subject, signing, repositories, world));
  const statements = attestations.map((attestation) => attest(attestation, signing, repositories, world, label));
  const signed = await Promise.all([...signatures, ...statements]);
  return [...bills, ...signed.flat()];
}

/** What is attached in one repository. */
export function evidenceFor({ name }: Pick<Repository, 'name'>, evidence: readonly Evidence[]): readonly Evidence[] {
  return evidence.filter((item) => item.form === 'referrer' || (item.repository ?? name) === name);
}

/** Sends all of it at once, so that each tag is written once; blobs may be there already. Repeating it changes nothing. */
export async function attachEvidence(repository: Repository, evidence: readonly Evidence[]): Promise<void> {
  const artifacts = evidence.flatMap((item) => (item.form === 'referrer' ? [item.artifact] : []));
  const layers = new Map<string, ArtifactLayer[]>();
  for (const item of evidence) if (item.form === 'tag') layers.set(item.tag, [...(layers.get(item.tag) ?? []), item.layer]);
  const atTags = [...layers].map(
    ([tag, added]) =>
      () =>
        repository.upsertTaggedLayers(tag, added),
  );
  // All side by side, for each one waits until its tag stands still.
  await forEachParallel(
    [() => repository.attachReferrers(artifacts), ...atTags],
    1 + atTags.length,
    async (attach) => void (await attach()),
  );
}

/** Everything but the manifests. */
export function blobsOfEvidence(item: Evidence): readonly { readonly digest: Digest; readonly bytes: Uint8Array }[] {
  if (item.form === 'referrer') return toArtifactManifest(item.artifact).blobs;
  return [{ digest: digestOf(item.layer.bytes), bytes: item.layer.bytes }];
}

/** Of the artifact's manifest, or of the layer at a tag. */
export function digestOfEvidence(item: Evidence): Digest {
  return item.form === 'referrer' ? item.descriptor.digest : digestOf(item.layer.bytes);
}

/** Signatures of one manifest in each form that is asked for, not yet sent; those that one of the repositories has are taken over. */
export async function signManifest(
  { mediaType, digest, size }: Descriptor,
  signing: Signing,
  repositories: readonly Repository[],
  world: World,
  role: EvidenceRole = { kind: 'signature' },
): Promise<readonly Evidence[]> {
  const { signer, systems, format, lifetimeMs, metadata, cosignFormat, timestamping } = signing;
  const { now } = world;
  const subject = { mediaType, digest, size };
  // What no repository has nobody can have signed there.
  const held = await Promise.all(repositories.map((repository) => repository.headManifest(digest)));
  const places = repositories.filter((_, at) => held[at] !== undefined);
  const makers: (() => Promise<Evidence>)[] = [];
  if (systems.includes('notation')) {
    const agent = `image-custody/${world.version}`;
    makers.push(async () => {
      const own = await findFirst(places, (place) => findOwnNotary(place, subject, signing, now()));
      if (own !== undefined) return toReferrer(role, own);
      const timestamp = timestamping?.countersign;
      return toSigned(role, subject, await signNotary({ signer, subject, now, agent, format, lifetimeMs, metadata, timestamp }));
    });
  }
  const request = { signer, subject, metadata };
  if (systems.includes('cosign') && cosignFormat !== 'legacy') {
    makers.push(async () => {
      const own = await findFirst(places, (place) => findOwnBundle(place, subject, signing, now()));
      return own === undefined ? toSigned(role, subject, await signBundle(request, now)) : toReferrer(role, own);
    });
  }
  if (systems.includes('cosign') && cosignFormat !== 'bundle') {
    const tag = `${toReferrersTag(digest)}.sig`;
    // Podman and CRI-O hold the repository that is signed against the one that they pull from.
    for (const repository of new Set(repositories.map(({ name }) => name)))
      makers.push(async () => {
        const own = await findFirst(places, (place) => findOwnLayer(place, tag, subject, signing, repository));
        return { form: 'tag', role, subject, tag, layer: own ?? (await signLayer(request, repository)), repository };
      });
  }
  return Promise.all(makers.map((make) => make()));
}

/**
 * Signs a statement in each form that is asked for. For the Notary Project, which signs artifacts, it is attached as it is, or as the bill of materials that it
 * holds, and the artifact is signed: its subject binds it to the image.
 */
async function attest(
  attestation: Attestation,
  signing: Signing,
  repositories: readonly Repository[],
  world: World,
  label: NotaryLabel | undefined,
): Promise<readonly Evidence[]> {
  const { kind, subject, predicateType, statement } = attestation;
  const { signer, systems, cosignFormat } = signing;
  const of = (system: SigningSystem) => ({ kind: 'attestation', of: { kind, subject: subject.digest, system } }) as const;
  const request = { signer, statement, predicateType };
  const makers: (() => Promise<readonly Evidence[]>)[] = [];
  if (systems.includes('notation')) {
    const document = toDocument(attestation, label);
    const notation: Signing = { ...signing, systems: ['notation'] };
    makers.push(async () => {
      const signatures = await signManifest(document.descriptor, notation, repositories, world, of('notation'));
      return document.role.kind === 'sbom' ? signatures : [document, ...signatures];
    });
  }
  if (systems.includes('cosign') && cosignFormat !== 'legacy') {
    makers.push(async () => {
      const own = await findFirst(repositories, (place) => findOwnAttestation(place, attestation, signer));
      return [own === undefined ? toSigned(of('cosign'), subject, await attestBundle(request, world.now)) : toReferrer(of('cosign'), own)];
    });
  }
  if (systems.includes('cosign') && cosignFormat !== 'bundle') {
    const tag = `${toReferrersTag(subject.digest)}.att`;
    makers.push(async () => {
      const own = await findFirst(repositories, (place) => findOwnAttestationLayer(place, tag, attestation, signer));
      return [{ form: 'tag', role: of('cosign'), subject, tag, layer: own ?? (await attestLayer(request)) }];
    });
  }
  return (await Promise.all(makers.map((make) => make()))).flat();
}

/** Labelled as its signature will be: by that it is found among others of its type, however many there are. */
function toDocument({ kind, sbom, subject, predicateType, statement }: Attestation, label?: NotaryLabel): AttachedEvidence {
  if (sbom !== undefined) return toReferrer({ kind: 'sbom' }, toSbomArtifact(subject, sbom, label));
  // Provenance tells no time, so that of the same run it is the same artifact.
  const { [createdAnnotation]: created, ...undated } = label ?? {};
  const annotations = { [predicateTypeAnnotation]: predicateType, ...(kind === 'provenance' ? undated : label) };
  const layers = [toNamedLayer(statementMediaType, statement, `${kind}.intoto.json`, { [predicateTypeAnnotation]: predicateType })];
  return toReferrer({ kind: 'statement' }, { subject, artifactType: statementMediaType, annotations, layers });
}

async function findFirst<Found>(
  places: readonly Repository[],
  find: (place: Repository) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  for (const place of places) {
    const found = await find(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function toSigned(role: EvidenceRole, subject: Descriptor, { artifactType, annotations, mediaType, bytes }: SignedDocument): Evidence {
  return toReferrer(role, { subject, artifactType, annotations, layers: [{ mediaType, bytes }] });
}

function toSbomArtifact({ mediaType, digest, size }: Descriptor, sbom: AttachedSbom, label?: NotaryLabel): Artifact {
  const layers = [toNamedLayer(sbom.mediaType, sbom.bytes, sbom.title)];
  const labelled = label === undefined ? {} : { annotations: { ...label } };
  return { subject: { mediaType, digest, size }, artifactType: sbom.mediaType, layers, ...labelled };
}

/** With the name under which `oras pull` writes it, which leaves out what has none (image-spec annotations.md). */
function toNamedLayer(
  mediaType: string,
  bytes: Uint8Array,
  title: string,
  annotations: Readonly<Record<string, string>> = {},
): ArtifactLayer {
  return { mediaType, bytes, annotations: { 'org.opencontainers.image.title': title, ...annotations } };
}

function toReferrer(role: EvidenceRole, artifact: Artifact): AttachedEvidence {
  return { form: 'referrer', role, artifact, descriptor: toArtifactManifest(artifact).descriptor };
}
