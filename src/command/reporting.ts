import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Host } from '../host/host.ts';
import type { Settings, StepSettings } from '../inputs/settings.ts';
import type { OutputName } from '../inputs/table.ts';
import type { PublishedImage } from '../layer/manifest.ts';
import { StepError } from '../lib/step-error.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { Digest } from '../model/digest.ts';
import { platformText } from '../model/image.ts';
import type { PlatformReport, Publication, Report } from '../model/report.ts';
import type { Verdict } from '../model/verdict.ts';
import { toAnnotations } from '../report/annotations.ts';
import { toFailureMarkdown } from '../report/failure.ts';
import { toJson } from '../report/json.ts';
import { toComment, toSummary } from '../report/markdown-report.ts';
import { toRunOutcome } from '../report/outcome.ts';
import { toTable } from '../report/table.ts';
import type { InspectedPlatform, Inspection } from './inspection.ts';
import type { Receipt } from './publish.ts';
import type { World } from './world.ts';

/** What is known once the verdict is there. */
export interface Facts {
  readonly settings: Settings;
  readonly image: PublishedImage;
  readonly takenFrom: Digest | undefined;
  readonly inspection: Inspection;
  readonly advisories: AdvisorySource;
  readonly verdict: Verdict;
  readonly startedAt: Date;
  /** Milliseconds since then. */
  readonly elapsedMs: () => number;
}

export function toReport(facts: Facts, receipt: Receipt | undefined, world: World): Report {
  const { settings, image, inspection, advisories, verdict } = facts;
  return {
    image: settings.image,
    digest: toDigest(image, settings),
    takenFrom: facts.takenFrom,
    platforms: inspection.platforms.map(toPlatformReport),
    findings: inspection.findings,
    gaps: inspection.gaps,
    verdict,
    advisories: {
      source: advisories.name,
      asked: inspection.platforms.reduce((sum, { inventory }) => sum + inventory.packages.length, 0),
      newest: inspection.answer.newest,
      created: inspection.answer.created,
    },
    exploitation: { knownExploited: inspection.exploited.knownExploited?.released, epss: inspection.exploited.epss?.scored },
    publication: toPublication(verdict, settings, receipt),
    startedAt: facts.startedAt.toISOString(),
    durationMs: Math.round(facts.elapsedMs()),
    version: world.version,
  };
}

/** An image without a manifest of its own gets its digest by being published. */
function toDigest(image: PublishedImage, settings: Settings): Digest | undefined {
  const isMade = image.kind === 'manifest' && image.image.kind === 'made';
  return isMade && settings.push.length === 0 ? undefined : image.manifest.descriptor.digest;
}

function toPublication(verdict: Verdict, settings: Settings, receipt: Receipt | undefined): Publication {
  if (receipt !== undefined) return receipt;
  if (verdict.kind === 'deny') return { kind: 'none', reason: 'denied' };
  if (verdict.kind === 'undecided') return { kind: 'none', reason: 'undecided' };
  return { kind: 'none', reason: settings.push.length === 0 ? 'scan-only' : 'failed' };
}

/** Rejects with a StepError where the file of the input `report` cannot be written, before anything is done that it would not tell of. */
export async function probeReport(settings: Pick<StepSettings, 'report'>, host: Host): Promise<void> {
  if (settings.report === undefined) return;
  const path = reportPath(settings, host);
  const isNew = (await stat(path).catch(() => undefined)) === undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'a')).close();
    if (isNew) await rm(path);
  } catch (error) {
    throw new StepError({
      code: 'report-unwritable',
      origin: 'input',
      message: `Cannot write to ${JSON.stringify(settings.report)}, the file of the input report: ${reasonOf(error)}`,
      hint: `Give the path of a file that this job may write, relative to ${host.workspace}.`,
    });
  }
}

/** Gives the report to everything that was asked for. What cannot be written or posted is a warning: it changes nothing of what was done. */
export async function tellReport(report: Report, settings: Settings, host: Host): Promise<void> {
  const outcome = toRunOutcome(report);
  const { summaryFormat } = host;
  if (settings.annotations) await host.annotate(toAnnotations(report), outcome);
  if (settings.summary) {
    await host.summarise(summaryFormat.kind === 'table' ? toTable(report, summaryFormat) : toSummary(report, summaryFormat.maxBytes));
  }
  if (settings.comment && summaryFormat.kind === 'markdown') {
    await host.comment(toComment(report, summaryFormat.commentMaxCharacters), outcome);
  }
  for (const [name, value] of toOutputs(report)) host.output(name, value);
  if (host.kind !== 'shell' || settings.report !== undefined) {
    await writeReport(toJson(report), settings, host);
  }
}

/** Tells the pull request that the step failed before there was a verdict, so that an older comment does not stand for this run. */
export async function tellFailure(error: unknown, settings: Settings, host: Host): Promise<void> {
  if (host.summaryFormat.kind !== 'markdown') return;
  const failure = error instanceof StepError ? error : undefined;
  const markdown = toFailureMarkdown(settings.image, failure?.message, failure?.hint);
  if (settings.summary) await host.summarise(markdown);
  if (settings.comment) await host.comment(markdown, { conclusion: 'failure', title: 'Could not decide', summary: markdown });
}

function toOutputs(report: Report): readonly (readonly [OutputName, string])[] {
  const { findings, publication, verdict } = report;
  const published = publication.kind === 'published' ? publication : undefined;
  return [
    ['digest', report.digest ?? ''],
    ['references', (published?.references ?? []).join('\n')],
    ['verdict', verdict.kind],
    ['denied-by', [...new Set(verdict.denials.map(({ rule }) => rule))].join('\n')],
    ['findings', `${findings.length}`],
    ['critical', `${findings.filter(({ severity }) => severity === 'critical').length}`],
    ['high', `${findings.filter(({ severity }) => severity === 'high').length}`],
    ['sbom', (published?.sboms ?? []).join('\n')],
    ['signatures', (published?.signatures ?? []).join('\n')],
    ['attestations', (published?.attestations ?? []).map(({ digest }) => digest).join('\n')],
  ];
}

/** Writes a report in JSON, and says where. A file that cannot be written is a warning. */
export async function writeReport(json: string, settings: Pick<StepSettings, 'report'>, host: Host): Promise<void> {
  const path = reportPath(settings, host);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, json);
    host.output('report' satisfies OutputName, path);
  } catch (error) {
    host.log('warning', `Cannot write the report to ${JSON.stringify(path)}: ${reasonOf(error)}.`);
  }
}

export function reportPath(settings: Pick<StepSettings, 'report'>, host: Host): string {
  return settings.report === undefined ? join(host.temporaryFolder, 'image-custody-report.json') : resolve(host.workspace, settings.report);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

function toPlatformReport({ image, inventory, base, layers }: InspectedPlatform): PlatformReport {
  const instructions = image.config.history.filter(({ emptyLayer }) => !emptyLayer);
  return {
    platform: platformText(image.config.platform),
    operatingSystem: inventory.operatingSystem,
    packages: inventory.packages.length,
    base,
    layers: layers.map(({ diffId, digest, sizeBytes }, index) => ({
      diffId,
      digest,
      sizeBytes,
      instruction: instructions.length === layers.length ? instructions[index] : undefined,
    })),
  };
}
