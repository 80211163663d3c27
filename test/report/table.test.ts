import { describe, expect, it } from 'vitest';
import { toTable } from '../../src/report/table.ts';
import { payloads } from './payloads.ts';
import { deniedReport, hostileReport, hugeReport, passedReport } from './report-fixture.ts';

describe('table', () => {
  it('is readable', async () => {
    const plain = { colour: false, columns: 120 };
    await expect(`${toTable(deniedReport(), plain)}\n\n${toTable(passedReport(), plain)}\n`).toMatchFileSnapshot(
      '../golden/table.golden.txt',
    );
  });

  it('has colours only where they are wanted', () => {
    expect(toTable(deniedReport(), { colour: false, columns: 100 })).not.toContain('\u001b');
    expect(toTable(deniedReport(), { colour: true, columns: 100 })).toContain('\u001b[1;31mDENIED\u001b[0m');
  });

  it.each(payloads)('lets %j neither move the cursor nor break a line', (payload) => {
    const lines = toTable(hostileReport(payload), { colour: false, columns: 100 });
    expect(lines).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
    // Long texts of the policy are wrapped.
    if (payload.length < 80)
      expect(lines.split('\n').length).toBe(toTable(hostileReport('x'), { colour: false, columns: 100 }).split('\n').length);
  });

  it.each([60, 80, 120, 200])('keeps rows within %i columns', (columns) => {
    const lines = toTable(hugeReport(300, '界x'.repeat(200)), { colour: false, columns }).split('\n');
    const width = (line: string) => [...line].reduce((sum, character) => sum + (character === '界' ? 2 : 1), 0);
    for (const line of lines.filter((it) => /^ {2}(critical|high)/.test(it))) expect(width(line)).toBeLessThanOrEqual(columns);
  });

  it('says how many are left out', () => {
    expect(toTable(hugeReport(300, 'x'), { colour: false, columns: 100 })).toContain('and 100 more in the JSON report');
  });
});
