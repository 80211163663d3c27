/** Something in a policy file that is not where it may be. */
export interface ShapeIssue {
  readonly path: readonly (string | number)[];
  readonly kind: 'unknown-key' | 'no-map';
  readonly reason: string;
}

/**
 * Finds every key that no map of a policy file has, and every list where a map belongs. Apart from the schema, because that stops at the first
 * unknown key of a map and takes `constructor` for a known one.
 */
export function findShapeIssues(value: unknown, path: readonly (string | number)[] = []): ShapeIssue[] {
  const accepted = acceptedKeys(path);
  if (accepted === undefined || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value) && accepted !== 'list') return [{ path, kind: 'no-map', reason: 'must be a map of keys and values' }];
  if (Array.isArray(value)) return value.flatMap((entry, index) => findShapeIssues(entry, [...path, index]));
  if (accepted === 'list') return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    accepted.includes(key) ? findShapeIssues(entry, [...path, key]) : [unknownKey([...path, key], accepted)],
  );
}

function unknownKey(path: readonly (string | number)[], accepted: readonly string[]): ShapeIssue {
  return { path, kind: 'unknown-key', reason: `unknown key ${JSON.stringify(path.at(-1))} (accepted: ${accepted.join(', ')})` };
}

/** What stands at a path: the keys of a map, a list of maps, or neither. */
function acceptedKeys(path: readonly (string | number)[]): readonly string[] | 'list' | undefined {
  return shapes.get(path.map((key) => (typeof key === 'number' ? '#' : key)).join('.'));
}

const shapes: ReadonlyMap<string, readonly string[] | 'list'> = new Map<string, readonly string[] | 'list'>([
  ['', ['version', 'extends', 'rules', 'exceptions', 'gaps', 'advisories']],
  ['rules', 'list'],
  ['rules.#', ['name', 'deny', 'message']],
  [
    'rules.#.deny',
    ['kind', 'severity', 'fixable', 'type', 'package', 'id', 'rule', 'path', 'known-exploited', 'epss', 'deleted-later', 'from-base'],
  ],
  ['exceptions', 'list'],
  ['exceptions.#', ['id', 'fingerprint', 'type', 'package', 'path', 'reason', 'expires', 'owner']],
  ['advisories', ['max-age']],
  ['gaps', 'list'],
  ['gaps.#', ['code', 'path', 'reason', 'expires', 'owner']],
]);
