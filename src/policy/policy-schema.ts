import * as v from 'valibot';
import { type Finding, gapCodes, severities } from '../model/finding.ts';
import { packageTypes } from '../model/package.ts';
import { type Glob, globLengthLimit, parseGlob } from './glob.ts';
import type { MaxAge } from './policy.ts';

const kinds: readonly Finding['kind'][] = ['vulnerability', 'secret', 'malware', 'misconfiguration'];

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'), v.maxLength(2_000, 'must have at most 2000 characters'));
const ruleName = v.pipe(
  text,
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit'),
);
const fingerprint = v.pipe(text, v.regex(/^[0-9a-f]{16}$/, 'must be the 16 hexadecimal digits of a finding'));
const date = v.pipe(text, v.check(isDate, 'must be a date such as 2026-12-31'));
const flag = v.pipe(
  oneOf(['true', 'false'] as const),
  v.transform((value) => value === 'true'),
);

const least = v.pipe(
  text,
  v.regex(/^>= ?(?:0(?:\.[0-9]{1,9})?|1(?:\.0{1,9})?)$/, 'must be ">= " and a probability from 0 to 1, such as ">= 0.5"'),
  v.transform((value) => Number(value.slice(2))),
);

/** One value or a list of them. */
function some<Schema extends v.GenericSchema<unknown, unknown>>(schema: Schema) {
  const list = v.pipe(v.array(schema), v.minLength(1, 'must not be an empty list'));
  return v.lazy((input): v.GenericSchema<unknown, v.InferOutput<Schema>[]> => {
    if (Array.isArray(input)) return list;
    return v.pipe(
      schema,
      v.transform((value) => [value as v.InferOutput<Schema>]),
    );
  });
}

function oneOf<const Values extends readonly string[]>(values: Values) {
  return v.picklist(values, `must be one of: ${values.join(', ')}`);
}

function glob(separated: boolean) {
  return v.pipe(
    text,
    v.maxLength(globLengthLimit, `must have at most ${globLengthLimit} characters`),
    v.transform((pattern): Glob => parseGlob(pattern, { separated })),
  );
}

const conditions = v.pipe(
  v.object({
    kind: v.exactOptional(some(oneOf(kinds))),
    severity: v.exactOptional(some(oneOf(severities))),
    fixable: v.exactOptional(flag),
    type: v.exactOptional(some(oneOf(packageTypes))),
    package: v.exactOptional(some(glob(false))),
    id: v.exactOptional(some(glob(false))),
    rule: v.exactOptional(some(glob(false))),
    path: v.exactOptional(some(glob(true))),
    'known-exploited': v.exactOptional(flag),
    epss: v.exactOptional(least),
    'deleted-later': v.exactOptional(flag),
    'from-base': v.exactOptional(flag),
  }),
  v.check((given) => Object.keys(given).length > 0, 'must have at least one condition'),
  v.transform(({ 'deleted-later': deletedLater, 'from-base': fromBase, 'known-exploited': knownExploited, ...rest }) => ({
    ...rest,
    ...(deletedLater === undefined ? {} : { deletedLater }),
    ...(knownExploited === undefined ? {} : { knownExploited }),
    ...(fromBase === undefined ? {} : { fromBase }),
  })),
);

const rule = v.object({ name: ruleName, deny: conditions, message: v.exactOptional(text) });

const acceptance = { reason: text, expires: date, owner: v.exactOptional(text) };

const exception = v.pipe(
  v.object({
    id: v.exactOptional(text),
    fingerprint: v.exactOptional(fingerprint),
    type: v.exactOptional(oneOf(packageTypes)),
    package: v.exactOptional(glob(false)),
    path: v.exactOptional(glob(true)),
    ...acceptance,
  }),
  v.check((given) => given.id !== undefined || given.fingerprint !== undefined, 'must have an id or a fingerprint'),
);

const hoursOf = { h: 1, d: 24, w: 168 } as const;
const age = v.pipe(
  text,
  v.regex(/^[1-9][0-9]{0,3}[hdw]$/, 'must be a number of hours, days or weeks such as 12h, 7d or 2w'),
  v.transform((value): MaxAge => {
    const unit = value.slice(-1) as keyof typeof hoursOf;
    return { text: value, milliseconds: Number(value.slice(0, -1)) * hoursOf[unit] * 3_600_000 };
  }),
);

const advisories = v.pipe(
  v.object({ 'max-age': age }),
  v.transform((given) => ({ maxAge: given['max-age'] })),
);

const gap = v.object({ code: oneOf(gapCodes), path: v.exactOptional(glob(true)), ...acceptance });

function listOf<Schema extends v.GenericSchema<unknown, unknown>>(schema: Schema) {
  return v.pipe(v.array(schema, 'must be a list'), v.maxLength(10_000, 'must have at most 10000 entries'));
}

/** A policy file, version 1 (docs/policy.md). Every scalar comes as a text; unknown keys are for `policy-keys.ts` to find. */
export const policySchema = v.pipe(
  v.object({
    version: oneOf(['1'] as const),
    extends: v.exactOptional(oneOf(['builtin'] as const)),
    rules: v.exactOptional(listOf(rule)),
    exceptions: v.exactOptional(listOf(exception)),
    gaps: v.exactOptional(listOf(gap)),
    advisories: v.exactOptional(advisories),
  }),
  v.check(
    (policy) => policy.extends !== undefined || policy.rules !== undefined,
    'must have rules or "extends: builtin", else it would deny nothing',
  ),
);

function isDate(value: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}
