import { describe, expect, it } from 'vitest';
import type { CheckResult, Examination } from '../../src/model/check.ts';
import { toExaminationJson, toExaminationLines, toExaminationMarkdown, toExaminationTable } from '../../src/report/examination.ts';
import { countElements, findIntruders, renderMarkdown, toPlainText } from './gfm.ts';
import { payloads } from './payloads.ts';

const command = 'az keyvault certificate create --policy @policy.json --query "[].name | [0]"';

function examine(text: string): Examination {
  const results: CheckResult[] = [
    { name: 'node', state: 'right', text: 'fine' },
    { name: text, state: 'wrong', text, hint: text, code: 'object-missing' },
    { name: 'signature', state: 'skipped', text: `not looked at, for "${text}" is wrong` },
    { name: 'certificate dates', state: 'warning', text: 'soon', hint: command },
  ];
  return { results, isSound: false, startedAt: '2026-01-02T03:04:05.000Z', durationMs: 12, version: '1.2.3' };
}

describe('an examination', () => {
  it('is lines with what repairs it below', () => {
    expect(examine('secret X').results.flatMap(toExaminationLines)).toEqual([
      'ok       node: fine',
      'WRONG    secret X: secret X',
      '         secret X',
      'skipped  signature: not looked at, for "secret X" is wrong',
      'warning  certificate dates: soon',
      `         ${command}`,
    ]);
  });

  it('ends with how many are right, and has colours only where they are wanted', () => {
    expect(toExaminationTable(examine('x'), false)).toMatch(/\n\n4 checks, 1 right, 1 with a warning, 1 wrong, 1 skipped\.$/);
    expect(toExaminationTable(examine('x'), false)).not.toContain('\u001b');
    expect(toExaminationTable(examine('x'), true)).toContain('\u001b[1;31mWRONG\u001b[0m    x: x');
  });

  it.each(payloads)('lets %j do nothing', (payload) => {
    expect(toExaminationTable(examine(payload), false)).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/,
    );
    const dom = renderMarkdown(toExaminationMarkdown(examine(payload)));
    expect(findIntruders(dom)).toEqual([]);
    const harmless = renderMarkdown(toExaminationMarkdown(examine('x')));
    for (const element of ['table', 'tr', 'td', 'h2', 'pre', 'li'])
      expect([element, countElements(dom, element)]).toEqual([element, countElements(harmless, element)]);
  });

  it('shows a command in the summary as it has to be copied', () => {
    const markdown = toExaminationMarkdown(examine('x'));
    expect(toPlainText(renderMarkdown(markdown))).toContain(command);
    expect(markdown).not.toMatch(/\u200b(?=policy)/);
  });

  it('is JSON of the fields that docs/doctor.md tells', () => {
    expect(JSON.parse(toExaminationJson(examine('x')))).toEqual({
      schemaVersion: 1,
      tool: { name: 'image-custody', version: '1.2.3' },
      command: 'doctor',
      startedAt: '2026-01-02T03:04:05.000Z',
      durationMs: 12,
      sound: false,
      checks: [
        { name: 'node', state: 'right', text: 'fine', hint: null, code: null },
        { name: 'x', state: 'wrong', text: 'x', hint: 'x', code: 'object-missing' },
        { name: 'signature', state: 'skipped', text: 'not looked at, for "x" is wrong', hint: null, code: null },
        { name: 'certificate dates', state: 'warning', text: 'soon', hint: command, code: null },
      ],
    });
  });
});
