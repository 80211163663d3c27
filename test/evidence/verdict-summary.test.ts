import { describe, expect, test } from 'vitest';
import { parseVerdictSummary, toExpiry, toVerdictSummary, type VerdictSummary } from '../../src/evidence/verdict-summary.ts';

const own = 'https://github.com/image-custody/image-custody/attestations/verdict/v1';
const exceptions = [
  { rule: 'fail-on-high', subject: '0123456789abcdef', reason: 'never unpacks', expires: '2026-12-31' },
  { rule: undefined, subject: 'damaged', reason: 'a test file', expires: '2026-12-01' },
];
const verdict: VerdictSummary = {
  kind: 'pass',
  resource: `pkg:oci/shop@sha256%3A${'a'.repeat(64)}`,
  policy: { name: 'ops/.image custody.yml', digest: 'c'.repeat(64) },
  decidedAt: '2026-11-29T08:00:00.000Z',
  expires: '2026-12-01',
  exceptions,
  version: '1.0.0',
};

/** The parts of it that are changed. */
interface Predicate {
  verifier: object;
  policy: { digest?: object };
  [own]?: { exceptions: readonly object[] };
}

function changed(change: (predicate: Predicate) => void): unknown {
  const predicate = JSON.parse(JSON.stringify(toVerdictSummary(verdict)));
  change(predicate);
  return predicate;
}

describe('a verdict', () => {
  test('is read as it was written', () => {
    expect(parseVerdictSummary(changed(() => {}))).toStrictEqual(verdict);
    const plain = { ...verdict, expires: undefined, exceptions: [] };
    expect(parseVerdictSummary(JSON.parse(JSON.stringify(toVerdictSummary(plain))))).toStrictEqual(plain);
  });

  test.each(['deny', 'undecided'] as const)('%s is a verification that failed', (kind) => {
    const predicate = toVerdictSummary({ ...verdict, kind });
    expect(predicate).toMatchObject({ verificationResult: 'FAILED', verifiedLevels: ['FAILED'] });
    expect(parseVerdictSummary(predicate)).toStrictEqual({ ...verdict, kind });
  });

  test('is a verification summary of SLSA that claims no level of it', () => {
    expect(toVerdictSummary(verdict)).toMatchObject({
      verifier: { id: 'https://github.com/image-custody/image-custody' },
      timeVerified: verdict.decidedAt,
      resourceUri: verdict.resource,
      policy: {
        uri: 'https://github.com/image-custody/image-custody/policies/ops/.image%20custody.yml',
        digest: { sha256: verdict.policy.digest },
      },
      verificationResult: 'PASSED',
      verifiedLevels: ['IMAGE_CUSTODY_POLICY'],
    });
  });

  test('holds as long as the first of its exceptions', () => {
    expect(toExpiry(exceptions)).toBe('2026-12-01');
    expect(toExpiry([])).toBeUndefined();
  });

  test.each<readonly [string, string, (predicate: Predicate) => void]>([
    ['by another program', 'verifier.id', (it) => Object.assign(it.verifier, { id: 'https://example.com/verifier' })],
    ['that passed and denies', 'both', (it) => Object.assign(it[own] ?? {}, { verdict: 'deny' })],
    ['that failed and passes', 'both', (it) => Object.assign(it, { verificationResult: 'FAILED' })],
    ['with a result that is not known', 'verificationResult', (it) => Object.assign(it, { verificationResult: 'passed' })],
    ['without our fields', 'attestations/verdict/v1', (it) => delete it[own]],
    ['that holds longer than its exceptions', 'expiry', (it) => Object.assign(it[own] ?? {}, { expires: '2027-12-01' })],
    ['that holds for ever, with exceptions', 'expiry', (it) => Object.assign(it[own] ?? {}, { expires: null })],
    ['with an exception that never ends', 'expires', (it) => Object.assign(it[own]?.exceptions[0] ?? {}, { expires: null })],
    ['of a policy without digest', 'policy.digest', (it) => delete it.policy.digest],
    ['of no time', 'timeVerified', (it) => Object.assign(it, { timeVerified: '2026' })],
  ])('%s is refused', (_name, reason, change) => {
    expect(() => parseVerdictSummary(changed(change))).toThrow(
      expect.objectContaining({ code: 'evidence-unreadable', message: expect.stringContaining(reason) }),
    );
  });
});
