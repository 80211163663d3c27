import { isCollection, isMap, isSeq, type Node } from 'yaml';
import { Collection } from './collection.ts';
import { imagePaths, kustomizePaths, renderedKinds } from './custom-resource.ts';
import { addKustomizeImage } from './kustomization.ts';
import type { Findings } from './used-image.ts';
import { toPinPlace, type YamlDocument } from './yaml-document.ts';
import { findMergeDoubts } from './yaml-doubt.ts';

export function isKubernetesResource(document: YamlDocument): boolean {
  const { root } = document;
  const apiVersion = document.get(root, 'apiVersion');
  return (
    document.text(document.get(root, 'kind')) !== undefined && (document.isNull(apiVersion) || document.text(apiVersion) !== undefined)
  );
}

/**
 * The images of a resource, or of the resources of a List: `containers`, `initContainers`, `ephemeralContainers` and image volumes of each pod, wherever in
 * the resource it is described (so that the pods of custom resources are found, too), and the known paths of custom resources. What looks like an image
 * in a custom resource elsewhere is a notice.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
export function findKubernetesImages(document: YamlDocument): Findings {
  const collection = new Collection(document);
  const queue: (Node | undefined)[] = [document.root];
  const seen = new Set<Node>();
  for (let resource = queue.pop(); resource !== undefined || queue.length > 0; resource = queue.pop()) {
    if (resource === undefined || seen.has(resource)) continue;
    seen.add(resource);
    // kubectl applies the items of any kind.
    const items = document.items(document.get(resource, 'items')).filter((item) => document.text(document.get(item, 'kind')) !== undefined);
    if (items.length === 0) addResource(resource, document, collection);
    else queue.push(...items);
  }
  for (const node of findMergeDoubts(document)) {
    collection.remark(
      'error',
      node,
      'it merges a map that has a key which stands above it: programs differ in which one counts. Put << first',
    );
  }
  return collection.findings;
}

/** They hold text or schemas, and run nothing. */
const plainKinds = ['ConfigMap', 'Secret', 'CustomResourceDefinition', 'Event', 'Node', 'Namespace'];
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];

function addResource(resource: Node, document: YamlDocument, collection: Collection): void {
  const kind = document.text(document.get(resource, 'kind'));
  const group = groupOf(document.text(document.get(resource, 'apiVersion')) ?? '');
  if (kind === undefined || (plainKinds.includes(kind) && (group === '' || group.endsWith('.k8s.io')))) return;
  const name =
    document.text(document.get(resource, 'metadata', 'name')) ?? document.text(document.get(resource, 'metadata', 'generateName'));
  const owner = name === undefined ? kind : `${kind} ${name}`;
  const parts = document.entries(resource).filter(([key]) => !['metadata', 'status'].includes(key));
  const doubtful: Node[] = [];
  // A resource may hold others, for somebody to make of it.
  const resources = [resource];
  walk(
    parts.map(([, value]) => value),
    document,
    (map) => {
      addPod(map, owner, document, collection, doubtful);
      if (document.text(document.get(map, 'kind')) !== undefined && document.text(document.get(map, 'apiVersion')) !== undefined)
        resources.push(map);
    },
  );
  for (const part of resources) addKnownPaths(part, owner, document, collection);
  if (!group.includes('.')) return;
  for (const node of doubtful) {
    if (!collection.has(node))
      collection.remark('notice', node, `${owner} may run this image: its kind is not known, so it was not looked at`);
  }
}

/** The images that custom resources name at paths of their own. */
function addKnownPaths(resource: Node, owner: string, document: YamlDocument, collection: Collection): void {
  const [kind = '', group] = [
    document.text(document.get(resource, 'kind')),
    groupOf(document.text(document.get(resource, 'apiVersion')) ?? ''),
  ];
  for (const path of imagePaths.get(group) ?? []) {
    for (const node of select(resource, path.split('.'), document)) if (!isCollection(node)) collection.addNode(node, owner);
  }
  for (const path of kustomizePaths.get(group) ?? []) {
    for (const node of select(resource, path.split('.'), document)) {
      if (isMap(node)) addKustomizeImage(node, document, collection, owner);
      else addKustomizeText(node, owner, document, collection);
    }
  }
  if (renderedKinds.get(group)?.includes(kind) === true) {
    collection.remark(
      'notice',
      resource,
      `${owner} has other images rendered, which were not looked at: give what helm template or kustomize build prints`,
    );
  }
}

/** `[NAME=]NEWNAME[:TAG|@DIGEST]`. https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/ */
function addKustomizeText(node: Node, owner: string, document: YamlDocument, collection: Collection): void {
  const text = document.text(node);
  const reference = text?.slice(text.indexOf('=') + 1);
  if (reference === undefined) collection.addNode(node, owner);
  else if (/[:@][^/]*$/.test(reference)) collection.add(node, { reference, user: owner, pin: toPinPlace(document, node) });
  else
    collection.remark(
      'notice',
      node,
      `${reference} keeps the tag of the resources: give the output of kustomize build to have it looked at`,
    );
}

function addPod(map: Node, owner: string, document: YamlDocument, collection: Collection, doubtful: Node[]): void {
  let isPod = false;
  for (const [key, value] of document.entries(map)) {
    if (/^image$|Image(?:Name)?$/.test(key) && /^[\w.-]+(?::\d+)?[/:@][\w./:@-]+$/.test(document.text(value) ?? '')) doubtful.push(value);
    if (!containerLists.includes(key) || !isSeq(value)) continue;
    isPod = true;
    for (const container of document.items(value)) {
      const name = document.text(document.get(container, 'name'));
      collection.addNode(document.get(container, 'image'), name === undefined ? owner : `${owner}, container ${name}`);
    }
  }
  if (!isPod) return;
  for (const volume of document.items(document.get(map, 'volumes'))) {
    const name = document.text(document.get(volume, 'name'));
    collection.addNode(document.get(volume, 'image', 'reference'), `${owner}, volume ${name ?? 'without name'}`);
  }
}

/** Visits each map once, in the order of the file, however many aliases lead to it. */
function walk(roots: readonly Node[], document: YamlDocument, visit: (map: Node) => void): void {
  const stack = [...roots].reverse();
  const seen = new Set<Node>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!isCollection(node) || seen.has(node)) continue;
    seen.add(node);
    if (isMap(node)) visit(node);
    const children = isMap(node) ? document.entries(node).map(([, value]) => value) : document.items(node);
    for (const child of children.toReversed()) stack.push(child);
  }
}

function select(node: Node, path: readonly string[], document: YamlDocument): readonly Node[] {
  let nodes: readonly Node[] = [node];
  for (const key of path) {
    nodes = nodes.flatMap((at) => {
      if (key !== '*') return document.get(at, key) ?? [];
      return isSeq(at) ? document.items(at) : document.entries(at).map(([, value]) => value);
    });
  }
  return nodes;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}
