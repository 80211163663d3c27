import { isMap, isSeq, type Node } from 'yaml';
import { Collection } from './collection.ts';
import { findIncludedFiles } from './compose-include.ts';
import { findSetting, followExtends, type OpenExtended, type Section, type ServiceChain } from './compose-service.ts';
import { interpolate } from './compose-variable.ts';
import type { ComposeScope, Findings, NeededFile } from './used-image.ts';
import { toPinPlace, type YamlDocument } from './yaml-document.ts';

export interface ComposeFindings extends Findings {
  readonly needed: readonly NeededFile[];
}

const sections: readonly Section[] = ['services', 'jobs'];

/** Workflows of CI systems have `jobs` and `include` as well: those two count in a file with the name of a Compose file. */
export function isCompose(document: YamlDocument): boolean {
  const { root } = document;
  if (isMap(document.get(root, 'services'))) return true;
  return isComposeName(document.file.path) && (isMap(document.get(root, 'jobs')) || isSeq(document.get(root, 'include')));
}

function isComposeName(path: string): boolean {
  return /(?:^|\/)(?:docker-)?compose(?:\.[\w.-]+)?\.ya?ml$/.test(path);
}

/**
 * The images of the services and jobs of a Compose file: `image`, through `extends`, and images that are mounted as volumes. A service that is only built runs
 * no image of a registry. https://docs.docker.com/reference/compose-file/services/
 */
export function findComposeImages(document: YamlDocument, scope: ComposeScope, open: OpenExtended): ComposeFindings {
  const collections = new Map([[document, new Collection(document)]]);
  const collect = (of: YamlDocument): Collection => {
    const collection = collections.get(of) ?? new Collection(of);
    collections.set(of, collection);
    return collection;
  };
  const needed: NeededFile[] = [...findIncludedFiles(document, scope, collect(document))];
  for (const section of sections) {
    for (const [name, node] of document.entries(document.get(document.root, section))) {
      const user = `${section.slice(0, -1)} ${name}`;
      const chain = followExtends({ document, node, section, folder: scope.folder }, scope, open);
      if (chain.end.kind === 'needed') needed.push({ ...chain.end, as: 'extended' });
      addImage(chain, user, scope, collect);
      addVolumes(chain, user, scope, collect);
    }
  }
  const all = [...collections.values()].map(({ findings }) => findings);
  return { images: all.flatMap(({ images }) => images), remarks: all.flatMap(({ remarks }) => remarks), needed };
}

type Collect = (document: YamlDocument) => Collection;

function addImage(chain: ServiceChain, user: string, scope: ComposeScope, collect: Collect): void {
  const [service, last] = [chain.services[0], chain.services.at(-1)];
  if (service === undefined || last === undefined) return;
  const image = findSetting(chain, 'image');
  const isBuilt = findSetting(chain, 'build') !== undefined;
  const policy = findSetting(chain, 'pull_policy');
  const isPulled = policy === undefined || !isText(policy, 'build', scope);
  if (image !== undefined && !(isBuilt && (!isPulled || isText(image, '', scope)))) {
    addText(image.node, user, image.document, scope, collect);
  } else if (chain.end.kind === 'broken') {
    collect(last.document).remark('error', chain.end.node, `the image of ${user} is not known: ${chain.end.reason}`);
  } else if (chain.end.kind === 'whole') {
    const reason = isBuilt ? `${user} is built where it runs: it has no image of a registry` : `${user} names no image in this file`;
    collect(service.document).remark('notice', service.node, reason);
  }
}

function isText(
  { document, node }: { readonly document: YamlDocument; readonly node: Node },
  text: string,
  { variables }: ComposeScope,
): boolean {
  const written = document.text(node);
  const value = written === undefined ? undefined : interpolate(written, variables);
  return value?.kind === 'text' && value.text === text;
}

function addText(node: Node, user: string, document: YamlDocument, { variables }: ComposeScope, collect: Collect): void {
  const text = document.text(node);
  if (text === undefined) {
    collect(document).addNode(node, user);
    return;
  }
  const value = interpolate(text, variables);
  if (value.kind === 'missing') {
    collect(document).remark('error', node, `the image of ${user} is not known: ${value.reason}`);
    return;
  }
  const pin = value.hasVariables ? ({ kind: 'none', reason: 'its text has variables' } as const) : toPinPlace(document, node);
  collect(document).add(node, { reference: value.text, user, pin });
}

function addVolumes({ services }: ServiceChain, user: string, scope: ComposeScope, collect: Collect): void {
  for (const { document, node } of services) {
    for (const volume of document.items(document.get(node, 'volumes'))) {
      const [type, source] = [document.get(volume, 'type'), document.get(volume, 'source')];
      if (type !== undefined && source !== undefined && isText({ document, node: type }, 'image', scope)) {
        addText(source, `volume of ${user}`, document, scope, collect);
      }
    }
  }
}
