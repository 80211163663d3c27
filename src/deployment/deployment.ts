import { findComposeImages, isCompose } from './compose.ts';
import { findKubernetesImages, isKubernetesResource } from './kubernetes.ts';
import { findKustomizationImages, isKustomization } from './kustomization.ts';
import type { DeploymentFile, Findings, NeededFile, Remark, UsedImage } from './used-image.ts';
import { parseYamlFile, type YamlDocument } from './yaml-document.ts';

export interface DeploymentQuestion {
  /** All of whose images are wanted. */
  readonly files: readonly DeploymentFile[];
  /** Files that services of the others extend. */
  readonly extended: readonly DeploymentFile[];
  /** Those of a Compose file. */
  readonly variables: (file: DeploymentFile) => ReadonlyMap<string, string>;
}

export interface Deployment {
  readonly images: readonly UsedImage[];
  readonly remarks: readonly Remark[];
  /** Files that have to be given as well, before the answer is whole. */
  readonly needed: readonly NeededFile[];
  /** Documents that are a Kubernetes resource, a kustomization or a Compose file. */
  readonly known: number;
}

/**
 * The images that a deployment runs, each with its exact place: from Kubernetes resources (what `helm template` and `kustomize build` write, too), the `images` of
 * kustomizations, and Compose files, told by their content. Documents of another kind are left out.
 */
export function findUsedImages({ files, extended, variables }: DeploymentQuestion): Deployment {
  const parsed = new Map<string, readonly YamlDocument[]>();
  const remarks: Remark[] = [];
  const given = new Set(files.map(({ path }) => path));
  for (const file of [...files, ...extended.filter(({ path }) => !given.has(path))]) {
    const { documents, remarks: faults } = parseYamlFile(file);
    parsed.set(file.path, documents);
    remarks.push(...faults);
  }
  const documents = files.flatMap(({ path }) => parsed.get(path) ?? []);
  const needed = new Map<string, NeededFile>();
  const images = new Map<string, UsedImage>();
  let known = 0;
  for (const document of documents) {
    const findings = findInDocument(document, variables, (path) => parsed.get(path)?.find(isCompose));
    if (findings === undefined) continue;
    known += 1;
    for (const image of findings.images) images.set(`${image.line}:${image.column}:${image.file}`, image);
    remarks.push(...findings.remarks);
    for (const file of findings.needed ?? [])
      if (!parsed.has(file.path) || (file.as === 'included' && !given.has(file.path))) needed.set(file.path, file);
  }
  return { images: [...images.values()], remarks, needed: [...needed.values()], known };
}

function findInDocument(
  document: YamlDocument,
  variables: DeploymentQuestion['variables'],
  open: (path: string) => YamlDocument | undefined,
): (Findings & { readonly needed?: readonly NeededFile[] }) | undefined {
  if (isKustomization(document)) return findKustomizationImages(document);
  if (isKubernetesResource(document)) return findKubernetesImages(document);
  return isCompose(document) ? findComposeImages(document, { variables: variables(document.file), open }) : undefined;
}
