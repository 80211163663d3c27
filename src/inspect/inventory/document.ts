/** The members of a JSON object or TOML table. */
export type Fields = Readonly<Record<string, unknown>>;

/** A file that holds one JSON object; a byte order mark is taken. Throws where it does not. */
export function parseJsonFields(content: Buffer): Fields {
  return toFields(parseJson(content)) ?? fail('it is not a JSON object');
}

/** Throws where the file is not JSON. */
export function parseJson(content: Buffer | string): unknown {
  try {
    return JSON.parse(content.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    return fail('it is not JSON');
  }
}

export function toFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The members of a member that is an object; none where it is absent. Throws, naming the member, where it is anything else. */
export function membersOf(fields: Fields, name: string): readonly (readonly [key: string, value: unknown])[] {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return Object.entries(value === undefined || value === null ? {} : (toFields(value) ?? fail(`its member ${name} is not an object`)));
}

/** The items of a member that is a list; none where it is absent. Throws, naming the member, where it is anything else. */
export function itemsOf(fields: Fields, name: string): readonly unknown[] {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : fail(`its member ${name} is not a list`);
}

/** The texts of a list, of the one text that stands in its place, or none. */
export function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}

function fail(reason: string): never {
  throw new Error(reason);
}
