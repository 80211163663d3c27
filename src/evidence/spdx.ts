import { toTimeText } from '../lib/time-text.ts';
import { toHex } from '../model/digest.ts';
import { platformText } from '../model/image.ts';
import { isSystemPackage } from '../model/package.ts';
import { compareText, listPackages, type SbomRequest, type SbomSubject, toImagePurl, toUuid, toWellFormedJson } from './sbom.ts';
import type { OtherLicence } from './spdx-licence.ts';
import {
  type Annotator,
  type SpdxPackage,
  toElementId,
  toLibraryPackage,
  toPurlReference,
  toSystemPackage,
  unexamined,
} from './spdx-package.ts';

/** Also the artifact type of the attachment. https://www.iana.org/assignments/media-types/application/spdx+json */
export const spdxMediaType = 'application/spdx+json';

/**
 * The packages of one image as SPDX 2.3 JSON. Equal requests give equal bytes, and those that differ in their time only differ in no more than
 * that. https://spdx.github.io/spdx-spec/v2.3/
 */
export function toSpdx({ subject, inventory, version, timestamp }: SbomRequest): Uint8Array {
  // The specification's times have no fractions of a second.
  const created = toTimeText(timestamp);
  const annotator = { annotator: `Tool: image-custody-${version}`, created };
  const content = toContent(subject, inventory, annotator);
  const timeless = JSON.stringify([subject.name, content], (key, value: unknown) => (key === 'annotationDate' ? undefined : value));
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    // The form that the specification advises those who have no place of their own; syft looks for `image` in it.
    documentNamespace: `https://spdx.org/spdxdocs/image-custody/image/${toUuid(timeless)}`,
    creationInfo: { created, creators: [annotator.annotator] },
    ...content,
  };
  return Buffer.from(toWellFormedJson(document));
}

function toContent(subject: SbomSubject, inventory: SbomRequest['inventory'], annotator: Annotator) {
  const image = toImagePackage(subject, annotator);
  const { operatingSystem } = inventory;
  const system = operatingSystem && toSystemPackage(operatingSystem);
  const others = new Map<string, OtherLicence>();
  const listed = listPackages(inventory, subject.layers).map(({ item, ...rest }) => ({
    owner: system !== undefined && isSystemPackage(item) ? system : image,
    element: toLibraryPackage({ item, ...rest }, others, annotator),
  }));
  return {
    packages: [image, ...(system === undefined ? [] : [system]), ...listed.map(({ element }) => element)],
    ...(others.size > 0 && { hasExtractedLicensingInfos: [...others.values()].sort((a, b) => compareText(a.licenseId, b.licenseId)) }),
    relationships: [
      toRelationship('SPDXRef-DOCUMENT', 'DESCRIBES', image.SPDXID),
      ...(system === undefined ? [] : [toRelationship(image.SPDXID, 'CONTAINS', system.SPDXID)]),
      ...listed.map(({ owner, element }) => toRelationship(owner.SPDXID, 'CONTAINS', element.SPDXID)),
    ],
  };
}

/** https://spdx.github.io/spdx-spec/v2.3/relationships-between-SPDX-elements/ */
function toRelationship(spdxElementId: string, relationshipType: 'DESCRIBES' | 'CONTAINS', relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function toImagePackage(subject: SbomSubject, { annotator, created }: Annotator): SpdxPackage {
  const { name, tag, digest, platform, layers } = subject;
  const purl = toImagePurl(subject);
  const version = digest ?? tag;
  const comments = [`image-custody:platform: ${platformText(platform)}`, ...layers.map(({ diffId }) => `DiffID: ${diffId}`)];
  return {
    SPDXID: toElementId('ContainerImage', name, purl ?? name),
    name,
    ...(version !== undefined && { versionInfo: version }),
    ...unexamined,
    ...(digest !== undefined && { checksums: [{ algorithm: 'SHA256', checksumValue: toHex(digest) }] }),
    ...(purl !== undefined && { externalRefs: [toPurlReference(purl)] }),
    annotations: comments.map((comment) => ({ annotationDate: created, annotationType: 'OTHER', annotator, comment })),
    primaryPackagePurpose: 'CONTAINER',
  };
}
