import { toClipped, toVisibleLine } from '../lib/visible-text.ts';
import type { CheckedImage, Verification } from '../model/verification.ts';
import type { TableOptions } from './table.ts';
import { toPainter } from './terminal.ts';
import { type Standing, standingOf, toConfirmationText, toPlaceText, toVerificationSentence } from './verification-text.ts';

/** Beyond, a terminal is no place to read them. */
const maxImages = 200;
const maxPlaces = 5;
const maxRemarks = 50;

/** The report of `verify` for a terminal. Control characters of what is quoted are written out. */
export function toVerificationTable(verification: Verification, { colour, columns }: TableOptions): string {
  const width = Math.max(60, Math.min(columns, 200));
  const paint = toPainter(colour);
  const { images, remarks, verdict, pinned } = verification;
  const words = { deny: 'DENIED', undecided: 'UNDECIDED', pass: 'VERIFIED' } as const;
  const line = (indent: number, text: string) => `${' '.repeat(indent)}${toClipped(toVisibleLine(text), width * 4)}`;
  const sorted = [...images].sort((a, b) => order[standingOf(a)] - order[standingOf(b)]);
  const open = [...remarks].sort((a, b) => Number(a.level === 'notice') - Number(b.level === 'notice'));
  const mark = (image: CheckedImage) => paint(marks[standingOf(image)], styles[standingOf(image)]);
  return [
    `${paint(words[verdict], styles[verdict])}  ${toVerificationSentence(verification)}`,
    ...sorted
      .slice(0, maxImages)
      .flatMap((image) => [
        '',
        `${mark(image)} ${line(0, image.reference)}`,
        ...(image.digest === undefined || image.reference.includes(image.digest) ? [] : [line(2, image.digest)]),
        ...image.uses.slice(0, maxPlaces).map((use) => line(2, `${toPlaceText(use)}  ${use.user}`)),
        ...(image.uses.length > maxPlaces ? [line(2, `and at ${image.uses.length - maxPlaces} more places`)] : []),
        ...image.failures.flatMap(({ policy, message, hint }) => [line(2, `${policy}: ${message}`), line(4, hint)]),
        ...image.warnings.map((warning) => line(2, `Warning: ${warning}`)),
        ...image.confirmed.map((confirmation) => line(2, toConfirmationText(confirmation))),
      ]),
    ...(sorted.length > maxImages ? ['', `and ${sorted.length - maxImages} more images in the JSON report`] : []),
    ...(open.length > 0 ? ['', paint(`Left open in the files (${open.length})`, 'bold')] : []),
    ...open.slice(0, maxRemarks).map((remark) => line(2, `${remark.level}: ${toPlaceText(remark)}  ${remark.reason}`)),
    ...(open.length > maxRemarks ? [line(2, `and ${open.length - maxRemarks} more in the JSON report`)] : []),
    ...(pinned.length > 0
      ? ['', paint('Digests written', 'bold'), ...pinned.map(({ file, digests }) => line(2, `${file}: ${digests}`))]
      : []),
  ].join('\n');
}

const order: Readonly<Record<Standing, number>> = { deny: 0, undecided: 1, pass: 2 };
const marks: Readonly<Record<Standing, string>> = { deny: '✗', undecided: '?', pass: '✓' };
const styles = { deny: 'red', undecided: 'yellow', pass: 'green' } as const;
