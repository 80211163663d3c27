import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { builtinPolicy } from './builtin-policy.ts';
import type { Policy } from './policy.ts';
import { type PolicyIssue, policyError } from './policy-error.ts';
import { findShapeIssues, type ShapeIssue } from './policy-keys.ts';
import { policySchema } from './policy-schema.ts';
import { type PolicyYaml, parsePolicyYaml } from './policy-yaml.ts';

/**
 * Reads a policy file (docs/policy.md). It replaces the built-in policy, unless it says `extends: builtin`: then `builtin` is kept, its rules
 * first. Throws StepError `invalid-policy` that names every fault with file, line and column.
 */
export function parsePolicy(text: string, fileName: string, builtin: Policy = builtinPolicy({ failOn: 'high' })): Policy {
  const result = parsePolicyYaml(text);
  if (result.kind === 'refused') throw policyError(fileName, result.issues);
  const { yaml } = result;
  const shape = findShapeIssues(yaml.value);
  const parsed = v.safeParse(policySchema, yaml.value);
  if (!parsed.success || shape.length > 0) throw policyError(fileName, toIssues(shape, parsed.issues ?? [], yaml));
  const { extends: base, rules = [], exceptions = [], gaps = [], advisories } = parsed.output;
  const repeated = rules.flatMap(({ name }, index) => (rules.findIndex((rule) => rule.name === name) < index ? [index] : []));
  if (repeated.length > 0) {
    const issues = repeated.map((index) => ({ ...yaml.place(['rules', index, 'name'], 'value'), reason: 'another rule has this name' }));
    throw policyError(fileName, issues);
  }
  const place = (list: string, index: number): string => `${fileName}:${yaml.place([list, index], 'value').line}`;
  return {
    name: fileName,
    digest: createHash('sha256').update(text).digest('hex'),
    rules: base === undefined ? rules : [...builtin.rules, ...rules],
    exceptions: exceptions.map((exception, index) => ({ ...exception, place: place('exceptions', index) })),
    acceptedGaps: gaps.map((gap, index) => ({ ...gap, place: place('gaps', index) })),
    ...(advisories === undefined ? {} : { advisories }),
  };
}

function toIssues(shape: readonly ShapeIssue[], faults: readonly v.BaseIssue<unknown>[], yaml: PolicyYaml): PolicyIssue[] {
  // What the schema finds inside a list that should be a map says nothing more.
  const lists = shape.filter(({ kind }) => kind === 'no-map').map(({ path }) => path);
  const isInside = (path: readonly (string | number)[]): boolean => lists.some((list) => list.every((key, index) => path[index] === key));
  return [
    ...shape.map(({ path, kind, reason }) =>
      kind === 'no-map' ? { ...yaml.place(path, 'value'), reason: `${subjectOf(path)} ${reason}` } : { ...yaml.place(path, 'key'), reason },
    ),
    ...faults.flatMap((fault) => {
      const path = (fault.path ?? []).map(({ key }) => key as string | number);
      return isInside(path) ? [] : [toIssue(fault, path, yaml)];
    }),
  ];
}

/** valibot names the missing key as what it expected, and `Object` where a map was to be. */
function toIssue(fault: v.BaseIssue<unknown>, path: readonly (string | number)[], yaml: PolicyYaml): PolicyIssue {
  if (fault.type !== 'object') return { ...yaml.place(path, 'value'), reason: `${subjectOf(path)} ${fault.message}` };
  if (fault.expected === 'Object') return { ...yaml.place(path, 'value'), reason: `${subjectOf(path)} must be a map of keys and values` };
  return {
    ...yaml.place(path.slice(0, -1), 'value'),
    reason: `${subjectOf(path.slice(0, -1))} lacks the key ${JSON.stringify(path.at(-1))}`,
  };
}

function subjectOf(path: readonly (string | number)[]): string {
  const key = path.at(-1);
  return typeof key === 'number' ? `entry ${key + 1} of ${path.at(-2)}` : (key ?? 'the file');
}
