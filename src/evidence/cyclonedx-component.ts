import type { OperatingSystem, PackageType } from '../model/package.ts';
import { type LicenceChoice, toLicenceChoices } from './cyclonedx-licence.ts';
import { type Property, toLocations, toTrivyProperties } from './reader-properties.ts';
import type { ListedPackage } from './sbom.ts';

/** The parts of a component that are written. https://cyclonedx.org/docs/1.6/json/#components */
export interface Component {
  readonly type: 'library' | 'operating-system';
  readonly 'bom-ref': string;
  readonly supplier?: { readonly name: string };
  readonly publisher?: string;
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly licenses?: readonly LicenceChoice[];
  readonly cpe?: string;
  readonly purl?: string;
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] };
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

export function toSystemComponent({ id, versionId, prettyName }: OperatingSystem): Component {
  return {
    type: 'operating-system',
    'bom-ref': `operating-system:${id}@${versionId}`,
    name: id || prettyName || 'unknown',
    ...(versionId !== '' && { version: versionId.slice(0, maxVersionCharacters) }),
    ...(prettyName !== '' && { description: prettyName }),
  };
}

export function toLibraryComponent(listed: ListedPackage): Component {
  const { item, ref } = listed;
  const licences = toLicenceChoices(item);
  const { maintainer } = item;
  return {
    type: 'library',
    'bom-ref': ref,
    ...(maintainer !== undefined && { supplier: { name: maintainer }, publisher: maintainer }),
    // With its npm scope, as syft writes it: osv-scanner looks a name up as it stands and passes a `group` over.
    name: item.name,
    version: item.version.slice(0, maxVersionCharacters),
    ...(licences.length > 0 && { licenses: licences }),
    ...(item.cpe !== undefined && { cpe: item.cpe }),
    purl: item.purl,
    evidence: { occurrences: toLocations(item).map((location) => ({ location })) },
    properties: toProperties(listed).map(([name, value]) => ({ name, value })),
  };
}

/** Ours, then what syft's and trivy's readers look for. The digests of the layers stand once, beside the image. */
function toProperties({ item, layer }: ListedPackage): readonly Property[] {
  const { type, source, ecosystem, fromBase } = item;
  const own = [
    ['type', type],
    ['ecosystem', ecosystem],
    ['source:name', source?.name],
    ['source:version', source?.version],
    ['module', item.module],
    ['layer:index', String(item.layer)],
    ['fromBase', fromBase === undefined ? undefined : String(fromBase)],
  ] as const;
  return [
    ...own.flatMap(([name, value]) => (value === undefined ? [] : [[`image-custody:${name}`, value] as const])),
    ...toTrivyProperties(item, layer).map(([name, value]) => [`aquasecurity:trivy:${name}`, value] as const),
    ...(syftTypes[type] === undefined ? [] : [['syft:package:type', syftTypes[type]] as const]),
    ...toSyftProperties(toLocations(item), layer?.diffId),
  ];
}

/** Types that syft does not tell by the package URL (https://github.com/anchore/syft/blob/main/syft/pkg/type.go, `TypeByName`). */
const syftTypes: Readonly<Partial<Record<PackageType, string>>> = { generic: 'binary', nuget: 'dotnet' };

/** syft's `file.Location`s (https://github.com/anchore/syft/blob/main/syft/file/location.go); only the first file is known to be in the package's layer. */
function toSyftProperties(locations: readonly string[], diffId: string | undefined): readonly Property[] {
  return locations.flatMap((path, index): Property[] => {
    const layer: Property[] = index > 0 || diffId === undefined ? [] : [[`syft:location:${index}:layerID`, diffId]];
    return [...layer, [`syft:location:${index}:path`, `/${path}`]];
  });
}

/** The schema's limit. */
const maxVersionCharacters = 1024;
