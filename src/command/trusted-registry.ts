import { isGlobMatch, parseGlob } from '../policy/glob.ts';
import type { Reference } from '../registry/reference.ts';

/** Whether a repository is one of those that images may come from: `HOST`, `HOST/PATH` and what is below it, with `*` and `**`. None: all are. */
export function isTrustedRegistry(
  { registry, repository }: Pick<Reference, 'registry' | 'repository'>,
  trusted: readonly string[],
): boolean {
  if (trusted.length === 0) return true;
  return trusted.some((item) => {
    const [host = '', ...parts] = item.split('/');
    if (host !== registry) return false;
    const path = parts.join('/');
    return path === '' || [path, `${path}/**`].some((pattern) => isGlobMatch(parseGlob(pattern, { separated: true }), repository));
  });
}
