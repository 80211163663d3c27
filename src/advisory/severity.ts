import { CVSS20, CVSS30, CVSS31, CVSS40 } from '@pandatix/js-cvss';
import type { Advisory } from '../model/advisory.ts';
import { type Severity, severities } from '../model/finding.ts';

export interface Rating {
  readonly severity: Severity;
  readonly cvss: { readonly vector: string; readonly score: number } | undefined;
}

/**
 * How severe records of one vulnerability call it: by the CVSS vector of the newest version that any of them has (of several, the highest
 * base score), else by the most severe word that their database or distribution gives, else `unknown`. `isConcerned` picks the entries whose
 * words count: a distribution may rate each release differently.
 */
export function rate(records: readonly Advisory[], isConcerned: (ecosystem: string) => boolean): Rating {
  const texts = records.flatMap((record) => severityTexts(record, isConcerned));
  const scored = texts.flatMap(({ type, score }) => (type.startsWith('CVSS_') ? (scoreVector(score.trim()) ?? []) : []));
  const [best] = scored.sort((a, b) => b.version - a.version || b.score - a.score);
  if (best !== undefined) {
    return { severity: toSeverity(best.score), cvss: { vector: best.vector, score: best.score } };
  }
  const words = [
    ...texts.flatMap(({ type, score }) => (type.startsWith('CVSS_') ? [] : [score])),
    ...records.flatMap((record) => [...severityWords(record, isConcerned), ...summaryWords(record)]),
  ];
  const ranked = words.flatMap((word) => severityOfWord.get(word.trim().toLowerCase()) ?? []);
  const [worst] = ranked.sort((a, b) => severities.indexOf(a) - severities.indexOf(b));
  return { severity: worst ?? 'unknown', cvss: undefined };
}

/** https://www.first.org/cvss/v4.0/specification-document, "Qualitative Severity Rating Scale"; a score of 0.0 is the mildest word that we have. */
function toSeverity(score: number): Severity {
  return score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
}

/**
 * GitHub's, Red Hat's, Debian's, Ubuntu's and Bitnami's words. `unimportant` (https://security-team.debian.org/security_tracker.html: the binary package
 * is not affected, or there is no security impact) and `negligible` are statements; `not yet assigned`, `untriaged` and `end-of-life` are none.
 */
const severityOfWord: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'critical'],
  ['high', 'high'],
  ['important', 'high'],
  ['medium', 'medium'],
  ['moderate', 'medium'],
  ['low', 'low'],
  ['negligible', 'low'],
  ['none', 'low'],
  ['unimportant', 'low'],
]);

function severityTexts({ severity = [], affected = [] }: Advisory, isConcerned: (ecosystem: string) => boolean) {
  const concerned = affected.filter((entry) => entry.package !== undefined && isConcerned(entry.package.ecosystem));
  return [...severity, ...concerned.flatMap((entry) => entry.severity ?? [])];
}

function severityWords(record: Advisory, isConcerned: (ecosystem: string) => boolean): string[] {
  const concerned = (record.affected ?? []).filter((entry) => entry.package !== undefined && isConcerned(entry.package.ecosystem));
  const sources = [record.database_specific, ...concerned.flatMap((entry) => [entry.ecosystem_specific, entry.database_specific])];
  const values = sources.flatMap((source) => wordMembers.map((member) => source?.[member]));
  return values.filter((value) => typeof value === 'string');
}

/** Rebuilds of Red Hat's system rate in the summary alone: `Important: kernel security update`. */
function summaryWords({ id, summary }: Advisory): string[] {
  const word = /^(?:ALSA|RLSA|RXSA|ELSA|RHSA)-/.test(id) ? /^([A-Za-z]{3,10}): /.exec(summary ?? '')?.[1] : undefined;
  return word === undefined ? [] : [word];
}

const wordMembers = ['severity', 'urgency', 'ubuntu_priority', 'priority'];

interface Score {
  readonly version: number;
  readonly vector: string;
  readonly score: number;
}

/** Base score of a vector; undefined where it is none, for a wrong vector says nothing. */
function scoreVector(text: string): Score | undefined {
  const vector = text.replace(/\/$/, '');
  try {
    switch (vector.slice(0, 9)) {
      case 'CVSS:4.0/':
        return { version: 4, vector, score: new CVSS40(vector).Score() };
      case 'CVSS:3.1/':
        return { version: 3.1, vector, score: new CVSS31(vector).BaseScore() };
      case 'CVSS:3.0/':
        return { version: 3, vector, score: new CVSS30(vector).BaseScore() };
      default:
        return { version: 2, vector, score: new CVSS20(vector.replace(/^\((.*)\)$/, '$1')).BaseScore() };
    }
  } catch {
    return undefined;
  }
}
