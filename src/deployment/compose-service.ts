import { posix } from 'node:path';
import type { Node } from 'yaml';
import { resolvePath } from './compose-include.ts';
import { interpolate } from './compose-variable.ts';
import type { ComposeScope } from './used-image.ts';
import type { YamlDocument } from './yaml-document.ts';

/** Sections of a Compose file whose entries run containers. */
export type Section = 'services' | 'jobs';

/** A service as one file describes it. `folder`: that its paths start from. */
export interface Service {
  readonly document: YamlDocument;
  readonly node: Node;
  readonly section: Section;
  readonly folder: string;
}

/** A service, then the one that it extends, and so on; and why that does not lead to the end. */
export interface ServiceChain {
  readonly services: readonly Service[];
  readonly end: ChainEnd;
}

type ChainEnd =
  | { readonly kind: 'whole' }
  | { readonly kind: 'needed'; readonly path: string; readonly by: string }
  | { readonly kind: 'broken'; readonly node: Node; readonly reason: string };

/** Opens the documents of a file that is extended; undefined where it was not read. */
export type OpenExtended = (path: string) => readonly YamlDocument[] | undefined;

/** Follows `extends`. https://docs.docker.com/reference/compose-file/services/#extends */
export function followExtends(first: Service, scope: ComposeScope, open: OpenExtended): ServiceChain {
  const services: Service[] = [];
  for (let at = first; ; ) {
    if (services.some(({ node }) => node === at.node)) {
      return { services, end: { kind: 'broken', node: at.node, reason: 'its services extend each other in a circle' } };
    }
    services.push(at);
    const next = findExtended(at, scope, open);
    if ('kind' in next) return { services, end: next };
    at = next;
  }
}

/** What the first service of a chain that has such a key says; undefined where none has it, or where it was taken away. */
export function findSetting({ services }: ServiceChain, key: string): { readonly document: YamlDocument; readonly node: Node } | undefined {
  for (const { document, node } of services) {
    const value = document.get(node, key);
    // https://docs.docker.com/reference/compose-file/merge/#reset-value
    if (value?.tag === '!reset') return undefined;
    if (value !== undefined && !document.isNull(value)) return { document, node: value };
  }
  return undefined;
}

function findExtended({ document, node, section, folder }: Service, { variables }: ComposeScope, open: OpenExtended): Service | ChainEnd {
  const extension = document.get(node, 'extends');
  if (extension === undefined || document.isNull(extension)) return { kind: 'whole' };
  const broken = (reason: string): ChainEnd => ({ kind: 'broken', node: extension, reason });
  const read = (value: Node | undefined): string | undefined => {
    const text = interpolate(document.text(value) ?? '', variables);
    return text.kind === 'missing' || text.text === '' ? undefined : text.text;
  };
  const name = read(document.text(extension) === undefined ? document.get(extension, 'service') : extension);
  if (name === undefined) return broken('it extends a service without name');
  const fileNode = document.get(extension, 'file');
  if (fileNode === undefined || document.isNull(fileNode)) {
    const target = document.get(document.root, section, name);
    if (target !== undefined) return { document, node: target, section, folder };
    // One of an included file counts there.
    return document.items(document.get(document.root, 'include')).length > 0
      ? { kind: 'whole' }
      : broken(`there is no service ${name}, which it extends, in ${document.file.path}`);
  }
  const file = read(fileNode);
  if (file === undefined) return broken('the file that it extends is not known');
  const path = resolvePath(folder, file);
  const documents = open(path);
  if (documents === undefined) return { kind: 'needed', path, by: document.file.path };
  const found = documents.flatMap((other): readonly Service[] => {
    const target = other.get(other.root, 'services', name);
    return target === undefined ? [] : [{ document: other, node: target, section: 'services', folder: posix.dirname(path) }];
  });
  const [target] = found;
  if (found.length > 1) return broken(`several documents of ${path} have the service ${name}, which it extends`);
  return target ?? broken(`there is no service ${name}, which it extends, in ${path}`);
}
