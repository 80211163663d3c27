import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, type Node, type Scalar, visit } from 'yaml';
import type { YamlDocument } from './yaml-document.ts';

/** Where programs that read YAML differ: one would run an image that another one has not seen. */
export interface Doubt {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Characters and document markers. Readers of YAML 1.1 (kubectl, Helm, Kustomize, Compose) take more characters for a line break than YAML 1.2 does, and kubectl cuts a
 * file at every line that begins with `---`, whatever else stands in it. https://yaml.org/spec/1.1/#id871136
 */
export function findTextDoubts(text: string): readonly Doubt[] {
  const doubts: Doubt[] = [];
  const character = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\u0085\u2028\u2029]|\r(?!\n)/.exec(text);
  if (character) {
    const code = character[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    doubts.push({ offset: character.index, reason: `programs read the character U+${code} in different ways: leave it out` });
  }
  const marker = /^---(?![ \t]*(?:#|\r?$))/m.exec(text);
  if (marker) doubts.push({ offset: marker.index, reason: 'some programs leave out what stands behind ---: put it into the next line' });
  return doubts;
}

/**
 * Keys that stand twice in a map, that are not written as they are read, and `<<` in a form that only some merge; a resource that is a text, which some take
 * for JSON.
 */
export function findNodeDoubts(document: Document.Parsed): readonly Doubt[] {
  const doubts: Doubt[] = [];
  const { contents } = document;
  if (isScalar(contents) && /kind/.test(String(contents.value)))
    doubts.push({ offset: contents.range?.[0] ?? 0, reason: 'it is a text, and no resource' });
  const look = (at: unknown, node: Node) => {
    const reason = at === 'key' ? undefined : toNodeDoubt(node);
    if (node.range && reason !== undefined) doubts.push({ offset: node.range[0], reason });
  };
  visit(document, {
    Map(at, map) {
      look(at, map);
      const names = new Set<string>();
      for (const { key } of map.items) {
        const offset = (key as Node | null)?.range?.[0];
        const name = isScalar(key) ? String(key.value) : undefined;
        const isTwice = name !== undefined && names.has(name);
        const reason = isTwice ? `the key ${JSON.stringify(name)} stands twice in a map` : toKeyDoubt(key);
        if (name !== undefined) names.add(name);
        if (offset !== undefined && reason !== undefined) doubts.push({ offset, reason });
      }
    },
    Alias: look,
    Scalar: look,
    Seq: look,
  });
  return doubts;
}

/** Tags of the core schema, which change nothing but the type of a value. */
const coreTags = ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`);

/** A value that is another text than the file shows, and names of anchors that end earlier for YAML 1.1. */
function toNodeDoubt(node: Node): string | undefined {
  const anchor = isAlias(node) ? node.source : (node as Scalar).anchor;
  if (anchor !== undefined && !/^[\w-]+$/.test(anchor))
    return `the name of the anchor ${JSON.stringify(anchor)} has other characters than letters and digits`;
  const { tag } = node;
  return tag?.startsWith('tag:yaml.org,2002:') && !coreTags.includes(tag)
    ? `programs read what has the tag ${JSON.stringify(tag)} in different ways`
    : undefined;
}

function toKeyDoubt(key: unknown): string | undefined {
  if (isAlias(key)) return 'a key is an alias: write its name';
  if (isCollection(key)) return 'a key is a map or a list';
  if (!isScalar(key)) return undefined;
  if (key.tag !== undefined) return 'a key has a tag: leave the tag out';
  return key.value === '<<' && key.type !== 'PLAIN' ? 'the key << is in quotes: leave them out to merge' : undefined;
}

/**
 * Maps that are merged (`<<`) behind a key that they have as well: kubectl and Helm then take the merged value, and Kustomize the own one.
 * In front of the other keys a merge is the same for all.
 */
export function findMergeDoubts(document: YamlDocument): readonly Node[] {
  const doubts: Node[] = [];
  visit(document.tree, {
    Map(_key, map) {
      const own = new Set<string>();
      for (const { key, value } of map.items) {
        if (!isScalar(key)) continue;
        if (key.value !== '<<') {
          own.add(String(key.value));
          continue;
        }
        const target = document.resolve(value);
        const merged = isSeq(target) ? document.items(target) : [target];
        const isSame = own.size > 0 && merged.some((node) => isMap(node) && document.entries(node).some(([name]) => own.has(name)));
        if (isSame) doubts.push(key);
      }
    },
  });
  return doubts;
}
