import * as v from 'valibot';
import type { Advisory, Affected, AffectedRange } from '../model/advisory.ts';

/**
 * Reads one record in OSV format (https://ossf.github.io/osv-schema/). The parts that are used are checked, others are left out; `null`, which
 * some publishers write for "none", is read as absent. Undefined where `json` is no record.
 */
export function toAdvisory(json: unknown): Advisory | undefined {
  const result = v.safeParse(recordSchema, json);
  return result.success ? result.output : undefined;
}

/** An advisory's id: it is shown, put into URLs and named in policies. */
export const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$/));

/** Most ids that a record is taken to have of one kind; the longest known list, of a kernel update, has some 1,500. */
const idsLimit = 4_096;

const idsSchema = v.nullish(
  v.pipe(
    v.array(v.unknown()),
    v.transform((ids) => ids.filter((id): id is string => v.is(idSchema, id)).slice(0, idsLimit)),
  ),
);

/** Leaves out what is undefined or null. */
function compact<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined | null> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as never;
}

const severitySchema = v.nullish(v.array(v.object({ type: v.string(), score: v.string() })));
const freeSchema = v.nullish(v.record(v.string(), v.unknown()));

const eventSchema = v.pipe(
  v.object({
    introduced: v.optional(v.string()),
    fixed: v.optional(v.string()),
    last_affected: v.optional(v.string()),
    limit: v.optional(v.string()),
  }),
  v.transform(({ introduced, fixed, last_affected, limit }) => ({ introduced, fixed, last_affected, limit })),
);

const rangeSchema = v.pipe(
  v.object({ type: v.picklist(['SEMVER', 'ECOSYSTEM', 'GIT']), events: v.array(eventSchema) }),
  v.transform((range): AffectedRange => range),
);

const affectedSchema = v.pipe(
  v.object({
    package: v.nullish(v.object({ ecosystem: v.string(), name: v.string() })),
    severity: severitySchema,
    ranges: v.nullish(v.array(rangeSchema)),
    versions: v.nullish(v.array(v.string())),
    ecosystem_specific: freeSchema,
    database_specific: freeSchema,
  }),
  v.transform((affected) => compact(affected) as Affected),
);

const recordSchema = v.pipe(
  v.object({
    id: idSchema,
    modified: v.nullish(v.string()),
    withdrawn: v.nullish(v.string()),
    aliases: idsSchema,
    upstream: idsSchema,
    related: idsSchema,
    summary: v.nullish(v.string()),
    details: v.nullish(v.string()),
    severity: severitySchema,
    affected: v.nullish(v.array(affectedSchema)),
    database_specific: freeSchema,
  }),
  v.transform((record) => compact(record) as Advisory),
);
