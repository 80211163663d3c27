import { stripFlags } from './dockerfile.ts';

/** An instruction as it is compared: of a Dockerfile's step, or of a history entry (see `parseInstruction`). */
export interface Comparable {
  readonly keyword: string;
  /** On one line, without flags. */
  readonly text: string;
  readonly heredoc: string;
  readonly words: readonly string[];
}

/** Of longer instructions, only the beginning is compared word by word. */
const maxWords = 300;

export function toComparable(keyword: string, text: string, heredoc = ''): Comparable {
  const line = stripFlags(text.replace(/\s+/g, ' ').trim());
  return { keyword, text: line, heredoc, words: toWords(line) };
}

/**
 * How well a history entry tells of a Dockerfile's step: 0 not at all, 3 word for word. Builders write steps in their own ways: the classic one
 * puts hashes for the files of COPY, BuildKit puts values for variables (so `$X` in the file is like anything), both make paths absolute.
 */
export function toLikeness(entry: Comparable, step: Comparable): number {
  if (entry.keyword !== step.keyword) return 0;
  switch (step.keyword) {
    case 'RUN':
      return toRunLikeness(entry, step);
    case 'COPY':
    case 'ADD':
      return toCopyLikeness(entry, step);
    case 'ENV':
    case 'LABEL':
    case 'ARG':
      return toOverlap(toKeys(entry.text), toKeys(step.text));
    case 'WORKDIR':
      return arePathsAlike(step.text, entry.text);
    case 'EXPOSE':
      return toOverlap(toPorts(entry.text), toPorts(step.text));
    case 'HEALTHCHECK':
      // Go's notation of a structure: `&{["CMD-SHELL" "curl …"] "30s" …}`.
      return Math.max(1, toOverlap(entry.words, step.words));
    default:
      return toOverlap(entry.words, step.words);
  }
}

function toRunLikeness(entry: Comparable, step: Comparable): number {
  if (step.heredoc !== '') {
    // BuildKit runs a here-document that begins with `#!` as a file, another one as the command itself.
    if (entry.text.startsWith('/dev/pipes/')) return step.heredoc.startsWith('#!') ? 2 : 0;
    if (entry.text !== '' && (step.heredoc.startsWith(entry.text) || entry.text.startsWith(step.text))) return 3;
  }
  if (entry.text === step.text || entry.text === step.words.join(' ')) return 3;
  const [shorter, longer] = [entry.words.length, step.words.length].sort((a, b) => a - b) as [number, number];
  if (toShare(shorter, shorter + longer) < leastRunOverlap) return 0;
  const overlap = toOverlap(entry.words, step.words);
  return overlap >= leastRunOverlap ? Math.min(overlap, 2) : 0;
}

/** Commands that share fewer words are others. */
const leastRunOverlap = 1.8;

function toCopyLikeness(entry: Comparable, step: Comparable): number {
  const target = step.words.at(-1) ?? '';
  // `file:HASH in /target`, `dir:HASH in /target`, `multi:HASH in /target/`
  const hashed = /^(?:file|dir|multi):[0-9a-f]+ in (.+)$/.exec(entry.text);
  if (hashed) return arePathsAlike(target, hashed[1] ?? '') * 0.8;
  const alike = arePathsAlike(target, entry.words.at(-1) ?? '');
  if (alike === 0) return 0;
  const sources = toOverlap(entry.words.slice(0, -1), step.words.slice(0, -1));
  return sources === 0 ? 0 : (alike + sources) / 2;
}

/** A path of the Dockerfile may be relative to a WORKDIR that the history has put before it. */
function arePathsAlike(wanted: string, given: string): number {
  const [path, full] = [toPath(wanted), toPath(given)];
  if (isLike(path, full)) return 3;
  if (path === '' || path === '.') return 1;
  return isLike(`*/${path}`, full) ? 2 : 0;
}

function toPath(text: string): string {
  const path = text
    .replace(/^"|"$/g, '')
    .replace(/^\.\//, '')
    .replace(/\/\.?$/, '');
  return path === '' && text.startsWith('/') ? '/' : path;
}

/** 3 where all words are alike, 0 where none are. */
function toOverlap(given: readonly string[], wanted: readonly string[]): number {
  if (wanted.length === 0 && given.length === 0) return 3;
  const left = new Set(given);
  const shared = wanted.filter((word) => takeLike(left, word)).length;
  return toShare(shared, given.length + wanted.length);
}

function toShare(shared: number, all: number): number {
  return (3 * 2 * shared) / all;
}

function takeLike(words: Set<string>, wanted: string): boolean {
  const found = wanted.includes('$') ? [...words].find((word) => isLike(wanted, word)) : words.has(wanted) ? wanted : undefined;
  if (found === undefined) return false;
  words.delete(found);
  return true;
}

/** Whether `text` is `pattern`, in which a variable and a leading `*` stand for anything. */
function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split(/\$(?:\w+|\{[^}]*\})|^\*/);
  const first = parts[0] ?? '';
  if (parts.length === 1) return first === text;
  const last = parts.at(-1) ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= text.length - last.length;
}

/** Without quotes, brackets and commas, and without the shell that the builder puts before a command: `["/bin/sh" "-c" "a b"]` is `a b`. */
function toWords(text: string): readonly string[] {
  const words = text
    .slice(0, 8192)
    .split(/["',[\]{}\s]+/)
    .filter((word) => word !== '')
    .slice(0, maxWords);
  return /^\/bin\/(?:ba)?sh$/.test(words[0] ?? '') && words[1] === '-c' ? words.slice(2) : words;
}

function toKeys(text: string): readonly string[] {
  const keys = [...text.matchAll(/(?:^|\s)"?([A-Za-z_][\w./-]*)"?=/g)].flatMap((match) => match[1] ?? []);
  return keys.length > 0 ? keys : text.split(' ', 1);
}

function toPorts(text: string): readonly string[] {
  return text.match(/\$\{?\w+\}?|\d+(?:-\d+)?/g) ?? [];
}
