import type { Host } from '../host/host.ts';
import type { ReportSettings } from '../inputs/settings.ts';
import type { OutputName } from '../inputs/table.ts';
import { StepError } from '../lib/step-error.ts';
import type { Verification } from '../model/verification.ts';
import { toVerificationAnnotations } from '../report/verification-annotations.ts';
import { toVerificationJson } from '../report/verification-json.ts';
import {
  toVerificationComment,
  toVerificationFailure,
  toVerificationOutcome,
  toVerificationSummary,
} from '../report/verification-markdown.ts';
import { toVerificationTable } from '../report/verification-table.ts';
import { writeReport } from './reporting.ts';

/** Gives the report to everything that was asked for. What cannot be written or posted is a warning: it changes nothing of what was found out. */
export async function tellVerification(verification: Verification, settings: ReportSettings, host: Host): Promise<void> {
  const outcome = toVerificationOutcome(verification);
  const { summaryFormat } = host;
  if (settings.annotations) await host.annotate(toVerificationAnnotations(verification), outcome);
  if (settings.summary) {
    await host.summarise(
      summaryFormat.kind === 'table'
        ? toVerificationTable(verification, summaryFormat)
        : toVerificationSummary(verification, summaryFormat.maxBytes),
    );
  }
  if (settings.comment && summaryFormat.kind === 'markdown') {
    await host.comment(toVerificationComment(verification, summaryFormat.commentMaxCharacters), outcome);
  }
  for (const [name, value] of toOutputs(verification)) host.output(name, value);
  if (host.kind !== 'shell' || settings.report !== undefined) await writeReport(toVerificationJson(verification), settings, host);
}

/** Tells the pull request that the step failed before there was a verdict, so that an older comment does not stand for this run. */
export async function tellVerificationFailure(error: unknown, settings: ReportSettings, host: Host): Promise<void> {
  if (host.summaryFormat.kind !== 'markdown') return;
  const failure = error instanceof StepError ? error : undefined;
  const markdown = toVerificationFailure(failure?.message, failure?.hint);
  if (settings.summary) await host.summarise(markdown);
  if (settings.comment) await host.comment(markdown, { conclusion: 'failure', title: 'Could not verify', summary: markdown });
}

function toOutputs({ images, verdict }: Verification): readonly (readonly [OutputName, string])[] {
  const verified = images.flatMap(({ reference, digest, failures }) =>
    digest === undefined || failures.length > 0 ? [] : [reference.includes('@') ? reference : `${reference}@${digest}`],
  );
  const denials = images.flatMap(({ failures }) => failures.filter(({ kind }) => kind === 'deny').map(({ policy }) => policy));
  const [only] = images;
  return [
    ['digest', images.length === 1 ? (only?.digest ?? '') : ''],
    ['references', verified.join('\n')],
    ['verdict', verdict],
    ['denied-by', [...new Set(denials)].join('\n')],
  ];
}
