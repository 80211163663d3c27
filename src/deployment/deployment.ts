import { isMap } from 'yaml';
import { findComposeImages, isCompose } from './compose.ts';
import { findKubernetesImages, isKubernetesResource } from './kubernetes.ts';
import { findKustomizationImages, isKustomization } from './kustomization.ts';
import type { ComposeScope, Findings, NeededFile, Remark, UsedImage } from './used-image.ts';
import type { YamlDocument } from './yaml-document.ts';
import type { ParsedFile } from './yaml-file.ts';

/** A file all of whose images are wanted. */
export interface DeploymentPart extends ComposeScope {
  readonly parsed: ParsedFile;
  /** By a Compose file: it is one as well, whatever it looks like. */
  readonly isIncluded: boolean;
}

export interface Deployment {
  readonly images: readonly UsedImage[];
  readonly remarks: readonly Remark[];
  /** Files that have to be given as well, before the answer is whole. */
  readonly needed: readonly NeededFile[];
}

/**
 * The images that a deployment runs, each with its exact place: from Kubernetes resources (what `helm template` and `kustomize build` write, too), the `images` of
 * kustomizations, and Compose files, told by their content. Documents of another kind are left out. `extended`: files that services of the others extend, by their paths.
 */
export function findUsedImages(parts: readonly DeploymentPart[], extended: ReadonlyMap<string, ParsedFile>): Deployment {
  const remarks = [...new Set([...parts.map(({ parsed }) => parsed), ...extended.values()])].flatMap((parsed) => parsed.remarks);
  const needed: NeededFile[] = [];
  const images = new Map<string, UsedImage>();
  for (const part of parts) {
    for (const document of part.parsed.documents) {
      const findings = findInDocument(document, part, extended);
      for (const image of findings?.images ?? []) images.set([image.line, image.column, image.file, image.reference].join('\n'), image);
      remarks.push(...(findings?.remarks ?? []));
      needed.push(...(findings?.needed ?? []));
      if (document.isTangled)
        remarks.push({ ...document.place(document.root), level: 'error', reason: 'it merges more than can be followed' });
    }
  }
  return { images: [...images.values()], remarks, needed };
}

function findInDocument(
  document: YamlDocument,
  part: DeploymentPart,
  extended: ReadonlyMap<string, ParsedFile>,
): (Findings & { readonly needed?: readonly NeededFile[] }) | undefined {
  const isComposeFile = part.isIncluded && isMap(document.root);
  if (!isComposeFile && isKustomization(document)) return findKustomizationImages(document);
  if (!isComposeFile && isKubernetesResource(document)) return findKubernetesImages(document);
  return isComposeFile || isCompose(document) ? findComposeImages(document, part, (path) => extended.get(path)?.documents) : undefined;
}
