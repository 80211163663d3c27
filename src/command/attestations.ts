import { cycloneDxMediaType } from '../evidence/cyclonedx.ts';
import { type PredicateType, predicateTypes } from '../evidence/predicate-type.ts';
import { toProvenance } from '../evidence/provenance.ts';
import { toImagePurl } from '../evidence/sbom.ts';
import { type ScanAdvisories, type ScanReport, toScanReport } from '../evidence/scan-report.ts';
import { type Predicate, toStatementBytes } from '../evidence/statement.ts';
import { toExpiry, toVerdictSummary, type UsedException } from '../evidence/verdict-summary.ts';
import type { Host } from '../host/host.ts';
import type { Settings } from '../inputs/settings.ts';
import { type PublishedImage, publishedManifests } from '../layer/manifest.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { BuildRun } from '../model/build-run.ts';
import type { Digest } from '../model/digest.ts';
import type { EvidenceKind } from '../model/evidence-kind.ts';
import type { Finding } from '../model/finding.ts';
import { type Descriptor, type Platform, platformText } from '../model/image.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Destination } from './destinations.ts';
import type { Inspection } from './inspection.ts';
import { toNamedImage } from './named-image.ts';
import { type AttachedSbom, toSboms } from './sbom.ts';
import { toWorkspacePath } from './workspace-path.ts';
import type { World } from './world.ts';

/** What is said of one manifest, before anybody signs it. */
export interface Attestation {
  readonly kind: EvidenceKind;
  /** The image or index that it is about. */
  readonly subject: Descriptor;
  readonly predicateType: PredicateType;
  /** The statement's bytes. */
  readonly statement: Buffer;
  /** The bill of materials that the statement holds, where it is one. */
  readonly sbom: AttachedSbom | undefined;
}

/** What statements are made of. */
export interface AttestationFacts {
  readonly settings: Settings;
  readonly image: PublishedImage;
  readonly inspection: Inspection;
  readonly verdict: Verdict;
  readonly advisories: AdvisorySource;
  readonly destinations: readonly Destination[];
}

/** What is attached beside signatures. */
export interface Documents {
  /** By the digest of the manifest that each describes. */
  readonly sboms: ReadonlyMap<Digest, readonly AttachedSbom[]>;
  readonly attestations: readonly Attestation[];
}

/** One image or index. */
interface Subject {
  readonly descriptor: Descriptor;
  /** Undefined for an index. */
  readonly platform: Platform | undefined;
}

/**
 * The bills of materials, and what the input `attest` asks to be said of the outermost manifest and of that of each platform. The index has all findings, a platform
 * those that it is named in; bills of materials are of platforms alone. Equal for all destinations.
 */
export async function toDocuments(facts: AttestationFacts, host: Host, world: World): Promise<Documents> {
  const { settings, image, inspection, destinations } = facts;
  const sboms = toSboms(settings, image, inspection, destinations, world);
  const buildRun = settings.attest.includes('provenance') ? await world.environment.findBuildRun() : undefined;
  if (settings.isAttestNamed && settings.attest.includes('provenance') && buildRun === undefined)
    host.log('warning', 'No provenance is attested (input attest): nothing here says which run this is.');
  return { sboms, attestations: await toAttestations(facts, sboms, { buildRun, workspace: host.workspace }, world) };
}

async function toAttestations(
  facts: AttestationFacts,
  sboms: Documents['sboms'],
  { buildRun, workspace }: { readonly buildRun: BuildRun | undefined; readonly workspace: string },
  world: World,
): Promise<readonly Attestation[]> {
  const { settings, image, advisories } = facts;
  const asked = new Set(settings.attest);
  const source = asked.has('scan') ? await toScanAdvisories(facts, advisories, workspace) : undefined;
  const now = world.now().toISOString();
  return subjectsOf(image).flatMap((subject) => {
    const named = toNamedImage(settings, facts.destinations, subject.descriptor.digest, subject.platform);
    const attest = (kind: EvidenceKind, predicateType: PredicateType, predicate: Predicate, sbom?: AttachedSbom): Attestation => {
      const { mediaType, digest, size } = subject.descriptor;
      const statement = toStatementBytes({ name: named.name, digest }, predicateType, predicate);
      return { kind, subject: { mediaType, digest, size }, predicateType, statement, sbom };
    };
    const bills = asked.has('sbom') ? (sboms.get(subject.descriptor.digest) ?? []) : [];
    return [
      ...bills.map((sbom) => attest('sbom', toSbomType(sbom), sbom.bytes, sbom)),
      ...(buildRun === undefined ? [] : [attest('provenance', predicateTypes.provenance, toProvenance(buildRun, world.version))]),
      ...(source === undefined ? [] : [attest('scan', predicateTypes.scan, toScanReport(toReport(facts, subject, source, now, world)))]),
      ...(asked.has('verdict')
        ? [attest('verdict', predicateTypes.verdict, toSummary(facts, subject, toImagePurl(named) ?? '', now, world))]
        : []),
    ];
  });
}

function subjectsOf(image: PublishedImage): readonly Subject[] {
  const platforms = publishedManifests(image).flatMap(({ manifest: { descriptor }, image: source }) =>
    source.kind === 'attachment' ? [] : [{ descriptor, platform: source.config.platform }],
  );
  const outermost = image.kind === 'index' ? [{ descriptor: image.manifest.descriptor, platform: undefined }] : [];
  return [...new Map([...outermost, ...platforms].map((subject) => [subject.descriptor.digest, subject])).values()];
}

function toSbomType({ mediaType }: AttachedSbom): PredicateType {
  return mediaType === cycloneDxMediaType ? predicateTypes.cyclonedx : predicateTypes.spdx;
}

function isOf({ platform }: Subject, { platforms }: Finding): boolean {
  return platform === undefined || platforms.includes(platformText(platform));
}

async function toScanAdvisories({ inspection }: AttestationFacts, source: AdvisorySource, workspace: string): Promise<ScanAdvisories> {
  const { newest, created, asOf } = inspection.answer;
  return { source: toWorkspacePath(workspace, source.name), digest: await source.fetchDigest(), newest, created, asOf };
}

function toReport(
  { inspection, image }: AttestationFacts,
  subject: Subject,
  advisories: ScanAdvisories,
  scannedAt: string,
  { version }: World,
): ScanReport {
  const manifests = publishedManifests(image);
  const inspected = inspection.platforms.filter(
    ({ image: source }) =>
      subject.platform === undefined ||
      manifests.some((published) => published.image === source && published.manifest.descriptor.digest === subject.descriptor.digest),
  );
  return {
    findings: inspection.findings.filter((finding) => isOf(subject, finding)),
    gaps: inspection.gaps,
    platforms: inspected.map(({ image: { config } }) => platformText(config.platform)),
    packages: inspected.reduce((sum, { inventory }) => sum + inventory.packages.length, 0),
    scannedAt,
    version,
    advisories,
    exploitation: { knownExploited: inspection.exploited.knownExploited?.released, epss: inspection.exploited.epss?.scored },
  };
}

function toSummary({ verdict }: AttestationFacts, subject: Subject, resource: string, decidedAt: string, { version }: World): object {
  const exceptions: readonly UsedException[] = [
    ...verdict.excepted
      .filter(({ finding }) => isOf(subject, finding))
      .map(({ rule, finding, reason, expires }) => ({ rule, subject: finding.fingerprint, reason, expires })),
    ...verdict.acceptedGaps.map(({ gap, reason, expires }) => ({ rule: undefined, subject: gap.code, reason, expires })),
  ];
  const { kind, policy } = verdict;
  return toVerdictSummary({ kind, resource, policy, decidedAt, expires: toExpiry(exceptions), exceptions, version });
}
