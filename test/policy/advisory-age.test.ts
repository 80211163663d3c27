import { describe, expect, test } from 'vitest';
import { findStaleAdvisories } from '../../src/policy/advisory-age.ts';
import { builtinPolicy } from '../../src/policy/builtin-policy.ts';
import { decide } from '../../src/policy/decide.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';

const now = new Date('2026-11-23T12:00:00Z');
const policyOf = (age: string, more = '') =>
  parsePolicy(`version: 1\nextends: builtin\nadvisories:\n  max-age: ${age}\n${more}`, 'policy.yml');
const staleOf = (age: string, asOf: string | undefined) => findStaleAdvisories(policyOf(age), { source: 'app.snapshot', asOf }, now);

describe('max-age', () => {
  test.each([
    ['7d', '2026-11-16T12:00:00Z', true],
    ['7d', '2026-11-16T11:59:59Z', false],
    ['12h', '2026-11-23T00:00:00Z', true],
    ['12h', '2026-11-22T23:59:59Z', false],
    ['2w', '2026-11-09T12:00:00Z', true],
    ['2w', '2026-11-09T11:00:00Z', false],
    ['1h', '2026-11-23T18:00:00Z', true],
  ])('%s accepts advisories up to %s: %s', (age, asOf, isFresh) => {
    expect(staleOf(age, asOf)).toHaveLength(isFresh ? 0 : 1);
  });

  test('says how old they are', () => {
    expect(staleOf('7d', '2026-11-01T00:00:00Z')).toEqual([
      {
        code: 'stale-advisories',
        path: undefined,
        layer: undefined,
        reason:
          'the advisories of app.snapshot are older than the 7d that the policy allows: they know up to 2026-11-01T00:00:00Z, 22 days ago',
      },
    ]);
  });

  test.each([undefined, 'yesterday', '2099-01-01T00:00:00Z'])('nobody can tell how old advisories of %s are', (asOf) => {
    expect(staleOf('7d', asOf)).toMatchObject([{ reason: expect.stringMatching(/may be older .* nobody can tell how old they are/) }]);
  });

  test('no policy says nothing of it', () => {
    expect(findStaleAdvisories(builtinPolicy({ failOn: 'high' }), { source: 'x', asOf: undefined }, now)).toEqual([]);
  });

  test('stale advisories leave a run undecided, unless that is accepted', () => {
    const gaps = staleOf('7d', '2026-11-01T00:00:00Z');
    const accepted = 'gaps:\n  - code: stale-advisories\n    reason: The mirror is being moved.\n    expires: 2026-12-01\n';
    expect(decide({ policy: policyOf('7d'), findings: [], gaps, now })).toMatchObject({ kind: 'undecided', gaps });
    expect(decide({ policy: policyOf('7d', accepted), findings: [], gaps, now }).kind).toBe('pass');
  });

  test.each(['7', '0d', '1.5d', '7 days', '-1d', '99999d'])('%s is no age', (age) => {
    expect(() => policyOf(age)).toThrow(/policy\.yml:4:\d+: max-age must be a number of hours, days or weeks/);
  });

  test('is required where there are advisories, and nothing else is accepted', () => {
    expect(() => parsePolicy('version: 1\nextends: builtin\nadvisories: {}\n', 'policy.yml')).toThrow(/lacks the key "max-age"/);
    expect(() => parsePolicy('version: 1\nextends: builtin\nadvisories:\n  max-age: 7d\n  min-age: 1d\n', 'p')).toThrow(
      /unknown key "min-age"/,
    );
    expect(() => parsePolicy('version: 1\nextends: builtin\nadvisories:\n  - 7d\n', 'p')).toThrow(/must be a map/);
  });
});
