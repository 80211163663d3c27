import { toAdvisoryFindings } from '../advisory/advisory-finding.ts';
import { cvesOf } from '../advisory/exploitation.ts';
import { attribute } from '../attribution/attribute.ts';
import { findBaseImage } from '../attribution/base-image.ts';
import type { LayerFacts, TarLayerFacts } from '../layer/pass.ts';
import type { AdvisoryAnswer, AdvisorySource } from '../model/advisory.ts';
import type { Exploitation, ExploitationSource } from '../model/exploitation.ts';
import { type CoverageGap, compareFindings, type Finding } from '../model/finding.ts';
import { type BaseImage, platformText } from '../model/image.ts';
import type { Inventory } from '../model/package.ts';
import { type KeptManifest, type MadeManifest, platformImages } from '../model/source.ts';
import { findStaleAdvisories } from '../policy/advisory-age.ts';
import type { Policy } from '../policy/policy.ts';
import type { PlatformReading } from '../reading/image-job.ts';
import type { ImageThread } from '../reading/image-thread.ts';
import type { Pass } from './pass.ts';
import type { DockerfileText } from './resources.ts';

/** What was found out about an image: of each platform, and of all together. */
export interface Inspection {
  readonly platforms: readonly InspectedPlatform[];
  /** Sorted by `compareFindings`; one that several platforms have is one. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly CoverageGap[];
  readonly answer: AdvisoryAnswer;
  readonly exploited: Exploitation;
}

export interface InspectedPlatform {
  readonly image: KeptManifest | MadeManifest;
  readonly inventory: Inventory;
  readonly base: BaseImage;
  readonly layers: readonly TarLayerFacts[];
}

export interface InspectionOptions {
  readonly advisories: AdvisorySource;
  readonly exploitation: ExploitationSource;
  readonly dockerfile: DockerfileText | undefined;
  /** Says how old advisories may be. */
  readonly policy: Policy;
  readonly now: Date;
}

/** Has the layers of each platform laid over each other, asks for advisories of all packages at once, and tells where in the Dockerfile findings come from. */
export async function inspect(
  pass: Pass,
  thread: ImageThread,
  { advisories, exploitation, dockerfile, policy, now }: InspectionOptions,
): Promise<Inspection> {
  const images = platformImages(pass.image);
  const readings = await thread.inspect(
    images.map(({ layers, config }) => ({ layers, config })),
    now,
  );
  const read = images.map((image, at) => toInspected(image, readings[at] as PlatformReading, pass.layers, dockerfile));
  const packages = read.flatMap(({ platform }) => platform.inventory.packages);
  const answer: AdvisoryAnswer = packages.length === 0 ? { matches: [], gaps: [], newest: undefined } : await advisories.match(packages);
  const exploited = await exploitation(cvesOf(answer.matches));
  const found = read.flatMap(({ platform: { image, inventory, base }, findings }) => {
    const packagesHere = new Set(inventory.packages);
    const matches = answer.matches.filter((match) => packagesHere.has(match.package));
    const all = [...findings, ...toAdvisoryFindings({ ...answer, matches }, [platformText(image.config.platform)], exploited)];
    return all.map((finding) => withOrigin(finding, base));
  });
  const histories = read.map(({ platform: { image, layers } }) => {
    return { platform: platformText(image.config.platform), history: image.config.history, layers: layers.length };
  });
  const findings = attribute(mergePlatforms(found), { images: histories, dockerfile });
  const age = { source: advisories.name, asOf: answer.asOf ?? answer.newest };
  const stale = packages.length === 0 ? [] : findStaleAdvisories(policy, age, now);
  return {
    platforms: read.map(({ platform }) => platform),
    findings: findings.toSorted(compareFindings),
    gaps: distinct([...read.flatMap(({ gaps }) => gaps), ...answer.gaps, ...stale]),
    answer,
    exploited,
  };
}

function toInspected(
  image: KeptManifest | MadeManifest,
  { inventory, gaps, findings }: PlatformReading,
  facts: ReadonlyMap<string, LayerFacts>,
  dockerfile: DockerfileText | undefined,
) {
  const layers = image.layers.flatMap(({ key }) => {
    const layer = facts.get(key);
    return layer?.kind === 'layer' ? [layer] : [];
  });
  const annotations = image.kind === 'kept' ? image.annotations : {};
  const { history } = image.config;
  const base = findBaseImage({ history, layers: layers.length, annotations, dockerfile: dockerfile?.text });
  const packages = inventory.packages.map((item) => withOrigin(item, base));
  return { platform: { image, inventory: { ...inventory, packages }, base, layers }, gaps, findings };
}

/** With the word whether it came with the base image, where that is known. */
function withOrigin<T extends { readonly layer: number | undefined }>(item: T, base: BaseImage): T {
  const fromBase = item.layer === undefined ? undefined : base.layers[item.layer];
  return fromBase === undefined ? item : { ...item, fromBase };
}

function mergePlatforms(findings: readonly Finding[]): readonly Finding[] {
  const merged = new Map<string, Finding>();
  for (const finding of findings) {
    const known = merged.get(finding.fingerprint);
    merged.set(finding.fingerprint, known === undefined ? finding : { ...known, platforms: [...known.platforms, ...finding.platforms] });
  }
  return [...merged.values()];
}

function distinct(gaps: readonly CoverageGap[]): readonly CoverageGap[] {
  return [...new Map(gaps.map((gap) => [JSON.stringify(gap), gap])).values()];
}
