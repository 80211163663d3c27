import { describe, expect, it } from 'vitest';
import { toComment, toSummary } from '../../src/report/markdown-report.ts';
import { toRunOutcome } from '../../src/report/outcome.ts';
import { countElements, findIntruders, renderMarkdown, toPlainText } from './gfm.ts';
import { payloads } from './payloads.ts';
import { deniedReport, hostileReport, hugeReport, passedReport } from './report-fixture.ts';

const allPayloads = payloads.join(' ');

describe('comment', () => {
  it('tells a reviewer what is refused, why, and what to do', async () => {
    await expect(toComment(deniedReport(), 65_000)).toMatchFileSnapshot('../golden/comment-denied.golden.md');
  });

  it('tells a reviewer what is published', async () => {
    await expect(toComment(passedReport(), 65_000)).toMatchFileSnapshot('../golden/comment-passed.golden.md');
  });

  it('shows hostile text and does nothing of it', async () => {
    await expect(toComment(hostileReport(payloads.slice(0, 30).join(' ')), 65_000)).toMatchFileSnapshot(
      '../golden/comment-hostile.golden.md',
    );
  });

  it.each([...payloads, allPayloads])('lets %j do nothing', (payload) => {
    for (const kind of ['deny', 'undecided', 'pass'] as const) {
      const report = hostileReport(payload);
      const markdown = toComment({ ...report, verdict: { ...report.verdict, kind } }, 65_000);
      const dom = renderMarkdown(markdown);
      expect(findIntruders(dom)).toEqual([]);
      // The frame stands: every table, row and fold is where it is with harmless text.
      const harmless = renderMarkdown(toComment({ ...hostileReport('x'), verdict: { ...hostileReport('x').verdict, kind } }, 65_000));
      for (const element of ['table', 'tr', 'td', 'details', 'summary', 'h2', 'h3', 'pre', 'li', 'blockquote', 'sub']) {
        expect([element, countElements(dom, element)]).toEqual([element, countElements(harmless, element)]);
      }
    }
  });

  it('shows a name as it is', () => {
    const text = toPlainText(renderMarkdown(toComment(hostileReport('a*b_c|d`e'), 65_000)));
    expect(text).toContain('Denied: a*b_c|d`e');
  });

  it('links only to those who publish advisories', () => {
    const report = deniedReport();
    for (const url of [
      'https://evil.example/CVE-1',
      'http://osv.dev/vulnerability/X',
      'https://osv.dev@evil.example/',
      'javascript:alert(1)',
      'https://osv.dev/x)](y',
      'https://github.com/evil/repo',
      'constructor',
    ]) {
      const findings = report.findings.map((finding) => (finding.kind === 'vulnerability' ? { ...finding, url } : finding));
      const denials = report.verdict.denials.map((denial) => ({
        ...denial,
        finding: findings.find((it) => it.fingerprint === denial.finding.fingerprint) ?? denial.finding,
      }));
      const dom = renderMarkdown(toComment({ ...report, findings, verdict: { ...report.verdict, denials, excepted: [] } }, 65_000));
      expect([url, countElements(dom, 'a')]).toEqual([url, 0]);
    }
  });
});

describe('budget', () => {
  const texts = ['x', 'x'.repeat(3000), '😀'.repeat(200), 'ä|`'.repeat(50), '\u202e'.repeat(300)];
  it.each([0, 1, 100, 1000, 4000, 20_000, 65_000, 150_000])('keeps a comment within %i characters', (max) => {
    for (const text of texts) expect(toComment(hugeReport(150, text), max).length).toBeLessThanOrEqual(max);
    for (const payload of payloads) expect(toComment(hostileReport(payload), max).length).toBeLessThanOrEqual(max);
  });

  it.each([0, 100, 4000, 65_000, 1_044_480])('keeps a summary within %i bytes', (max) => {
    for (const text of texts) expect(Buffer.byteLength(toSummary(hugeReport(500, text), max))).toBeLessThanOrEqual(max);
  });

  it('keeps the summary of a check run within its limit', () => {
    for (const text of texts) expect(Buffer.byteLength(toRunOutcome(hugeReport(500, text)).summary)).toBeLessThanOrEqual(65_535);
  });

  it('says how many are left out, and where they are', () => {
    const comment = toComment(hugeReport(300, 'x'), 65_000);
    expect(comment).toContain('275 more refused findings: the summary of the run and the JSON report have them all.');
    expect(toSummary(hugeReport(300, 'x'), 1_000_000)).not.toContain('more refused');
  });

  it('never gives up the verdict before the lists', () => {
    expect(toComment(hugeReport(300, 'x'), 400)).toContain('300 of 900 findings are refused');
  });

  it('shows the most severe where it cannot show all', () => {
    const comment = toComment(deniedReport(), 1500);
    expect(comment).toContain('AWS access key');
    expect(comment.length).toBeLessThanOrEqual(1500);
  });
});

describe('outcome', () => {
  it('is a failure unless the verdict is a pass', () => {
    const report = deniedReport();
    expect(toRunOutcome(report)).toMatchObject({ conclusion: 'failure', title: 'Denied: 4 findings refused' });
    expect(toRunOutcome({ ...report, verdict: { ...report.verdict, kind: 'undecided', denials: [], gaps: report.gaps } })).toMatchObject({
      conclusion: 'failure',
      title: 'Undecided: 1 thing could not be looked at',
    });
    expect(toRunOutcome({ ...passedReport(), publication: { kind: 'none', reason: 'failed' } })).toMatchObject({
      conclusion: 'failure',
      title: 'Not published: publishing could not be finished',
      summary: expect.stringMatching(
        /^## ❌ Not published: .*\n\n\*\*None of 2 findings is refused, but the image could not be published; no tag was moved/,
      ),
    });
    expect(toRunOutcome(passedReport())).toMatchObject({ conclusion: 'success', title: 'Passed: 2 findings, none refused' });
  });
});
