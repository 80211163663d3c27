import { describe, expect, it } from 'vitest';
import { toAnnotations } from '../../src/report/annotations.ts';
import { payloads } from './payloads.ts';
import { deniedReport, hostileReport, hugeReport } from './report-fixture.ts';

describe('annotations', () => {
  it('puts what is refused first, on its line, with the rule that refuses it', () => {
    const annotations = toAnnotations(deniedReport());
    expect(annotations.map(({ level, title, file, line }) => [level, title, file, line])).toEqual([
      ['error', 'AWS access key AKIA…, refused by no-secrets', 'Dockerfile', 9],
      ['error', '3 vulnerabilities, refused by fail-on-high', 'Dockerfile', 5],
      ['warning', 'Policy', undefined, undefined],
      ['notice', 'CVE-2024-2961 in libc6 2.36-9', 'Dockerfile', 1],
      ['notice', 'The image runs as root', undefined, undefined],
    ]);
    expect(annotations[1]?.message.split('\n')[0]).toBe(
      'critical: CVE-2021-44906 in minimist 1.2.0 (srv/shop/node_modules/minimist/package.json), known to be exploited since 2021-12-10, EPSS 94.4 %: upgrade minimist to 1.2.6 (Prototype Pollution in minimist)',
    );
  });

  it('says what could not be looked at where that decides', () => {
    const report = deniedReport();
    const [first] = toAnnotations({ ...report, verdict: { ...report.verdict, kind: 'undecided', denials: [], gaps: report.gaps } });
    expect(first).toMatchObject({ level: 'error', title: 'Undecided: 1 thing could not be looked at' });
    expect(first?.message).toBe('damaged: opt/old/rpmdb.sqlite: not an SQLite database');
  });

  it('keeps every message within 4,096 characters, and says how many are left out', () => {
    const report = hugeReport(2000, 'y'.repeat(300));
    const onOneLine = report.findings.map((finding) => ({
      ...finding,
      attribution: { instruction: 'FROM x', file: 'Dockerfile', line: 1 },
    }));
    const denials = onOneLine.slice(0, 2000).map((finding) => ({ rule: 'r', finding, exception: '' }));
    const annotations = toAnnotations({ ...report, findings: onOneLine, verdict: { ...report.verdict, denials } });
    expect(annotations[0]?.title).toBe('2000 vulnerabilities, refused by r');
    expect(annotations[0]?.message).toMatch(/\n19\d\d more in the report\.$/);
    for (const { message } of annotations) expect(message.length).toBeLessThanOrEqual(4096);
  });

  it.each(payloads)('has no line of its own from %j', (payload) => {
    for (const { title, message } of toAnnotations(hostileReport(payload))) {
      expect(title).not.toMatch(/[\r\n\u2028\u2029\u0085\u001b\u202e]/);
      if (title !== 'Policy') for (const line of message.split('\n')) expect(line).toMatch(/^(critical|high|medium|low): /);
      expect(message).not.toMatch(/[\r\u2028\u2029\u0085\u001b\u202e]/);
    }
  });
});
