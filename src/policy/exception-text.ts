import type { Finding } from '../model/finding.ts';
import { escapeGlob } from './glob.ts';
import type { Policy } from './policy.ts';

/**
 * How to except a finding: YAML for the policy file, which holds for 30 days. For the built-in policy it is a whole file, for a file without
 * exceptions their key with the first of them, else one more entry of that list. Names of the image are quoted and escaped.
 */
export function toExceptionText(finding: Finding, policy: Policy, now: Date): string {
  const head = policy.name === 'builtin' ? ['version: 1', 'extends: builtin'] : [];
  const list = policy.exceptions.length === 0 ? ['exceptions:'] : [];
  const expires = new Date(now.getTime() + exceptionDays * 86_400_000).toISOString().slice(0, 10);
  const fields = [...subject(finding), ['reason', 'accepted until the date below; say why here'], ['expires', expires]] as const;
  const entry = fields.map(([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${toYamlText(value)}`);
  return [...head, ...list, ...entry].join('\n');
}

const exceptionDays = 30;

/** As narrow as still survives a rebuild. */
function subject(finding: Finding): [key: string, value: string][] {
  switch (finding.kind) {
    case 'vulnerability': {
      const { type, name } = finding.package;
      return [
        ['id', finding.advisory],
        ['type', type],
        ['package', escapeGlob(name)],
      ];
    }
    case 'secret':
      return [['id', finding.rule], ['fingerprint', finding.fingerprint], ...pathField(finding)];
    default:
      return [['id', finding.rule], ...pathField(finding)];
  }
}

function pathField({ path }: Finding): [key: string, value: string][] {
  return path === undefined ? [] : [['path', escapeGlob(path)]];
}

/** Plain where that is beyond doubt, else between double quotes, with all but printable ASCII written out (YAML 1.2.2, 5.7). */
function toYamlText(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9 ._/;-]*[A-Za-z0-9._/-]$/.test(text)) return text;
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/[^ -~]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
