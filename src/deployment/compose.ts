import { isMap, isScalar, type Node } from 'yaml';
import { Collection } from './collection.ts';
import { interpolate } from './compose-variable.ts';
import type { Findings, NeededFile } from './used-image.ts';
import { toPinPlace, type YamlDocument } from './yaml-document.ts';

/** What a Compose file is read with. */
export interface ComposeContext {
  readonly variables: ReadonlyMap<string, string>;
  /** The document of a file that a service extends, by its path in the workspace; undefined where it was not read. */
  readonly open: (path: string) => YamlDocument | undefined;
}

export interface ComposeFindings extends Findings {
  readonly needed: readonly NeededFile[];
}

export function isCompose(document: YamlDocument): boolean {
  const { root } = document;
  return isMap(document.get(root, 'services')) || (document.get(root, 'include') !== undefined && isComposeName(document.file.path));
}

function isComposeName(path: string): boolean {
  return /(?:^|\/)(?:docker-)?compose(?:\.[\w.-]+)?\.ya?ml$/.test(path);
}

/**
 * The images of the services of a Compose file: `image`, through `extends`, and images that are mounted as volumes. A service that is only built runs
 * no image of a registry. https://docs.docker.com/reference/compose-file/services/
 */
export function findComposeImages(document: YamlDocument, context: ComposeContext): ComposeFindings {
  const collection = new Collection(document);
  const extended: Findings[] = [];
  const needed = new Map<string, NeededFile>(includedFiles(document, context, collection).map((file) => [file.path, file]));
  for (const [name, service] of document.entries(document.get(document.root, 'services'))) {
    const user = `service ${name}`;
    const found = findImage({ document, service }, context);
    if (found.kind === 'image') {
      const own = found.document === document ? collection : new Collection(found.document);
      addImage(found.node, user, found.document, own, context);
      if (own !== collection) extended.push(own.findings);
    } else if (found.kind === 'needed') needed.set(found.path, { path: found.path, as: 'extended', by: found.by });
    else if (found.kind === 'broken') collection.remark('error', found.node, `the image of ${user} is not known: ${found.reason}`);
    else if (found.kind === 'built') collection.remark('notice', service, `${user} is built where it runs: it has no image of a registry`);
    else collection.remark('notice', service, `${user} names no image in this file`);
    addVolumes(service, user, document, collection, context);
  }
  const all = [collection.findings, ...extended];
  return {
    images: all.flatMap(({ images }) => images),
    remarks: all.flatMap(({ remarks }) => remarks),
    needed: [...needed.values()],
  };
}

interface Service {
  readonly document: YamlDocument;
  readonly service: Node;
}

type FoundImage =
  | { readonly kind: 'image'; readonly document: YamlDocument; readonly node: Node }
  | { readonly kind: 'built' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'needed'; readonly path: string; readonly by: string }
  | { readonly kind: 'broken'; readonly node: Node; readonly reason: string };

/** Follows `extends` up to the service that has an image. What a service says itself counts. */
function findImage(first: Service, context: ComposeContext): FoundImage {
  let isBuilt = false;
  const seen = new Set<Node>();
  for (let at = first; ; ) {
    const { document, service } = at;
    if (seen.has(service)) return { kind: 'broken', node: service, reason: 'its services extend each other in a circle' };
    seen.add(service);
    isBuilt ||= !document.isNull(document.get(service, 'build'));
    if (isBuilt && document.text(document.get(service, 'pull_policy')) === 'build') return { kind: 'built' };
    const image = document.get(service, 'image');
    if (image !== undefined && !document.isNull(image)) return { kind: 'image', document, node: image };
    const next = toExtended(at, context);
    if (next === undefined) return { kind: isBuilt ? 'built' : 'nothing' };
    if ('kind' in next) return next;
    at = next;
  }
}

/** The service that another one extends; undefined where it extends none. */
function toExtended({ document, service }: Service, context: ComposeContext): Service | FoundImage | undefined {
  const extension = document.get(service, 'extends');
  if (extension === undefined || document.isNull(extension)) return undefined;
  const name = document.text(extension) ?? document.text(document.get(extension, 'service'));
  const fileNode = document.get(extension, 'file');
  const broken = (reason: string): FoundImage => ({ kind: 'broken', node: extension, reason });
  if (name === undefined) return broken('it extends a service without name');
  let other: YamlDocument | undefined = document;
  if (fileNode !== undefined) {
    const file = interpolate(document.text(fileNode) ?? '', context.variables);
    if (file.kind === 'missing' || file.text === '') return broken('the file that it extends is not known');
    const path = resolvePath(document.file.path, file.text);
    other = context.open(path);
    if (other === undefined) return { kind: 'needed', path, by: document.file.path };
  }
  const target = other.get(other.root, 'services', name);
  return target === undefined
    ? broken(`there is no service ${name}, which it extends, in ${other.file.path}`)
    : { document: other, service: target };
}

function addImage(node: Node, user: string, document: YamlDocument, collection: Collection, { variables }: ComposeContext): void {
  const text = document.text(node);
  if (text === undefined) {
    collection.addNode(node, user);
    return;
  }
  const value = interpolate(text, variables);
  if (value.kind === 'missing') {
    collection.remark('error', node, `the image of ${user} is not known: ${value.reason}`);
    return;
  }
  const pin = value.hasVariables ? ({ kind: 'none', reason: 'its text has variables' } as const) : toPinPlace(document, node);
  collection.add(node, { reference: value.text, user, pin });
}

function addVolumes(service: Node, user: string, document: YamlDocument, collection: Collection, context: ComposeContext): void {
  for (const volume of document.items(document.get(service, 'volumes'))) {
    const source = document.get(volume, 'source');
    if (document.text(document.get(volume, 'type')) === 'image' && source !== undefined) {
      addImage(source, `volume of ${user}`, document, collection, context);
    }
  }
}

/** https://docs.docker.com/reference/compose-file/include/ */
function includedFiles(document: YamlDocument, { variables }: ComposeContext, collection: Collection): readonly NeededFile[] {
  return document.items(document.get(document.root, 'include')).flatMap((entry) => {
    const paths = isScalar(entry)
      ? [entry]
      : [document.get(entry, 'path')].flatMap((node) => (isScalar(node) ? [node] : document.items(node)));
    return paths.flatMap((node): readonly NeededFile[] => {
      const path = interpolate(document.text(node) ?? '', variables);
      if (path.kind === 'text' && path.text !== '' && !/^[a-z][a-z0-9+.-]*:|^git@/i.test(path.text)) {
        return [{ path: resolvePath(document.file.path, path.text), as: 'included', by: document.file.path }];
      }
      collection.remark('error', node, 'the file that is included here was not read: it is not one of this repository');
      return [];
    });
  });
}

/** `path` as seen from the folder of `from`. */
function resolvePath(from: string, path: string): string {
  const parts = path.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}`;
}
