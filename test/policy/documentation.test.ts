import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';
import { findShapeIssues } from '../../src/policy/policy-keys.ts';
import { gap, malware, misconfiguration, secret, vulnerability } from './findings.ts';

const text = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0] ?? '', section]),
);
const now = new Date('2026-11-23T12:00:00Z');

function yamlOf(title: string): string {
  const block = /^```yaml\n(.*?)^```$/ms.exec(sections.get(title) ?? '')?.[1];
  if (block === undefined) throw new Error(`docs/policy.md has no YAML under "${title}"`);
  return block;
}

function decideBy(title: string, findings: Parameters<typeof decide>[0]['findings'], gaps: Parameters<typeof decide>[0]['gaps'] = []) {
  return decide({ policy: parsePolicy(yamlOf(title), 'docs/policy.md'), findings, gaps, now });
}

describe('docs/policy.md', () => {
  const blocks = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = '']) => yaml);

  test.each(blocks.map((yaml, index) => [index + 1, yaml] as const))('YAML %i is a policy', (_index, yaml) => {
    expect(parsePolicy(yaml, 'docs/policy.md').rules.length).toBeGreaterThan(0);
  });

  test('shows a YAML for each task, and every key', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(7);
    const issues = findShapeIssues({
      '?': 0,
      rules: [{ '?': 0, deny: { '?': 0 } }],
      exceptions: [{ '?': 0 }],
      gaps: [{ '?': 0 }],
      advisories: { '?': 0 },
    });
    const keys = issues.flatMap(({ reason }) => /accepted: (.*)\)/.exec(reason)?.[1]?.split(', ') ?? []);
    expect(keys).toHaveLength(35);
    expect(keys.filter((key) => !text.includes(`\`${key}\``) && !text.includes(`${key}:`))).toEqual([]);
  });

  test('rules on top: unknown severities with a fix, and root', () => {
    const findings = [
      vulnerability({ severity: 'unknown' }),
      vulnerability({ severity: 'unknown', fixedVersion: undefined }),
      misconfiguration(),
      secret(),
    ];
    expect(decideBy('Add rules to the built-in policy', findings).denials.map(({ rule }) => rule)).toEqual([
      'no-unknown-severity',
      'no-root',
      'builtin/secrets',
    ]);
  });

  test('only what can be fixed', () => {
    const findings = [
      vulnerability({ severity: 'medium' }),
      vulnerability({ severity: 'high', fixedVersion: undefined }),
      vulnerability({ severity: 'critical', fixedVersion: undefined }),
    ];
    expect(decideBy('Deny only what can be fixed', findings).denials.map(({ rule }) => rule)).toEqual(['fixable', 'critical']);
  });

  test('a package', () => {
    const findings = [
      vulnerability({ severity: 'low' }, { type: 'npm', name: '@evil/x' }),
      vulnerability({ severity: 'low' }, { type: 'npm', name: 'good' }),
    ];
    expect(decideBy('Deny a package, wherever it comes from', findings).denials.map(({ rule }) => rule)).toEqual(['no-event-stream']);
  });

  test('exceptions', () => {
    const findings = [vulnerability(), secret({ fingerprint: '3f2a90c1d4e5b607', path: 'srv/shop/test/fixtures/credentials' })];
    expect(decideBy('Accept a finding for a time', findings)).toMatchObject({ kind: 'pass', notices: [] });
  });

  test('gaps', () => {
    const gaps = [gap({ code: 'too-large', path: 'var/lib/models/a/b' }), gap({ code: 'no-advisories', path: undefined })];
    expect(decideBy('Accept what could not be looked at', [], gaps)).toMatchObject({ kind: 'pass', notices: [] });
    expect(decideBy('Accept what could not be looked at', [], [gap()]).kind).toBe('undecided');
  });

  test('patterns', () => {
    const findings = ['root/.ssh/id_rsa', '.ssh/id_rsa', 'home/x', 'srv/x'].map((path) => malware({ path, rule: 'private-key' }));
    const denied = decideBy('Write patterns', findings).denials.filter(({ rule }) => rule === 'keys-of-people');
    expect(denied.map(({ finding }) => finding.path)).toEqual(['root/.ssh/id_rsa', '.ssh/id_rsa', 'home/x']);
  });
});
