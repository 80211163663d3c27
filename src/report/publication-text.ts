import type { Digest } from '../model/digest.ts';
import type { EvidenceKind } from '../model/evidence-kind.ts';
import type { Report } from '../model/report.ts';
import type { Part } from './budget.ts';
import { toCode, toText } from './markdown.ts';
import { toCount } from './verdict-text.ts';

/** What was published, and with what evidence; nothing where nothing was. */
export function toPublicationPart({ publication }: Report): readonly Part[] {
  if (publication.kind === 'none') return [];
  const { references, signatures, attestations } = publication;
  const rows = [
    ...references.map((reference) => `- ${toCode(reference, 600)}\n`),
    ...signatures.map((digest) => `- signature ${toCode(digest)}\n`),
    ...unsignedSboms(publication).map((digest) => `- SBOM ${toCode(digest)}\n`),
    ...attestations.map(({ kind, system, digest }) => `- signed ${statementNames[kind]} ${toCode(digest)} (${system})\n`),
  ];
  return [{ head: '### Published\n\n', rows, foot: '\n', more: (count) => `- ${count} more\n`, maxRows: 100 }];
}

/** The bills of materials that are not themselves among the signed statements. */
export function unsignedSboms({ sboms, attestations }: Published): readonly Digest[] {
  const signed = new Set(attestations.map(({ digest }) => digest));
  return sboms.filter((digest) => !signed.has(digest));
}

type Published = Extract<Report['publication'], { kind: 'published' }>;

/** What a signed statement is called. */
export const statementNames: Readonly<Record<EvidenceKind, string>> = {
  sbom: 'SBOM',
  provenance: 'provenance',
  scan: 'scan report',
  verdict: 'verdict',
};

/** One small line: what was looked at, with what, and for how long. */
export function toFooterPart(report: Report): Part {
  const { digest, takenFrom, platforms, advisories, verdict, durationMs, version } = report;
  const packages = platforms.reduce((sum, platform) => sum + platform.packages, 0);
  const layers = new Set(platforms.flatMap((platform) => platform.layers.map((layer) => layer.diffId))).size;
  const systems = [...new Set(platforms.flatMap(({ operatingSystem }) => operatingSystem?.prettyName ?? []))];
  const policy = verdict.policy.name === 'builtin' ? 'built-in policy' : `policy ${toCode(verdict.policy.name)}`;
  const newest = advisories.newest === undefined ? '' : ` of ${toText(advisories.newest.slice(0, 10))} and before`;
  const created = advisories.created === undefined ? '' : `, a snapshot made on ${toText(advisories.created.slice(0, 10))}`;
  const parts = [
    ...(digest === undefined ? [] : [toCode(digest)]),
    ...(takenFrom === undefined ? [] : [`of the multi-platform image ${toCode(takenFrom)}`]),
    ...systems.slice(0, 3).map((system) => toText(system, 60)),
    ...(platforms.length > 1 ? [toText(platforms.map(({ platform }) => platform).join(', '), 300)] : []),
    `${toCount(packages, 'package')} in ${toCount(layers, 'layer')}`,
    `advisories ${toText(advisories.source)}${newest}${created}`,
    `${policy} ${toCode(verdict.policy.digest.slice(0, 12))}`,
    `${(durationMs / 1000).toFixed(1)} s`,
    `Image Custody ${toText(version, 30)}`,
  ];
  return `<sub>${parts.join(' · ')}</sub>\n`;
}
