import { createHash } from 'node:crypto';
import { isSystemPackage, type OperatingSystem, type Package } from '../model/package.ts';
import { toLocations, toTrivyProperties } from './reader-properties.ts';
import type { ListedPackage } from './sbom.ts';
import { noAssertion, type OtherLicence, toLicenceExpression } from './spdx-licence.ts';

/** The parts of a package that are written. https://spdx.github.io/spdx-spec/v2.3/package-information/ */
export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string;
  readonly supplier: string;
  readonly downloadLocation: 'NOASSERTION';
  readonly filesAnalyzed: false;
  readonly checksums?: readonly { readonly algorithm: 'SHA256'; readonly checksumValue: string }[];
  readonly sourceInfo?: string;
  readonly licenseConcluded: 'NOASSERTION';
  readonly licenseDeclared: string;
  readonly copyrightText: 'NOASSERTION';
  readonly description?: string;
  readonly externalRefs?: readonly ExternalReference[];
  readonly annotations?: readonly Annotation[];
  readonly primaryPackagePurpose: 'CONTAINER' | 'OPERATING_SYSTEM' | 'LIBRARY';
}

interface ExternalReference {
  readonly referenceCategory: 'PACKAGE-MANAGER';
  readonly referenceType: 'purl';
  readonly referenceLocator: string;
}

interface Annotation {
  readonly annotationDate: string;
  readonly annotationType: 'OTHER';
  readonly annotator: string;
  readonly comment: string;
}

/** Who says it, and when. */
export interface Annotator {
  readonly annotator: string;
  readonly created: string;
}

/** What nobody has looked at. */
export const unexamined = {
  supplier: noAssertion,
  downloadLocation: noAssertion,
  filesAnalyzed: false,
  licenseConcluded: noAssertion,
  licenseDeclared: noAssertion,
  copyrightText: noAssertion,
} as const;

/** trivy takes a package for the operating system by this beginning of its id. */
export function toSystemPackage({ id, versionId, prettyName }: OperatingSystem): SpdxPackage {
  return {
    SPDXID: toElementId('OperatingSystem', id, `${id}@${versionId}`),
    name: id || prettyName || 'unknown',
    ...(versionId !== '' && { versionInfo: versionId }),
    ...unexamined,
    ...(prettyName !== '' && { description: prettyName }),
    primaryPackagePurpose: 'OPERATING_SYSTEM',
  };
}

export function toLibraryPackage(listed: ListedPackage, others: Map<string, OtherLicence>, { annotator, created }: Annotator): SpdxPackage {
  const { item, ref } = listed;
  return {
    SPDXID: toElementId('Package', `${item.type}-${item.name}`, ref),
    name: item.name,
    versionInfo: item.version,
    ...unexamined,
    supplier: toSupplier(item.maintainer),
    sourceInfo: toSourceInfo(item),
    licenseDeclared: toLicenceExpression(item, others),
    externalRefs: [toPurlReference(item.purl)],
    annotations: toComments(listed).map((comment) => ({ annotationDate: created, annotationType: 'OTHER', annotator, comment })),
    primaryPackagePurpose: 'LIBRARY',
  };
}

export function toPurlReference(purl: string): ExternalReference {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
}

/** `SPDXRef-KIND-LABEL-…`: of letters, digits, `.` and `-`, and another one for another `identity`. */
export function toElementId(kind: string, label: string, identity: string): string {
  const plain = label.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  return `SPDXRef-${kind}-${plain}-${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`;
}

/** `Name <address>` in the specification's own notation. Whether it is a person nobody says; trivy calls all of them organizations, too. */
function toSupplier(maintainer: string | undefined): string {
  return maintainer === undefined ? noAssertion : `Organization: ${maintainer.replace(/<([^<>]*)>\s*$/, '($1)')}`;
}

/** `built package from: SOURCE VERSION`, from which trivy reads the source package, and where it was found, in the words of syft. */
function toSourceInfo(item: Package): string {
  const { name, version } = item.source ?? item;
  return isSystemPackage(item) ? `built package from: ${name} ${version}` : `acquired package info from: ${toLocations(item).join(', ')}`;
}

/** Ours, and those that trivy's reader looks for: it takes the comments of annotations for properties. */
function toComments({ item, layer }: ListedPackage): readonly string[] {
  const { path, ecosystem, fromBase } = item;
  const own = [
    // Of others it stands under trivy's name.
    ['path', isSystemPackage(item) ? path : undefined],
    ['ecosystem', ecosystem],
    ['layer:index', String(item.layer)],
    ['fromBase', fromBase === undefined ? undefined : String(fromBase)],
  ] as const;
  return [
    ...own.flatMap(([name, value]) => (value === undefined ? [] : [`image-custody:${name}: ${value}`])),
    ...toTrivyProperties(item, layer).map(([name, value]) => `${name}: ${value}`),
  ];
}
