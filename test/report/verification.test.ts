import { describe, expect, it } from 'vitest';
import type { CheckedImage, DeploymentRemark, Failure, ImageUse, Verification } from '../../src/model/verification.ts';
import { toVerificationAnnotations } from '../../src/report/verification-annotations.ts';
import { toVerificationComment, toVerificationOutcome } from '../../src/report/verification-markdown.ts';
import { toVerificationTable } from '../../src/report/verification-table.ts';

const use = (line: number): ImageUse => ({ user: 'Pod web, container app', file: 'k8s/web.yaml', line, column: 5 });
const refused: Failure = { kind: 'deny', policy: 'trusted-key', code: 'unsigned', message: 'it has no signature', hint: 'Sign it.' };
const undecided: Failure = { ...refused, kind: 'undecided', policy: 'image', code: 'image-absent', message: 'it is not there' };
const remark = (level: DeploymentRemark['level'], line: number): DeploymentRemark => ({
  level,
  file: 'k8s/web.yaml',
  line,
  column: 1,
  reason: `${level} of ${line}`,
});

function image(reference: string, more: Partial<CheckedImage> = {}): CheckedImage {
  return { reference, digest: undefined, uses: [use(1)], failures: [], warnings: [], confirmed: [], ...more };
}

function verification(more: Partial<Verification>): Verification {
  return {
    images: [],
    remarks: [],
    verdict: 'deny',
    pinned: [],
    startedAt: '2026-11-29T00:00:00.000Z',
    durationMs: 1,
    version: '1.0.0',
    ...more,
  };
}

const table = (given: Verification) => toVerificationTable(given, { colour: false, columns: 100 });

describe('the report of verify', () => {
  const mixed = verification({
    images: [
      image('good:1'),
      image('absent:1', { failures: [undecided] }),
      image('bad:1', { failures: [refused, { ...refused, policy: 'digest', uses: [] }], uses: [use(2), use(3)] }),
    ],
    remarks: [...Array.from({ length: 60 }, (_, at) => remark('notice', at + 10)), remark('error', 99)],
  });

  it('says what is refused, and what besides is not known', () => {
    expect(table(mixed)).toMatch(/^DENIED {2}1 of 3 images is refused, and 2 things could not be found out\.\n/);
    expect(toVerificationComment(mixed, 60_000)).toContain('**1 of 3 images is refused, and 2 things could not be found out.**');
    expect(toVerificationOutcome(mixed)).toMatchObject({ conclusion: 'failure', title: 'Denied: 3 images' });
    expect(toVerificationOutcome(verification({ verdict: 'undecided' })).conclusion).toBe('failure');
    expect(toVerificationOutcome(verification({ verdict: 'pass', images: [image('good:1')] })).conclusion).toBe('success');
  });

  it('puts what matters first: refused, undecided, errors of files, notices', () => {
    const order = (text: string) => ['bad:1', 'absent:1', 'good:1'].map((name) => text.indexOf(name));
    expect(order(table(mixed))).toEqual(order(table(mixed)).toSorted((a, b) => a - b));
    expect(table(mixed)).toContain('error of 99');
    expect(table(mixed)).toContain('and 11 more in the JSON report');
    const annotations = toVerificationAnnotations(mixed);
    expect(annotations.slice(0, 4).map(({ level, line }) => [level, line])).toEqual([
      ['error', 2],
      ['error', 3],
      ['error', 1],
      ['error', 99],
    ]);
    expect(annotations[0]?.title).toBe('bad:1, refused by trusted-key');
  });

  it('fits its place, whatever files hold, and writes nothing of them as it is', () => {
    const hostile = '@everyone <img src=x> | `x` ##vso[task.complete]\n::error::x\u202E';
    const images = Array.from({ length: 300 }, (_, at) =>
      image(`${hostile}${at}`, { failures: [{ ...refused, message: hostile.repeat(30) }], warnings: [hostile] }),
    );
    const given = verification({ images, remarks: [{ ...remark('error', 1), file: hostile, reason: hostile }] });
    const comment = toVerificationComment(given, 60_000);
    expect(comment.length).toBeLessThanOrEqual(60_000);
    expect(Buffer.byteLength(toVerificationOutcome(given).summary)).toBeLessThanOrEqual(65_000);
    expect(comment.replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, '')).not.toMatch(/<img|@everyone|\n::error|\u202E/);
    for (const { title, message } of toVerificationAnnotations(given)) expect(`${title}${message}`).not.toMatch(/\u202E/);
    expect(table(given)).not.toMatch(/\n::error|\u202E/);
  });
});
