import type { Severity } from '../../model/finding.ts';
import type { AnchorPattern } from './anchors.ts';

/**
 * One family of secrets. The search is in three steps, each cheaper by orders than the next: the anchors are found at memory speed; `begins`
 * looks at a few bytes; `match` reads the neighbourhood, with bounded expressions only, so that time stays linear whatever the content.
 */
export interface SecretRule {
  readonly anchors: readonly AnchorPattern[];
  /** Whether `match` should look: the bytes around offset `at` of an anchor are the rule's. */
  begins(content: Buffer, at: number): boolean;
  match(text: Neighbourhood): SecretMatch | undefined;
}

/** What stands around an anchor: up to `reachBefore` characters before it and `reachAfter` from it on, as latin1. */
export interface Neighbourhood {
  readonly text: string;
  /** Where the anchor is in `text`. */
  readonly at: number;
}

export const reachBefore = 704;
export const reachAfter = 3072;

export interface SecretMatch {
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  /** The secret itself: for fingerprint and preview, and never printed. */
  readonly secret: string;
  /** Where it begins in the neighbourhood's text. */
  readonly start: number;
}

/** Whether the bytes of `content` at `at` are those of `text` (ASCII). */
export function isAt(content: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (content[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** The characters of `content` from `from` to `to`, as latin1. */
export function latin1(content: Buffer, from: number, to: number): string {
  return content.toString('latin1', Math.max(0, from), Math.min(content.length, to));
}
