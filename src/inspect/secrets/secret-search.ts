import { makeAnchorScanner } from './anchors.ts';
import { secretRules } from './rules.ts';
import { latin1, reachAfter, reachBefore, type SecretMatch } from './secret-rule.ts';

export interface FoundSecret {
  readonly match: SecretMatch;
  /** Offset in the content that was searched of the secret's first byte. */
  readonly offset: number;
}

/** Searches bytes for every family of secrets. One search serves any number of contents, one after the other. */
export interface SecretSearch {
  /**
   * The secrets of `content` whose anchor lies in [from, to), in order. `attempts` is the number of times that a rule read a neighbourhood,
   * which is what can cost time; the search stops when it exceeds `maxAttempts`.
   */
  find(
    content: Buffer,
    from: number,
    to: number,
    maxAttempts: number,
  ): { readonly found: readonly FoundSecret[]; readonly attempts: number };
  countLines(content: Uint8Array): number;
}

export function makeSecretSearch(): SecretSearch {
  const scanner = makeAnchorScanner(secretRules.flatMap(({ anchors }) => anchors));
  return {
    find(content, from, to, maxAttempts) {
      const found: FoundSecret[] = [];
      let attempts = 0;
      scanner.scan(content, (at) => {
        if (at < from || at >= to || attempts > maxAttempts) return;
        for (const rule of secretRules) {
          if (!rule.begins(content, at)) continue;
          attempts++;
          const begin = Math.max(0, at - reachBefore);
          const match = rule.match({ text: latin1(content, begin, at + reachAfter), at: at - begin });
          if (match !== undefined) found.push({ match, offset: begin + match.start });
        }
      });
      return { found, attempts };
    },
    countLines: scanner.countLines,
  };
}
