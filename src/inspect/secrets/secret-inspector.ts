import { createHash } from 'node:crypto';
import type { Inspector, LayerEntry, LayerInspection } from '../../layer/inspector.ts';
import type { Observation, SecretObservation } from '../../model/observation.ts';
import { type Placement, toPlacement } from './placement.ts';
import { reachAfter, type SecretMatch } from './secret-rule.ts';
import { makeSecretSearch, type SecretSearch } from './secret-search.ts';

/** Looks for secrets in the content of every file that is not compressed. */
export function makeSecretInspector(): Inspector {
  const search = makeSecretSearch();
  return { name: 'secrets', inspect: () => new SecretInspection(search) };
}

/** Shortest content that a rule matches. */
const minSizeBytes = 40;

/** Times in one layer that a rule reads a neighbourhood. Real layers need some hundreds; this many take a second. */
const maxAttempts = 20_000;

class SecretInspection implements LayerInspection {
  readonly #search: SecretSearch;
  readonly #observations = new Map<string, Observation>();
  #file: FileState | undefined;
  #placement: Placement = 'plain';
  #attempts = 0;

  constructor(search: SecretSearch) {
    this.#search = search;
  }

  entry(entry: LayerEntry): 'none' | 'stream' {
    this.#file = undefined;
    if (entry.type !== 'file' || entry.sizeBytes < minSizeBytes) return 'none';
    this.#placement = toPlacement(entry.path);
    return this.#placement === 'published' ? 'none' : 'stream';
  }

  magic(): 'none' {
    return 'none';
  }

  file(): void {}

  tooLarge(): void {}

  window(entry: LayerEntry, window: Buffer, offset: number, last: boolean): void {
    const file = this.#file ?? new FileState(window);
    this.#file = file;
    if (file.isCompressed) return;
    const linesBefore = file.linesThrough - (file.isText ? this.#linesIn(window.subarray(0, Math.max(0, file.end - offset))) : 0);
    const to = last ? window.length : window.length - reachAfter;
    const { found, attempts } = this.#search.find(window, file.searchedTo - offset, to, maxAttempts - this.#attempts);
    this.#attempts += attempts;
    for (const { match, offset: at } of found) {
      this.#add(entry.path, match, file.isText ? linesBefore + this.#linesIn(window.subarray(0, at)) + 1 : undefined);
    }
    if (this.#attempts > maxAttempts) this.#addGap(entry.path);
    file.searchedTo = Math.max(file.searchedTo, offset + to);
    file.end = offset + window.length;
    if (file.isText && !last) file.linesThrough = linesBefore + this.#linesIn(window);
  }

  end(): readonly Observation[] {
    return [...this.#observations.values()];
  }

  #linesIn(content: Uint8Array): number {
    return content.length === 0 ? 0 : this.#search.countLines(content);
  }

  #add(path: string, match: SecretMatch, line: number | undefined): void {
    const observation = toObservation(path, match, line, this.#placement);
    const key = `${path}\0${observation.fingerprint}`;
    if (!this.#observations.has(key)) this.#observations.set(key, observation);
  }

  #addGap(path: string): void {
    const reason =
      'the layer holds too many places that look like the beginning of a secret; from this file on it was not searched for secrets';
    if (!this.#observations.has('gap')) this.#observations.set('gap', { kind: 'gap', path, code: 'too-large', reason, ofLayer: true });
  }
}

/** What is known of a file whose windows arrive. */
class FileState {
  readonly isCompressed: boolean;
  readonly isText: boolean;
  /** Anchors before this offset have been looked at. */
  searchedTo = 0;
  /** Offset of the end of the window before. */
  end = 0;
  /** Line feeds up to `end`. */
  linesThrough = 0;

  constructor(first: Buffer) {
    this.isCompressed = isCompressed(first);
    this.isText = !first.subarray(0, 8000).includes(0);
  }
}

/** Compressed archives and media by their first bytes: nothing can be read in them as it stands. */
function isCompressed(first: Buffer): boolean {
  return magics.some((magic) => first.subarray(0, magic.length).equals(magic)) || first.toString('latin1', 4, 8) === 'ftyp';
}

const magics: readonly Buffer[] = [
  '1f8b08', // gzip
  '504b0304', // zip, jar, wheel
  '28b52ffd', // zstd
  'fd377a585a00', // xz
  '377abcaf271c', // 7z
  '89504e470d0a1a0a', // PNG
  'ffd8ff', // JPEG
  '474946383961', // GIF89a
  '774f4632', // WOFF2
  '774f4646', // WOFF
].map((hex) => Buffer.from(hex, 'hex'));

function toObservation(path: string, match: SecretMatch, line: number | undefined, placement: Placement): SecretObservation {
  return { kind: 'secret', path, rule: match.rule, ...toStanding(match, placement), line, ...toTrace(match) };
}

/** A secret weighs less where it may be one that is meant to be seen. */
function toStanding({ title, severity }: SecretMatch, placement: Placement): Pick<SecretObservation, 'title' | 'severity'> {
  if (placement === 'demonstration') return { title: `${title}, in a test, example or documentation file`, severity: 'low' };
  if (placement === 'package') return { title: `${title}, in the folder of an installed package`, severity: 'medium' };
  return { title, severity };
}

/** What may be told of a secret: a fingerprint that is of no use to who reads it, and at most its first four characters. */
export function toTrace({ rule, secret }: SecretMatch): { readonly fingerprint: string; readonly preview: string } {
  const fingerprint = createHash('sha256').update(rule).update('\0').update(secret).digest('hex');
  return { fingerprint, preview: `${secret.slice(0, 4)}…` };
}
