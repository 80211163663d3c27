import { parseInstruction, toInstructionText } from '../lib/instruction-text.ts';
import { type CoverageGap, type Finding, severities } from '../model/finding.ts';
import type { LayerReport, PlatformReport, Report } from '../model/report.ts';
import { countSeverity } from './verdict-text.ts';

/** Version of the JSON report. Fields may be added to it; one that is taken away or changes its meaning makes a new version. */
export const reportSchemaVersion = 1;

/**
 * The report as JSON, with a line feed at its end; docs/report.md tells its fields and report.schema.json its form. It is written field by field, so
 * that a change of the model does not change what others read.
 */
export function toJson(report: Report): string {
  return `${JSON.stringify(toDocument(report), undefined, 2)}\n`;
}

function toDocument(report: Report) {
  const { verdict, advisories } = report;
  return {
    schemaVersion: reportSchemaVersion,
    tool: { name: 'image-custody', version: report.version },
    startedAt: report.startedAt,
    durationMs: Math.round(report.durationMs),
    image: report.image,
    digest: report.digest ?? null,
    takenFrom: report.takenFrom ?? null,
    verdict: {
      kind: verdict.kind,
      policy: { name: verdict.policy.name, digest: verdict.policy.digest },
      denials: verdict.denials.map(({ rule, finding, exception }) => ({ rule, fingerprint: finding.fingerprint, exception })),
      excepted: verdict.excepted.map(({ rule, finding, reason, expires }) => ({ rule, fingerprint: finding.fingerprint, reason, expires })),
      gaps: verdict.gaps.map(toGapDocument),
      notices: verdict.notices,
    },
    counts: Object.fromEntries([
      ['findings', report.findings.length],
      ...severities.map((severity) => [severity, countSeverity(report.findings, severity)]),
    ]),
    findings: report.findings.map(toFindingDocument),
    gaps: report.gaps.map(toGapDocument),
    platforms: report.platforms.map(toPlatformDocument),
    advisories: {
      source: advisories.source,
      packagesAsked: advisories.asked,
      newest: advisories.newest ?? null,
      created: advisories.created ?? null,
    },
    exploitation: { knownExploited: report.exploitation?.knownExploited ?? null, epss: report.exploitation?.epss ?? null },
    publication: toPublicationDocument(report),
  };
}

function toFindingDocument(finding: Finding) {
  return {
    fingerprint: finding.fingerprint,
    kind: finding.kind,
    severity: finding.severity,
    title: finding.title,
    remedy: finding.remedy,
    path: finding.path ?? null,
    layer: finding.layer ?? null,
    fromBase: finding.fromBase ?? null,
    platforms: finding.platforms,
    source: finding.attribution === undefined ? null : toSourceDocument(finding.attribution),
    ...toKindDocument(finding),
  };
}

function toSourceDocument({ instruction, file, line }: NonNullable<Finding['attribution']>) {
  return { instruction, file: file ?? null, line: line ?? null };
}

function toKindDocument(finding: Finding) {
  switch (finding.kind) {
    case 'vulnerability': {
      const { type, name, version, purl } = finding.package;
      return {
        advisory: finding.advisory,
        ids: finding.ids,
        url: finding.url,
        package: { type, name, version, purl, ecosystem: finding.package.ecosystem ?? null, path: finding.package.path },
        fixedVersion: finding.fixedVersion ?? null,
        cvss: finding.cvss === undefined ? null : { vector: finding.cvss.vector, score: finding.cvss.score },
        knownExploited: finding.knownExploited ?? null,
        epss: finding.epss === undefined ? null : { probability: finding.epss.probability, percentile: finding.epss.percentile },
      };
    }
    case 'secret':
      return { rule: finding.rule, preview: finding.preview, line: finding.line ?? null, deletedLater: finding.deletedLater };
    case 'malware':
      return { rule: finding.rule, deletedLater: finding.deletedLater };
    case 'misconfiguration':
      return { rule: finding.rule };
  }
}

function toGapDocument({ code, path, layer, reason }: CoverageGap) {
  return { code, path: path ?? null, layer: layer ?? null, reason };
}

function toPlatformDocument({ platform, operatingSystem, packages, base, layers }: PlatformReport) {
  const system =
    operatingSystem === undefined
      ? null
      : {
          id: operatingSystem.id,
          versionId: operatingSystem.versionId,
          prettyName: operatingSystem.prettyName,
          supportedUntil: operatingSystem.supportedUntil ?? null,
        };
  const { name, digest } = base;
  const baseImage = { name: name ?? null, digest: digest ?? null };
  return {
    platform,
    operatingSystem: system,
    packages,
    baseImage,
    layers: layers.map((layer, index) => ({ ...toLayerDocument(layer), fromBase: base.layers[index] ?? null })),
  };
}

/** Of the history only the instruction, without build arguments and whatever looks like a credential. */
function toLayerDocument({ diffId, digest, sizeBytes, instruction }: LayerReport) {
  const parsed = instruction === undefined ? undefined : parseInstruction(instruction.createdBy);
  return { diffId, digest, sizeBytes, instruction: parsed === undefined ? null : toInstructionText(parsed.keyword, parsed.rest) };
}

function toPublicationDocument({ publication }: Report) {
  if (publication.kind === 'none') return { kind: 'none', reason: publication.reason };
  const { references, signatures, sboms, bytesSent, bytesReused, resent } = publication;
  const attestations = publication.attestations.map(({ kind, subject, system, digest }) => ({ kind, subject, system, digest }));
  return { kind: 'published', references, signatures, sboms, attestations, bytesSent, bytesReused, uploadsSentAgain: resent };
}
