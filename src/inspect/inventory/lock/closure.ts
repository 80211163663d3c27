/** All that is reached from the roots. */
export function closure(roots: Iterable<string>, next: (from: string) => Iterable<string>): ReadonlySet<string> {
  const reached = new Set(roots);
  for (const from of reached) for (const to of next(from)) reached.add(to);
  return reached;
}

/** What each name needs, where a name has several entries. */
export function gatherNeeds(entries: Iterable<readonly [name: string, needs: readonly string[]]>): ReadonlyMap<string, readonly string[]> {
  const gathered = new Map<string, string[]>();
  for (const [name, needs] of entries) {
    const known = gathered.get(name) ?? [];
    for (const need of needs) known.push(need);
    gathered.set(name, known);
  }
  return gathered;
}
