import { createHash } from 'node:crypto';
import type { Severity } from '../model/finding.ts';
import type { Policy, Rule } from './policy.ts';

export const failOnValues = ['critical', 'high', 'medium', 'low', 'none'] as const;
export type FailOn = (typeof failOnValues)[number];

/**
 * The policy that holds where there is no file: any secret and any malware is denied, and every vulnerability at least as severe as `failOn`.
 * A vulnerability of unknown severity is not denied (most are not severe, and nobody could act on them), but it is shown and counted.
 */
export function builtinPolicy({ failOn }: { readonly failOn: FailOn }): Policy {
  const rules: Rule[] = [
    { name: 'builtin/malware', deny: { kind: ['malware'] } },
    { name: 'builtin/secrets', deny: { kind: ['secret'] } },
    ...(failOn === 'none' ? [] : [vulnerabilityRule(failOn)]),
  ];
  const digest = createHash('sha256').update(JSON.stringify(rules)).digest('hex');
  return { name: 'builtin', digest, rules, exceptions: [], acceptedGaps: [] };
}

function vulnerabilityRule(severity: Severity): Rule {
  return { name: `builtin/fail-on-${severity}`, deny: { kind: ['vulnerability'], severity: [severity] } };
}
