import { toVisibleLine } from '../lib/visible-text.ts';
import type { CheckResult, CheckState, Examination } from '../model/check.ts';
import { toCellCode, toText } from './markdown.ts';
import { toPainter } from './terminal.ts';

/** Version of the JSON; docs/doctor.md tells its fields. */
export const examinationSchemaVersion = 1;

const maxCharacters = 4_000;

/** The results as JSON, with a line feed at its end. */
export function toExaminationJson({ results, isSound, startedAt, durationMs, version }: Examination): string {
  const document = {
    schemaVersion: examinationSchemaVersion,
    tool: { name: 'image-custody', version },
    command: 'doctor',
    startedAt,
    durationMs,
    sound: isSound,
    checks: results.map(({ name, state, text, hint, code }) => ({ name, state, text, hint: hint ?? null, code: code ?? null })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

const words: Readonly<Record<CheckState, string>> = { right: 'ok', warning: 'warning', wrong: 'WRONG', skipped: 'skipped' };
const styles = { right: 'green', warning: 'yellow', wrong: 'red', skipped: 'plain' } as const;
const wordWidth = 9;

/** A result as lines of a log; whoever prints them makes them harmless. */
export function toExaminationLines({ name, state, text, hint }: CheckResult): readonly string[] {
  return [`${words[state].padEnd(wordWidth)}${name}: ${text}`, ...(hint === undefined ? [] : [`${' '.repeat(wordWidth)}${hint}`])];
}

/** For a terminal: no line is cut, for it may be a command to copy. */
export function toExaminationTable(examination: Examination, colour: boolean): string {
  const paint = toPainter(colour);
  const lines = examination.results.flatMap((result) => {
    const [first = '', ...more] = toExaminationLines(result).map(toVisibleLine);
    const { length } = words[result.state];
    return [`${paint(first.slice(0, length), styles[result.state])}${first.slice(length)}`, ...more];
  });
  return [...lines, '', paint(toSentence(examination), examination.isSound ? 'green' : 'red')].join('\n');
}

/** For the summary of a run. */
export function toExaminationMarkdown(examination: Examination): string {
  const marks: Readonly<Record<CheckState, string>> = { right: '✅', warning: '⚠️', wrong: '❌', skipped: '⏭️' };
  const rows = examination.results.map(({ name, state, text, hint }) => {
    // As code, for it may be a command to copy.
    const repair = hint === undefined ? '' : `<br>${toCellCode(hint, maxCharacters)}`;
    return `| ${marks[state]} ${words[state]} | ${toText(name)} | ${toText(text, maxCharacters)}${repair} |`;
  });
  const title = `## ${examination.isSound ? '✅' : '❌'} Doctor: ${toSentence(examination)}`;
  return [title, '', '|  | check | what was found, and what repairs it |', '|---|---|---|', ...rows, ''].join('\n');
}

function toSentence({ results }: Examination): string {
  const count = (state: CheckState): number => results.filter((result) => result.state === state).length;
  const parts = [
    `${count('right')} right`,
    ...(count('warning') > 0 ? [`${count('warning')} with a warning`] : []),
    ...(count('wrong') > 0 ? [`${count('wrong')} wrong`] : []),
    ...(count('skipped') > 0 ? [`${count('skipped')} skipped`] : []),
  ];
  return `${results.length} checks, ${parts.join(', ')}.`;
}
