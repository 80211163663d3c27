import { describe, expect, test } from 'vitest';
import { StepError } from '../../src/lib/step-error.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';
import { policyLimitBytes } from '../../src/policy/policy-yaml.ts';

function issuesOf(text: string): string[] {
  try {
    parsePolicy(text, 'p.yml');
  } catch (error) {
    expect(error).toBeInstanceOf(StepError);
    const { code, origin, message, hint } = error as StepError;
    expect([code, origin]).toEqual(['invalid-policy', 'policy']);
    expect(hint).not.toBe('');
    expect(message).toMatch(/^cannot read policy: [^\r\n]+$/);
    return message.slice('cannot read policy: '.length).split('; ');
  }
  return [];
}

const start = 'version: 1\nextends: builtin\n';

describe('faults are named with line and column, all at once', () => {
  test('unknown keys at every level, with the keys that are accepted', () => {
    const text = `${start}rule: []\nconstructor: x\n__proto__: x\nrules:\n  - name: a\n    dney: {}\n    deny:\n      sevrity: high\n      Kind: secret\n      kind: secret\nexceptions:\n  - id: x\n    reason: r\n    expires: 2027-01-01\n    until: x\ngaps:\n  - code: linked\n    reason: r\n    expires: 2027-01-01\n    package: x\n`;
    const top = '(accepted: version, extends, rules, exceptions, gaps, advisories)';
    const deny = '(accepted: kind, severity, fixable, type, package, id, rule, path, known-exploited, epss, deleted-later, from-base)';
    expect(issuesOf(text)).toEqual([
      `p.yml:3:1: unknown key "rule" ${top}`,
      `p.yml:4:1: unknown key "constructor" ${top}`,
      `p.yml:5:1: unknown key "__proto__" ${top}`,
      'p.yml:8:5: unknown key "dney" (accepted: name, deny, message)',
      `p.yml:10:7: unknown key "sevrity" ${deny}`,
      `p.yml:11:7: unknown key "Kind" ${deny}`,
      'p.yml:17:5: unknown key "until" (accepted: id, fingerprint, type, package, path, reason, expires, owner)',
      'p.yml:22:5: unknown key "package" (accepted: code, path, reason, expires, owner)',
    ]);
  });

  test.each([
    ['', 'p.yml:1:1: the file must be a map of keys and values'],
    ['- a', 'p.yml:1:1: the file must be a map of keys and values'],
    ['extends: builtin', 'p.yml:1:1: the file lacks the key "version"'],
    ['version: 2\nextends: builtin', 'p.yml:1:10: version must be one of: 1'],
    ['version: 1', 'p.yml:1:1: the file must have rules or "extends: builtin", else it would deny nothing'],
    ['version: 1\nextends: other', 'p.yml:2:10: extends must be one of: builtin'],
    [`${start}rules: x`, 'p.yml:3:8: rules must be a list'],
    [`${start}rules:`, 'p.yml:3:7: rules must be a list'],
    [`${start}rules:\n  - x`, 'p.yml:4:5: entry 1 of rules must be a map of keys and values'],
    [`${start}rules:\n  - [a]`, 'p.yml:4:5: entry 1 of rules must be a map of keys and values'],
    [`${start}rules:\n  - name: a`, 'p.yml:4:5: entry 1 of rules lacks the key "deny"'],
    [`${start}rules:\n  - name: a\n    deny: {}`, 'p.yml:5:11: deny must have at least one condition'],
    [`${start}rules:\n  - name: a/b\n    deny: { kind: secret }`, 'p.yml:4:11: name must be 1 to 64 letters'],
    [`${start}rules:\n  - name: a\n    deny: { kind: [] }`, 'p.yml:5:19: kind must not be an empty list'],
    [
      `${start}rules:\n  - name: a\n    deny: { kind: Secret }`,
      'p.yml:5:19: kind must be one of: vulnerability, secret, malware, misconfiguration',
    ],
    [
      `${start}rules:\n  - name: a\n    deny: { severity: [high, hihg] }`,
      'p.yml:5:30: entry 2 of severity must be one of: critical, high, medium, low, unknown',
    ],
    [`${start}rules:\n  - name: a\n    deny: { fixable: yes }`, 'p.yml:5:22: fixable must be one of: true, false'],
    [`${start}rules:\n  - name: a\n    deny: { path: '' }`, 'p.yml:5:19: path must not be empty'],
    [
      `${start}rules:\n  - { name: a, deny: { kind: secret } }\n  - { name: a, deny: { kind: malware } }`,
      'p.yml:5:13: another rule has this name',
    ],
    [`${start}exceptions:\n  - { reason: r, expires: 2027-01-01 }`, 'p.yml:4:5: entry 1 of exceptions must have an id or a fingerprint'],
    [`${start}exceptions:\n  - { id: x, expires: 2027-01-01 }`, 'p.yml:4:5: entry 1 of exceptions lacks the key "reason"'],
    [`${start}exceptions:\n  - { id: x, reason: r }`, 'p.yml:4:5: entry 1 of exceptions lacks the key "expires"'],
    [`${start}exceptions:\n  - { id: x, reason: r, expires: 2027-02-29 }`, 'p.yml:4:34: expires must be a date such as 2026-12-31'],
    [`${start}exceptions:\n  - { id: x, reason: r, expires: never }`, 'p.yml:4:34: expires must be a date such as 2026-12-31'],
    [
      `${start}exceptions:\n  - { fingerprint: 12, reason: r, expires: 2027-01-01 }`,
      'p.yml:4:20: fingerprint must be the 16 hexadecimal digits',
    ],
    [`${start}gaps:\n  - { code: lost, reason: r, expires: 2027-01-01 }`, 'p.yml:4:13: code must be one of: too-large, damaged'],
  ])('%j', (text, issue) => {
    const [first, ...others] = issuesOf(text);
    expect(first?.startsWith(issue) ? issue : first).toBe(issue);
    expect(others).toEqual([]);
  });
});

describe('YAML that surprises is refused with its place', () => {
  test.each([
    ['an alias', `a: &x [1]\nb: *x`, 'p.yml:1:7: anchors (&name) are not accepted', 'p.yml:2:4: aliases (*name) are not accepted'],
    [
      'a pattern without quotes',
      `${start}rules:\n  - name: a\n    deny:\n      path: **/x`,
      'p.yml:6:13: aliases (*name) are not accepted (put quotes around a pattern that begins with *)',
    ],
    ['a merge key', `a: &x { b: c }\nd:\n  <<: *x`, 'p.yml:1:7: anchors', 'p.yml:3:7: aliases'],
    ['a tag', 'version: !!int 1', 'p.yml:1:16: tags (!name) are not accepted'],
    ['a local tag', 'version: !x 1', 'p.yml:1:13: tags (!name) are not accepted'],
    ['a key twice', 'version: 1\nversion: 1', 'p.yml:2:1: not YAML: Map keys must be unique'],
    ['two documents', 'version: 1\n---\nversion: 1', 'p.yml:2:1: not YAML: Source contains multiple documents'],
    ['a directive', '%YAML 1.1\n---\nversion: 1', 'p.yml:1:1: directives (%YAML) are not accepted'],
    ['a list as a key', '? [a]\n: b', 'p.yml:1:3: a key must be a text'],
    ['a tab', 'rules:\n\t- a', 'p.yml:2:1: not YAML: Tabs are not allowed as indentation'],
    ['an open quote', 'version: "1', 'p.yml:1:12: not YAML: Missing closing "quote'],
  ])('%s', (_what, text, ...issues) => {
    const found = issuesOf(text);
    expect(issues.map((issue, index) => (found[index]?.startsWith(issue) ? issue : found[index]))).toEqual(issues);
  });

  test.each([
    ['brackets', '['.repeat(30_000)],
    ['closed brackets', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['braces', '{a: '.repeat(10_000)],
    ['dashes', '- '.repeat(10_000)],
    ['indentation', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    [
      'aliases of aliases',
      `a: &a [x,x]\n${Array.from({ length: 30 }, (_, i) => `k${i}: &k${i} [*${i === 0 ? 'a' : `k${i - 1}`},*${i === 0 ? 'a' : `k${i - 1}`}]`).join('\n')}`,
    ],
  ])('bombs end soon: %s', (_what, text) => {
    const started = process.cpuUsage();
    expect(issuesOf(text)[0]).toMatch(/^p\.yml:\d+:\d+: /);
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(5_000);
  });

  test('a file above the size limit', () => {
    expect(issuesOf(`${start}# ${'x'.repeat(policyLimitBytes)}`)).toEqual([`p.yml:1:1: the file is larger than ${policyLimitBytes} bytes`]);
  });
});

test('a text is what was written, whatever YAML would make of it', () => {
  const policy = parsePolicy(
    `${start}exceptions:\n  - { id: 1e5, fingerprint: 1234567890123456, reason: no, expires: 2027-01-01, package: 0x10, owner: null }\n`,
    'p.yml',
  );
  expect(policy.exceptions).toMatchObject([
    { id: '1e5', fingerprint: '1234567890123456', reason: 'no', owner: 'null', package: { text: '0x10' }, place: 'p.yml:4' },
  ]);
});

test('JSON is YAML, and a byte order mark is none of the text', () => {
  expect(parsePolicy('\ufeff{"version": 1, "extends": "builtin"}', 'p.json').rules.map(({ name }) => name)).toEqual([
    'builtin/malware',
    'builtin/secrets',
    'builtin/fail-on-high',
  ]);
});

test('the digest is that of the text', () => {
  expect(parsePolicy(start, 'p.yml').digest).toBe('b3cffca31883cf82767203339f789c003b0737adcf7bfe88db12eff85405eee0');
});
