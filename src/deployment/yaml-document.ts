import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type LineCounter, type Node, type Pair, type Scalar, visit } from 'yaml';
import type { DeploymentFile, PinPlace, Place } from './used-image.ts';

/** Most keys of maps that are merged, each as often as it is read. */
const mergedPairsLimit = 2_000_000;

/** One document of a file, read through aliases and merge keys (`<<`), as kubectl and Compose read it. */
export class YamlDocument {
  readonly file: DeploymentFile;
  /** As it is written, with aliases and merge keys. */
  readonly tree: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #anchors: Anchors;
  #mergedPairs = 0;

  constructor(document: Document.Parsed, file: DeploymentFile, lines: LineCounter) {
    this.file = file;
    this.#lines = lines;
    this.#anchors = findAnchors(document);
    this.tree = document;
  }

  get root(): Node | undefined {
    return this.resolve(this.tree.contents);
  }

  /** Whether it merges so much that not all of it was followed. */
  get isTangled(): boolean {
    return this.#mergedPairs > mergedPairsLimit;
  }

  /** What an alias stands for. */
  resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return this.#anchors.targets.get(node);
    return (node as Node | null | undefined) ?? undefined;
  }

  /** The value at a path of keys; undefined where there is none. */
  get(node: Node | undefined, ...path: readonly string[]): Node | undefined {
    let at = node;
    for (const key of path) at = this.#pairs(at).find(([name]) => name === key)?.[1];
    return at;
  }

  /** Keys and values of a map, those that are merged into it last and only where it has not got them. None of anything else. */
  entries(node: Node | undefined): readonly (readonly [string, Node])[] {
    const first = new Map<string, Node>();
    for (const [key, value] of this.#pairs(node)) if (!first.has(key)) first.set(key, value);
    return [...first];
  }

  items(node: Node | undefined): readonly Node[] {
    if (!isSeq(node)) return [];
    return node.items.flatMap((item) => this.resolve(item) ?? []);
  }

  text(node: Node | undefined): string | undefined {
    return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
  }

  isNull(node: Node | undefined): boolean {
    return node === undefined || (isScalar(node) && node.value === null);
  }

  place(node: Node | undefined): Place {
    return placeAt(this.file, this.#lines, node?.range?.[0] ?? 0);
  }

  /** Whether a text stands under several keys, by aliases. */
  isShared(node: Node): boolean {
    return (this.#anchors.keys.get(node)?.size ?? 0) > 1;
  }

  /** Where in the file the text of a scalar ends; undefined where it is not written out in one piece. */
  endOfText(node: Node): number | undefined {
    const value = this.text(node);
    if (!isScalar(node) || !node.range || value === undefined) return undefined;
    const written = this.file.text.slice(node.range[0], node.range[1]);
    const text = value.trimEnd();
    const index = written.indexOf(text);
    return text === '' || index === -1 || written.indexOf(text, index + 1) !== -1 ? undefined : node.range[0] + index + text.length;
  }

  /** Own pairs before merged ones: the first with a key counts. Each map is merged once, however often it is named. */
  #pairs(node: Node | undefined): readonly (readonly [string, Node])[] {
    const pairs: (readonly [string, Node])[] = [];
    const queue: (Node | undefined)[] = [node];
    const seen = new Set<Node>();
    for (let map = queue.shift(); map !== undefined || queue.length > 0; map = queue.shift()) {
      if (!isMap(map) || seen.has(map)) continue;
      if (seen.size > 0) this.#mergedPairs += map.items.length;
      if (this.isTangled) break;
      seen.add(map);
      const merged: (Node | undefined)[] = [];
      for (const { key, value } of map.items as readonly Pair<unknown, unknown>[]) {
        const name = isScalar(key) ? String((key as Scalar).value) : undefined;
        const target = this.resolve(value);
        if (name === undefined || target === undefined) continue;
        if (name === '<<') merged.push(...(isSeq(target) ? this.items(target) : [target]));
        else pairs.push([name, target]);
      }
      queue.unshift(...merged);
    }
    return pairs;
  }
}

/** Inserts `@` and the digest behind a reference. */
export function toPinPlace(document: YamlDocument, node: Node): PinPlace {
  if (document.isShared(node)) return { kind: 'none', reason: 'its text is that of other keys as well (by an anchor)' };
  const offset = document.endOfText(node);
  return offset === undefined
    ? { kind: 'none', reason: 'its text is not written in one piece' }
    : { kind: 'insertion', offset, before: '@', after: '' };
}

interface Anchors {
  /** What each alias stands for: the last node before it with that anchor. */
  readonly targets: ReadonlyMap<Node, Node>;
  /** Nodes that stand in several places, with the keys of these; an item of a list has none. */
  readonly keys: ReadonlyMap<Node, ReadonlySet<unknown>>;
}

function findAnchors(document: Document.Parsed): Anchors {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  const keys = new Map<Node, Set<unknown>>();
  visit(document, {
    Alias(_at, alias, path) {
      const target = anchors.get(alias.source);
      if (target === undefined) return;
      targets.set(alias, target);
      keys.get(target)?.add(keyOf(path));
    },
    Value(_at, node, path) {
      if (node.anchor === undefined) return;
      anchors.set(node.anchor, node);
      keys.set(node, new Set([keyOf(path)]));
    },
  });
  return { targets, keys };
}

function keyOf(path: readonly unknown[]): unknown {
  const parent = path.at(-1);
  return isPair(parent) && isScalar(parent.key) ? parent.key.value : undefined;
}

export function placeAt(file: DeploymentFile, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { file: file.path, line: Math.max(1, line), column: Math.max(1, col) };
}
