import type { Epss, EpssScores } from '../model/exploitation.ts';

/** Longest line; those of today have some 30 characters. */
const lineLimit = 4_096;
const rowPattern = /^(CVE-[0-9]{4}-[0-9]{4,}),([0-9.eE+-]{1,32}),([0-9.eE+-]{1,32})$/;

/**
 * Reads EPSS's daily scores (https://www.first.org/epss/data_stats, `epss_scores-current.csv`) line by line and keeps those of `cves`: the file has one for
 * each of 300,000 CVEs. Throws where it is none, or is cut off within a line that was asked for.
 */
export async function readEpss(bytes: AsyncIterable<Buffer>, cves: ReadonlySet<string>): Promise<EpssScores> {
  const scores = new Map<string, Epss>();
  let scored: string | undefined;
  let isHeaderRead = false;
  let rows = 0;
  for await (const line of linesOf(bytes)) {
    if (!isHeaderRead) {
      scored ??= /^#.*score_date:([0-9TZ:.+-]{10,40})/.exec(line)?.[1];
      isHeaderRead = line === 'cve,epss,percentile';
      if (!isHeaderRead && !line.startsWith('#')) break;
    } else if (line !== '') {
      rows += 1;
      const id = line.slice(0, Math.max(0, line.indexOf(',')));
      if (cves.has(id)) scores.set(id, parseRow(line));
      else if (!id.startsWith('CVE-')) throw new Error(`its row ${rows} is none of EPSS`);
    }
  }
  if (rows === 0) throw new Error('it is not the CSV file of EPSS with the columns cve, epss and percentile');
  return { scored, scores };
}

function parseRow(line: string): Epss {
  const [, , probability, percentile] = rowPattern.exec(line) ?? [];
  const [one, other] = [Number(probability), Number(percentile)];
  if (!(one >= 0 && one <= 1 && other >= 0 && other <= 1)) throw new Error(`its row of ${line.slice(0, 24)} is none of EPSS`);
  return { probability: one, percentile: other };
}

async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineLimit) throw new Error('it has a line that is too long');
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
