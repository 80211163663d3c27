import { isMap, isScalar, type Node } from 'yaml';
import { Collection } from './collection.ts';
import type { Findings, PinPlace } from './used-image.ts';
import type { YamlDocument } from './yaml-document.ts';

/** By the name of its file, or by what it says to be: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ */
export function isKustomization(document: YamlDocument): boolean {
  const name = document.file.path.split('/').at(-1);
  const kind = document.text(document.get(document.root, 'kind'));
  const isNamed = name === 'kustomization.yaml' || name === 'kustomization.yml' || name === 'Kustomization';
  return (isNamed && (kind === undefined || kind === 'Kustomization')) || isOwnVersion(document);
}

/** Flux has a kind of the same name in a group of its own. */
function isOwnVersion(document: YamlDocument): boolean {
  return document.text(document.get(document.root, 'apiVersion'))?.startsWith('kustomize.config.k8s.io/') === true;
}

/**
 * The images that the transformer `images` puts in the place of others: name, tag and digest, as kustomize joins them. An entry that gives neither tag nor
 * digest keeps those of the resources, which only the output of `kustomize build` shows.
 */
export function findKustomizationImages(document: YamlDocument): Findings {
  const collection = new Collection(document);
  const { root } = document;
  // The old name of the field is read as well.
  for (const key of ['images', 'imageTags']) {
    for (const entry of document.items(read(root, key, document, collection))) addKustomizeImage(entry, document, collection);
  }
  if (others.some((key) => document.items(read(root, key, document, collection)).length > 0)) {
    collection.remark(
      'notice',
      root,
      'only the images that it replaces were looked at: give the output of kustomize build for all of them',
    );
  }
  return collection.findings;
}

/** Fields of a kustomization through which images come that it does not name itself. */
const others = [
  'resources',
  'bases',
  'components',
  'patches',
  'patchesStrategicMerge',
  'patchesJson6902',
  'replacements',
  'helmCharts',
  'helmChartInflationGenerator',
  'generators',
  'transformers',
];

/** kustomize does not look at the case of a key, nor at some forms of letters. Of two such keys programs take either. */
function read(map: Node | undefined, key: string, document: YamlDocument, collection: Collection): Node | undefined {
  const found = document.entries(map).filter(([name]) => name.normalize('NFKC').toLowerCase() === key.toLowerCase());
  if (found.length > 1) collection.remark('error', found[1]?.[1], `the key ${key} stands twice in a map`);
  return found[0]?.[1];
}

/** An entry of `images`, here or where another program hands it to kustomize. `owner`: the resource of that. */
export function addKustomizeImage(entry: Node, document: YamlDocument, collection: Collection, owner?: string): void {
  const field = (key: string) => read(entry, key, document, collection);
  const [nameNode, newNameNode, tagNode, digestNode] = [field('name'), field('newName'), field('newTag'), field('digest')];
  const notText = [nameNode, newNameNode, tagNode, digestNode].find((node) => !document.isNull(node) && document.text(node) === undefined);
  if (notText !== undefined) {
    collection.remark('error', notText, 'this part of an image is not a text: put it into quotes');
    return;
  }
  const name = document.text(newNameNode) || document.text(nameNode);
  const [tag, digest] = [document.text(tagNode), document.text(digestNode)];
  const node = newNameNode ?? nameNode;
  if (name === undefined || node === undefined) {
    collection.remark('error', entry, 'this image has no name');
    return;
  }
  if (!tag && !digest) {
    collection.remark('notice', node, `${name} keeps the tag of the resources: give the output of kustomize build to have it looked at`);
    return;
  }
  const reference = `${name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
  const user = `image ${document.text(nameNode) ?? name}`;
  collection.add(tagNode ?? digestNode ?? node, {
    reference,
    user: owner === undefined ? user : `${owner}, ${user}`,
    pin: digestNode === undefined ? toPin(entry, tagNode, document) : { kind: 'none', reason: 'its digest is empty' },
  });
}

/** A key `digest` behind `newTag`, which kustomize 5 keeps beside it, and older ones leave out. */
function toPin(entry: Node, tagNode: Node | undefined, document: YamlDocument): PinPlace {
  const none: PinPlace = { kind: 'none', reason: 'it is not written in a form that a line can be added to' };
  if (!isMap(entry) || !isScalar(tagNode) || !tagNode.range) return none;
  const pair = entry.items.find(({ value }) => value === tagNode);
  const key = pair?.key;
  if (!isScalar(key) || !key.range) return none;
  const { text } = document.file;
  const isQuoted = /^["']/.test(text[key.range[0]] ?? '');
  const offset = tagNode.range[1];
  if (entry.flow === true) {
    return { kind: 'insertion', offset, before: isQuoted ? ', "digest": "' : ', digest: ', after: isQuoted ? '"' : '' };
  }
  if (tagNode.type !== 'PLAIN' && tagNode.type !== 'QUOTE_SINGLE' && tagNode.type !== 'QUOTE_DOUBLE') return none;
  const lineStart = text.lastIndexOf('\n', key.range[0] - 1) + 1;
  // In the first line of an entry a dash stands before the key.
  const indent = text.slice(lineStart, key.range[0]).replace(/[^\t]/g, ' ');
  const end = /\r?\n/.exec(text)?.[0] ?? '\n';
  return { kind: 'insertion', offset: lineEnd(text, offset), before: `${end}${indent}digest: `, after: '' };
}

/** Behind the comment of the line. */
function lineEnd(text: string, offset: number): number {
  const index = text.indexOf('\n', offset);
  if (index === -1) return text.length;
  return text[index - 1] === '\r' ? index - 1 : index;
}
