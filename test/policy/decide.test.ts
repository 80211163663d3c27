import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { Finding, Severity } from '../../src/model/finding.ts';
import { builtinPolicy, failOnValues } from '../../src/policy/builtin-policy.ts';
import { decide } from '../../src/policy/decide.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';
import { gap, malware, misconfiguration, secret, vulnerability } from './findings.ts';

const now = new Date('2026-11-23T12:00:00Z');

function verdictOf(policy: Policy | string, findings: readonly Finding[], gaps = [] as Parameters<typeof decide>[0]['gaps']) {
  return decide({ policy: typeof policy === 'string' ? parsePolicy(policy, '.image-custody.yml') : policy, findings, gaps, now });
}

function rules(deny: string): string {
  return `version: 1\nrules:\n  - name: it\n    deny: ${deny}\n`;
}

describe('the built-in policy', () => {
  const levels: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'unknown'];

  test.each(failOnValues.map((failOn, index) => [failOn, levels.slice(0, failOn === 'none' ? 0 : index + 1)] as const))(
    'fail-on %s denies vulnerabilities that are %j',
    (failOn, denied) => {
      const verdict = verdictOf(
        builtinPolicy({ failOn }),
        levels.map((severity) => vulnerability({ severity })),
      );
      expect(verdict.denials.map(({ finding }) => finding.severity)).toEqual(denied);
      expect(verdict.kind).toBe(denied.length === 0 ? 'pass' : 'deny');
    },
  );

  test('any secret and any malware is denied, whatever fail-on says; misconfigurations are not', () => {
    const verdict = verdictOf(builtinPolicy({ failOn: 'none' }), [
      secret({ severity: 'low', deletedLater: true }),
      malware(),
      misconfiguration(),
    ]);
    expect(verdict.denials.map(({ rule, finding }) => [rule, finding.kind])).toEqual([
      ['builtin/secrets', 'secret'],
      ['builtin/malware', 'malware'],
    ]);
  });

  test('says which policy it was', () => {
    const { policy } = verdictOf(builtinPolicy({ failOn: 'high' }), []);
    expect(policy.name).toBe('builtin');
    expect(policy.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(policy.digest).not.toBe(builtinPolicy({ failOn: 'low' }).digest);
  });
});

describe('gaps', () => {
  const accepting = (fields: string) => `version: 1\nextends: builtin\ngaps:\n  - { ${fields}, reason: known }\n`;

  test('leave the run undecided', () => {
    expect(verdictOf(builtinPolicy({ failOn: 'high' }), [], [gap()])).toMatchObject({ kind: 'undecided', gaps: [gap()] });
  });

  test('do not soften a denial', () => {
    expect(verdictOf(builtinPolicy({ failOn: 'high' }), [secret()], [gap()]).kind).toBe('deny');
  });

  test.each([
    ['code: damaged, expires: 2026-11-23', 'pass'],
    ['code: damaged, path: var/lib/**, expires: 2026-12-31', 'pass'],
    ['code: damaged, path: usr/**, expires: 2026-12-31', 'undecided'],
    ['code: too-large, expires: 2026-12-31', 'undecided'],
    ['code: damaged, expires: 2026-11-22', 'undecided'],
  ])('accepted as %s: %s', (fields, kind) => {
    expect(verdictOf(accepting(fields), [], [gap()]).kind).toBe(kind);
  });

  test('a path does not accept a gap without one', () => {
    const policy = accepting('code: no-advisories, path: "**", expires: 2026-12-31');
    expect(verdictOf(policy, [], [gap({ code: 'no-advisories', path: undefined })]).kind).toBe('undecided');
  });

  test('that are accepted are told with the last day of it', () => {
    const accepted = { code: 'damaged', reason: 'a test file', expires: '2026-12-31', place: '.image-custody.yml:4' } as const;
    const verdict = verdictOf({ ...builtinPolicy({ failOn: 'high' }), acceptedGaps: [accepted] }, [], [gap(), gap({ code: 'linked' })]);
    expect(verdict.acceptedGaps).toEqual([{ gap: gap(), reason: 'a test file', expires: '2026-12-31' }]);
    expect(verdict.gaps).toEqual([gap({ code: 'linked' })]);
  });

  test('that are accepted in vain are noticed', () => {
    expect(verdictOf(accepting('code: linked, expires: 2026-12-31'), []).notices).toEqual([
      '.image-custody.yml:4: the accepted gap linked matches nothing: remove it',
    ]);
    expect(verdictOf(accepting('code: damaged, expires: 2026-01-31'), [], [gap()]).notices).toEqual([
      '.image-custody.yml:4: the accepted gap damaged has expired on 2026-01-31: such gaps leave the run undecided again',
    ]);
  });
});

describe('conditions', () => {
  const conditions: readonly (readonly [deny: string, denied: readonly Finding[], other: readonly Finding[]])[] = [
    ['{ kind: secret }', [secret()], [malware(), vulnerability()]],
    ['{ kind: [secret, malware] }', [secret(), malware()], [misconfiguration()]],
    [
      '{ severity: high }',
      [vulnerability({ severity: 'critical' }), secret()],
      [vulnerability({ severity: 'medium' }), vulnerability({ severity: 'unknown' })],
    ],
    ['{ severity: unknown }', [vulnerability({ severity: 'unknown' })], [vulnerability({ severity: 'critical' })]],
    ['{ severity: [critical, unknown] }', [vulnerability({ severity: 'unknown' }), secret()], [vulnerability({ severity: 'high' })]],
    ['{ fixable: true }', [vulnerability()], [vulnerability({ fixedVersion: undefined }), secret()]],
    ['{ fixable: false }', [vulnerability({ fixedVersion: undefined })], [vulnerability(), secret()]],
    ['{ type: deb }', [vulnerability()], [vulnerability({}, { type: 'npm' }), secret()]],
    ['{ package: openssl }', [vulnerability()], [vulnerability({}, { name: 'curl', source: { name: 'curl', version: '1' } }), malware()]],
    ['{ package: libssl* }', [vulnerability()], [vulnerability({}, { name: 'zlib1g' })]],
    ['{ package: "@angular/*" }', [vulnerability({}, { name: '@angular/core' })], [vulnerability({}, { name: 'angular' })]],
    ['{ id: DSA-5532-1 }', [vulnerability()], [vulnerability({ ids: ['CVE-2023-5363'] })]],
    ['{ id: "CVE-2023-*" }', [vulnerability()], [secret({ rule: 'CVE-2023-1' })]],
    ['{ rule: "aws-*" }', [secret()], [secret({ rule: 'private-key' }), vulnerability()]],
    ['{ path: "srv/**" }', [secret(), malware()], [misconfiguration(), vulnerability()]],
    ['{ known-exploited: true }', [vulnerability({ knownExploited: '2021-12-10' })], [vulnerability(), malware()]],
    ['{ known-exploited: false }', [vulnerability()], [vulnerability({ knownExploited: '2021-12-10' }), secret()]],
    [
      '{ epss: ">= 0.5" }',
      [vulnerability({ epss: { probability: 0.5, percentile: 0.9 } }), vulnerability({ epss: { probability: 1, percentile: 1 } })],
      [vulnerability({ epss: { probability: 0.499, percentile: 0.9 } }), vulnerability(), secret()],
    ],
    ['{ epss: ">=0" }', [vulnerability({ epss: { probability: 0, percentile: 0 } })], [vulnerability()]],
    ['{ deleted-later: true }', [secret({ deletedLater: true })], [secret(), misconfiguration()]],
    [
      '{ from-base: true }',
      [vulnerability({ fromBase: true }), secret({ fromBase: true })],
      [vulnerability(), secret({ fromBase: false }), misconfiguration()],
    ],
    ['{ from-base: false }', [vulnerability({ fromBase: false })], [vulnerability(), vulnerability({ fromBase: true })]],
    ['{ deleted-later: false }', [secret(), malware()], [secret({ deletedLater: true }), vulnerability()]],
    ['{ kind: vulnerability, severity: high, fixable: true }', [vulnerability()], [vulnerability({ severity: 'low' }), secret()]],
  ];

  test.each(conditions)('%s', (deny, denied, other) => {
    const verdict = verdictOf(rules(deny), [...denied, ...other]);
    expect(verdict.denials.map(({ finding }) => finding)).toEqual(denied);
  });

  test('the author of a rule may say why', () => {
    const [denial] = verdictOf(`${rules('{ kind: secret }')}    message: ask the platform team\n`, [secret()]).denials;
    expect(denial).toMatchObject({ rule: 'it', message: 'ask the platform team' });
  });

  test('a file without extends replaces the built-in policy, with it the built-in rules stay', () => {
    expect(verdictOf(rules('{ kind: misconfiguration }'), [secret()]).kind).toBe('pass');
    expect(verdictOf(`extends: builtin\n${rules('{ kind: misconfiguration }')}`, [secret()]).kind).toBe('deny');
    const lenient = parsePolicy('version: 1\nextends: builtin\n', 'p.yml', builtinPolicy({ failOn: 'critical' }));
    expect(verdictOf(lenient, [vulnerability()]).kind).toBe('pass');
  });
});

describe('exceptions', () => {
  const excepting = (fields: string) =>
    `version: 1\nextends: builtin\nexceptions:\n  - { ${fields}, reason: not reachable, owner: shop }\n`;
  const until = 'expires: 2026-11-23';

  test.each([
    `id: CVE-2023-5363, ${until}`,
    `id: cve-2023-5363, ${until}`,
    `id: DSA-5532-1, ${until}`,
    `id: CVE-2023-5363, package: openssl, type: deb, ${until}`,
    `fingerprint: 0123456789abcdef, ${until}`,
    `id: CVE-2023-5363, path: var/lib/dpkg/*, ${until}`,
  ])('cover: %s', (fields) => {
    const verdict = verdictOf(excepting(fields), [vulnerability()]);
    expect(verdict).toMatchObject({ kind: 'pass', denials: [], notices: [] });
    expect(verdict.excepted).toEqual([
      { rule: 'builtin/fail-on-high', finding: vulnerability(), reason: 'not reachable', expires: '2026-11-23' },
    ]);
  });

  test.each([
    `id: CVE-2023-53, ${until}`,
    `id: "CVE-2023-*", ${until}`,
    `id: CVE-2023-5363, package: curl, ${until}`,
    `id: CVE-2023-5363, type: npm, ${until}`,
    `id: CVE-2023-5363, fingerprint: ffffffffffffffff, ${until}`,
    `id: CVE-2023-5363, path: usr/**, ${until}`,
  ])('do not cover, and that is noticed: %s', (fields) => {
    const verdict = verdictOf(excepting(fields), [vulnerability()]);
    expect(verdict.kind).toBe('deny');
    expect(verdict.notices).toEqual([expect.stringMatching(/^\.image-custody\.yml:4: the exception for .* matches nothing: remove it$/)]);
  });

  test('deny again when they have expired', () => {
    const policy = excepting('id: CVE-2023-5363, expires: 2026-11-22');
    expect(verdictOf(policy, [vulnerability()])).toMatchObject({
      kind: 'deny',
      notices: ['.image-custody.yml:4: the exception for CVE-2023-5363 has expired on 2026-11-22: what it excepted is denied again'],
    });
    expect(verdictOf(policy, []).notices).toEqual([
      '.image-custody.yml:4: the exception for CVE-2023-5363 has expired on 2026-11-22: nothing needs it any more, remove it',
    ]);
  });

  test('an exception for a finding that no rule denies is neither used nor noticed', () => {
    const verdict = verdictOf(excepting(`id: CVE-2023-5363, ${until}`), [vulnerability({ severity: 'low' })]);
    expect(verdict).toMatchObject({ kind: 'pass', excepted: [], notices: [] });
  });
});

describe('the exception that a denial proposes', () => {
  const hostile = [
    'a: b',
    '- x',
    '*star',
    '&anchor',
    '!tag',
    '# comment',
    'a #b',
    '"',
    "'",
    '\\',
    '{',
    '[',
    '%',
    '@scope/name',
    '`',
    '|',
    '>',
    '?',
    '~',
    'null',
    'true',
    'no',
    '123',
    '1e5',
    '0x10',
    '',
    ' ',
    ' lead',
    'trail ',
    'line\nbreak',
    'cr\rlf',
    'tab\t',
    '\u0000\u001b[31m',
    '\u0085\u2028\u2029',
    '\u202eabc',
    '☃😀',
    '\ufeff',
    'a: [b',
    '---',
    '...',
    '<<',
    '=',
    '::error::x',
    '##vso[task.complete]',
    '${{ x }}',
    'x'.repeat(200),
  ];
  const findings: readonly Finding[] = [
    vulnerability(),
    secret(),
    secret({ path: undefined }),
    malware({ path: 'srv/a*b?.exe' }),
    ...hostile
      .filter((text) => text !== '')
      .flatMap((text) => [vulnerability({}, { name: text, type: 'npm' }), malware({ path: text }), secret({ path: text })]),
  ];

  test.each(findings.map((finding, index) => [index, finding] as const))('parses, and works, for finding %i', (_index, finding) => {
    const builtin = builtinPolicy({ failOn: 'high' });
    const [denial] = verdictOf(builtin, [finding]).denials;
    const text = denial?.exception ?? '';
    expect(parseDocument(text).errors).toEqual([]);
    expect(text).toMatch(/^[ -~\n]*$/);
    const policy = parsePolicy(`${text}\n`, 'p.yml');
    expect(verdictOf(policy, [finding])).toMatchObject({ kind: 'pass', notices: [] });
    expect(policy.exceptions[0]?.expires).toBe('2026-12-23');
  });

  test('is the rest of a file that has no exceptions, and one more entry of those that a file has', () => {
    const file = rules('{ kind: [secret, vulnerability] }');
    const first = verdictOf(file, [secret()]).denials[0]?.exception ?? '';
    expect(first).toMatch(/^exceptions:\n {2}- id: /);
    const second = verdictOf(`${file}${first}\n`, [secret(), vulnerability()]).denials[0]?.exception ?? '';
    expect(second).toMatch(/^ {2}- id: CVE-2023-5363\n/);
    expect(verdictOf(`${file}${first}\n${second}\n`, [secret(), vulnerability()])).toMatchObject({ kind: 'pass', notices: [] });
  });

  test('covers that finding and no other', () => {
    const policy = verdictOf(builtinPolicy({ failOn: 'high' }), [malware({ path: 'srv/a*' })]).denials[0]?.exception ?? '';
    expect(verdictOf(policy, [malware({ path: 'srv/ab' })]).kind).toBe('deny');
  });
});

test('a thousand exceptions and ten thousand findings are decided without looking at each for each', () => {
  const list = Array.from(
    { length: 1_000 },
    (_, index) => `  - { id: CVE-2020-${10_000 + index}, package: lib*, reason: r, expires: 2027-01-01 }\n`,
  );
  const findings = Array.from({ length: 10_000 }, (_, index) =>
    vulnerability({ ids: [`CVE-2021-${index}`], fingerprint: index.toString(16).padStart(16, '0') }),
  );
  const started = process.cpuUsage();
  const verdict = verdictOf(`version: 1\nextends: builtin\nexceptions:\n${list.join('')}`, findings);
  expect(verdict.denials).toHaveLength(10_000);
  expect(process.cpuUsage(started).user / 1_000).toBeLessThan(4_000);
});
