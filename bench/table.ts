import { median } from './measure.ts';
import type { Row } from './session.ts';

/** The rows as a Markdown table. A ratio is the median over the rounds of a row's time to that of its reference in the same round. */
export function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { title, measurements, sentBytes } = row;
    const walls = measurements.map(({ wallMs }) => wallMs);
    const cells = [
      title,
      seconds(median(walls)),
      `${seconds(Math.min(...walls))} to ${seconds(Math.max(...walls))}`,
      toRatio(row, rows),
      seconds(median(measurements.map(({ cpuMs }) => cpuMs))),
      megabytes(median(measurements.map(({ peakBytes }) => peakBytes))),
      sentBytes === undefined ? '' : megabytes(sentBytes),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = '| | wall time, s | from, to | ratio | CPU time, s | peak memory, MB | sent, MB |';
  return [head, '|---|--:|--:|--:|--:|--:|--:|', ...lines].join('\n');
}

/** Empty where the reference was not measured. */
function toRatio({ title, reference, measurements }: Row, rows: readonly Row[]): string {
  const other = rows.find((row) => row.title === reference)?.measurements;
  if (other === undefined || title === reference) return '';
  const ratios = measurements.map(({ wallMs }, round) => wallMs / (other[round]?.wallMs ?? NaN));
  return `${median(ratios).toFixed(2)} × ${reference}`;
}

export function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}
