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
  let places = new Uint8Array(tokens.length + 1);
  let next = new Uint8Array(tokens.length + 1);
  places[0] = 1;
  addSkips(tokens, places);
  for (const character of text) {
    next.fill(0);
    for (let place = 0; place < tokens.length; place += 1) {
      const token = places[place] === 1 ? tokens[place] : undefined;
      const reached = token && step(token, place, character);
      if (reached !== undefined) next[reached] = 1;
    }
    addSkips(tokens, next);
    [places, next] = [next, places];
  }
  return places[tokens.length] === 1;
}

const slash: Token = { kind: 'character', value: '/' };

/** Where the pattern goes on after taking a character at `place`; undefined where it does not take it. */
function step(token: Token, place: number, character: string): number | undefined {
  switch (token.kind) {
    case 'character':
      return token.value === character ? place + 1 : undefined;
    case 'one':
    case 'folders':
      return character === '/' ? undefined : place + 1;
    case 'some':
      return character === '/' ? undefined : place;
    case 'any':
      return place;
    case 'inside':
      return character === '/' ? place - 1 : place;
  }
}

/** Adds the places that are reached without taking a character. They lie ahead, so one pass is enough. */
function addSkips(tokens: readonly Token[], places: Uint8Array): void {
  for (let place = 0; place < tokens.length; place += 1) {
    const kind = places[place] === 1 ? tokens[place]?.kind : undefined;
    if (kind === 'some' || kind === 'any') places[place + 1] = 1;
    if (kind === 'folders') places[place + 2] = 1;
  }
}
