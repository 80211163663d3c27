/** A pattern, parsed. */
export interface Glob {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/**
 * A character as it stands; one character but `/`; any number of those; any number of any; whole folders with their `/`, none at all
 * included, which is always followed by `inside`: within the name of such a folder.
 */
type Token = { readonly kind: 'character'; readonly value: string } | { readonly kind: 'one' | 'some' | 'any' | 'folders' | 'inside' };

/** Longest pattern; with it, matching is linear in the text. */
export const globLengthLimit = 512;

/**
 * Parses a pattern: `?` is one character, `*` any number of them, neither of them `/`; `**` any number of characters, `/` among them, and
 * before a `/` any number of whole folders, so that `a/` + `**` + `/b` matches `a/b`. `\` takes the next character as it stands; no other
 * character is special. `separated: false` is for names, in which `*` also takes `/`.
 */
export function parseGlob(text: string, { separated }: { readonly separated: boolean }): Glob {
  const tokens: Token[] = [];
  for (const [part] of text.matchAll(/(?<![^/])\*\*\/|\*+|\\.|./gsu)) {
    if (part === '**/' && separated) tokens.push({ kind: 'folders' }, { kind: 'inside' });
    else if (part.startsWith('*'))
      tokens.push({ kind: separated && part === '*' ? 'some' : 'any' }, ...(part.endsWith('/') ? [slash] : []));
    else if (part === '?') tokens.push({ kind: 'one' });
    else tokens.push({ kind: 'character', value: part.length > 1 && part.startsWith('\\') ? part.slice(1) : part });
  }
  return { text, tokens };
}

/** The pattern that matches `text` and nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?]/g, '\\$&');
}

/** Whether the pattern matches the whole of `text`. All ways to match are followed at once: time is pattern × text, never more. */
export function isGlobMatch({ tokens }: Glob, text: string): boolean {
  let places = withSkips(tokens, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const place of places) {
      for (const reached of step(tokens[place], place, character)) next.add(reached);
    }
    places = withSkips(tokens, next);
    if (places.size === 0) return false;
  }
  return places.has(tokens.length);
}

const slash: Token = { kind: 'character', value: '/' };

/** Where a pattern may go on after taking a character. */
function step(token: Token | undefined, place: number, character: string): readonly number[] {
  switch (token?.kind) {
    case undefined:
      return [];
    case 'character':
      return token.value === character ? [place + 1] : [];
    case 'one':
      return character === '/' ? [] : [place + 1];
    case 'some':
      return character === '/' ? [] : [place];
    case 'any':
      return [place];
    case 'folders':
      return character === '/' ? [] : [place + 1];
    case 'inside':
      return character === '/' ? [place - 1] : [place];
  }
}

/** Adds the places that are reached without taking a character; the loop also visits what is added during it. */
function withSkips(tokens: readonly Token[], places: Set<number>): Set<number> {
  for (const place of places) {
    const kind = tokens[place]?.kind;
    if (kind === 'some' || kind === 'any') places.add(place + 1);
    if (kind === 'folders') places.add(place + 2);
  }
  return places;
}
