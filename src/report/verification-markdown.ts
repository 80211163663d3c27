import type { CheckedImage, Verification } from '../model/verification.ts';
import { layOut, type Part } from './budget.ts';
import { toCellCode, toText } from './markdown.ts';
import { toCount } from './verdict-text.ts';
import { type Standing, standingOf, toConfirmationText, toPlaceText, toVerificationSentence } from './verification-text.ts';

/** GitHub refuses a check run whose summary is over 65,535 bytes. */
const outcomeMaxBytes = 65_000;
const commentRows = 50;
const summaryRows = 5000;

/** The comment on the pull request, in at most `maxCharacters` UTF-16 units whatever the deployment holds. */
export function toVerificationComment(verification: Verification, maxCharacters: number): string {
  return layOut(toParts(verification, commentRows), maxCharacters, (text) => text.length);
}

/** The summary of the run, in at most `maxBytes` bytes of UTF-8: the same with more rows. */
export function toVerificationSummary(verification: Verification, maxBytes: number): string {
  return layOut(toParts(verification, summaryRows), maxBytes, (text) => Buffer.byteLength(text));
}

/** As a check shows it; the same shape as the hosts' `RunOutcome`. Undecided is a failure: a neutral check would let a required one pass. */
export function toVerificationOutcome(verification: Verification) {
  const { images, verdict } = verification;
  const titles = { pass: 'Verified', deny: 'Denied', undecided: 'Undecided' } as const;
  return {
    conclusion: verdict === 'pass' ? ('success' as const) : ('failure' as const),
    title: `${titles[verdict]}: ${toCount(images.length, 'image')}`,
    summary: toVerificationSummary(verification, outcomeMaxBytes),
  };
}

/** What a pull request is told where the step ended before there was a verdict. Message and hint may quote files or a server. */
export function toVerificationFailure(message: string | undefined, hint: string | undefined): string {
  const reason = message === undefined ? 'The step failed in a way that it does not know; its log has the place.' : toText(message, 2000);
  return `## ⚠️ Could not verify\n\n**Nothing is known of these images.**\n\n${reason}${hint === undefined ? '' : `\n\n${toText(hint, 2000)}`}\n`;
}

const headings = { deny: '## ⛔ Denied', undecided: '## ❔ Undecided', pass: '## ✅ Verified' } as const;
const marks: Readonly<Record<Standing, string>> = { deny: '⛔', undecided: '❔', pass: '✅' };

function toParts(verification: Verification, maxRows: number): readonly Part[] {
  const { images, remarks, verdict, pinned, version } = verification;
  const failed = images.filter((image) => standingOf(image) !== 'pass');
  const passed = images.filter((image) => standingOf(image) === 'pass');
  const warned = images.filter(({ warnings }) => warnings.length > 0);
  return [
    `${headings[verdict]}\n\n**${toVerificationSentence(verification)}**\n\n`,
    ...(failed.length > 0 ? [toFailedPart(failed, maxRows)] : []),
    ...(remarks.length > 0 ? [toRemarkPart(remarks, maxRows)] : []),
    ...(warned.length > 0 ? [toWarningPart(warned, maxRows)] : []),
    ...(passed.length > 0 ? [toPassedPart(passed, maxRows)] : []),
    ...(pinned.length > 0 ? [toPinnedPart(pinned, maxRows)] : []),
    `<sub>Image Custody ${toText(version, 40)}, verify</sub>\n`,
  ];
}

function toFailedPart(images: readonly CheckedImage[], maxRows: number): Part {
  const rows = images.flatMap((image) =>
    image.failures.map(({ kind, policy, message, hint, uses = image.uses }) =>
      toRow([
        `${marks[kind]} ${toCellCode(image.reference)}`,
        toPlaces(uses),
        toCellCode(policy, 60),
        `${toText(message, 600)}. ${toText(hint, 300)}`,
      ]),
    ),
  );
  return {
    head: '| Image | Where | Policy | What is wrong |\n| :-- | :-- | :-- | :-- |\n',
    rows,
    foot: '\n',
    more: (count) => toRow([`${count} more`, '', '', 'the JSON report has them all']),
    maxRows,
  };
}

function toPassedPart(images: readonly CheckedImage[], maxRows: number): Part {
  return {
    head: `<details><summary>${toCount(images.length, 'image')} verified</summary>\n\n| Image | Digest | Where | Confirmed |\n| :-- | :-- | :-- | :-- |\n`,
    rows: images.map((image) =>
      toRow([
        `${marks.pass} ${toCellCode(image.reference)}`,
        toCellCode(image.digest ?? '', 80),
        toPlaces(image.uses),
        image.confirmed.map((confirmation) => toText(toConfirmationText(confirmation), 300)).join('<br>'),
      ]),
    ),
    foot: '\n</details>\n\n',
    more: (count) => toRow([`${count} more`, '', '', 'the JSON report has them all']),
    maxRows,
  };
}

function toRemarkPart(remarks: Verification['remarks'], maxRows: number): Part {
  const sorted = [...remarks].sort((a, b) => Number(a.level === 'notice') - Number(b.level === 'notice'));
  return {
    head: '**Left open in the files**\n\n',
    rows: sorted.map(
      (remark) => `- ${remark.level === 'error' ? '❔ ' : ''}${toCellCode(toPlaceText(remark), 200)} ${toText(remark.reason, 300)}\n`,
    ),
    foot: '\n',
    more: (count) => `- ${count} more\n`,
    maxRows,
  };
}

function toWarningPart(images: readonly CheckedImage[], maxRows: number): Part {
  return {
    head: '',
    rows: images.flatMap(({ reference, warnings }) =>
      warnings.map((warning) => `> ${toCellCode(reference)}: ${toText(warning, 400)}\n>\n`),
    ),
    foot: '\n',
    more: (count) => `> ${toCount(count, 'more warning')}\n`,
    maxRows,
  };
}

function toPinnedPart(pinned: Verification['pinned'], maxRows: number): Part {
  return {
    head: '**Digests written**\n\n',
    rows: pinned.map(({ file, digests }) => `- ${toCellCode(file, 200)}: ${digests}\n`),
    foot: '\n',
    more: (count) => `- ${toCount(count, 'more file')}\n`,
    maxRows,
  };
}

function toPlaces(uses: CheckedImage['uses']): string {
  const shown = uses.slice(0, 3).map((use) => toCellCode(toPlaceText(use), 150));
  return [...shown, ...(uses.length > 3 ? [`and ${uses.length - 3} more`] : [])].join('<br>');
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}
