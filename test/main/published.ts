import { cycloneDxMediaType } from '../../src/evidence/cyclonedx.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { notaryArtifactType } from '../../src/sign/notary/signature.ts';

/** What stands in a registry under the one tag of the one repository that a run was to publish to. */
export type Published =
  | { readonly kind: 'untagged' }
  | {
      readonly kind: 'tagged';
      readonly digest: string /** What the tagged image lacks, if anything. */;
      readonly missing: readonly string[];
    };

export function readPublished({ content }: RunningRegistry): Published {
  const [repository = ''] = content.repositories();
  const [[, digest] = []] = content.tags(repository);
  if (digest === undefined) return { kind: 'untagged' };
  const manifests = content.manifests(repository);
  const attached = manifests.filter(({ subject }) => subject === digest).map(({ artifactType }) => artifactType);
  return {
    kind: 'tagged',
    digest,
    missing: [
      ...(manifests.some((manifest) => manifest.digest.text === digest) ? [] : ['manifest']),
      ...[notaryArtifactType, cycloneDxMediaType].filter((type) => !attached.includes(type)),
    ],
  };
}
