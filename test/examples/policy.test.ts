import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CoverageGap, Finding } from '../../src/model/finding.ts';
import { builtinPolicy } from '../../src/policy/builtin-policy.ts';
import { decide } from '../../src/policy/decide.ts';
import { parsePolicy } from '../../src/policy/policy-file.ts';
import { gap, malware, misconfiguration, secret, vulnerability } from '../policy/findings.ts';

const text = readFileSync(new URL('../../examples/policy/.image-custody.yml', import.meta.url), 'utf8');
const policy = parsePolicy(text, '.image-custody.yml', builtinPolicy({ failOn: 'critical' }));

function decideOn(day: string, findings: readonly Finding[], gaps: readonly CoverageGap[] = []) {
  return decide({ policy, findings, gaps, now: new Date(`${day}T12:00:00Z`) });
}

function rulesThatDeny(finding: Finding, day = '2026-12-01'): readonly string[] {
  return decideOn(day, [finding]).denials.map(({ rule }) => rule);
}

describe('examples/policy/.image-custody.yml', () => {
  it('denies what its rules say, each of them something', () => {
    expect(rulesThatDeny(vulnerability({ severity: 'medium' }))).toEqual(['fixable']);
    expect(rulesThatDeny(vulnerability({ severity: 'unknown' }))).toEqual(['unrated']);
    expect(rulesThatDeny(misconfiguration())).toEqual(['no-root']);
    const own = vulnerability({ severity: 'low', fixedVersion: undefined, path: 'srv/shop/node_modules/a/package.json' });
    expect(rulesThatDeny(own)).toEqual(['own-files']);
    expect(rulesThatDeny(vulnerability({ severity: 'critical', fixedVersion: undefined }))).toEqual(['builtin/fail-on-critical']);
    expect([...rulesThatDeny(secret()), ...rulesThatDeny(malware())]).toEqual(['builtin/secrets', 'builtin/malware']);
  });

  it('lets through what no rule names', () => {
    expect(rulesThatDeny(vulnerability({ severity: 'high', fixedVersion: undefined }))).toEqual([]);
  });

  it('accepts its exceptions until their last day, and in their place', () => {
    const zlib = vulnerability({ ids: ['CVE-2022-37434'], advisory: 'CVE-2022-37434' }, { name: 'zlib1g' });
    expect(rulesThatDeny(zlib, '2027-03-31')).toEqual([]);
    expect(rulesThatDeny(zlib, '2027-04-01')).toEqual(['fixable']);
    const key = (path: string) => secret({ rule: 'private-key', path });
    expect(rulesThatDeny(key('usr/share/doc/openssl/examples/key.pem'))).toEqual([]);
    expect(rulesThatDeny(key('etc/ssl/private/key.pem'))).toEqual(['builtin/secrets']);
  });

  it('is undecided over what could not be looked at, but for model weights', () => {
    expect(decideOn('2026-12-01', [], [gap()]).kind).toBe('undecided');
    expect(decideOn('2026-12-01', [], [gap({ code: 'too-large', path: 'var/lib/models/a/weights.bin' })]).kind).toBe('pass');
  });
});
