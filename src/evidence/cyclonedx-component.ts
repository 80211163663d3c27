import type { Digest } from '../model/digest.ts';
import type { Inventory, OperatingSystem, Package } from '../model/package.ts';
import { type LicenceChoice, toLicences } from './licence.ts';

/** The parts of a component that are written. https://cyclonedx.org/docs/1.6/json/#components */
export interface Component {
  readonly type: 'library' | 'operating-system';
  readonly 'bom-ref': string;
  readonly publisher?: string;
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly licenses?: readonly LicenceChoice[];
  readonly purl?: string;
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] };
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Layer {
  readonly digest: Digest;
  readonly diffId: Digest;
}

/** The operating system, then the packages by purl and path, whatever the order of the inventory. */
export function toComponents({ operatingSystem, packages }: Inventory, layers: readonly Layer[]): readonly Component[] {
  const sorted = packages.toSorted((a, b) => compareText(a.purl, b.purl) || compareText(a.path, b.path) || a.layer - b.layer);
  const seen = new Map<string, number>();
  const libraries = sorted.map((item) => {
    const count = (seen.get(item.purl) ?? 0) + 1;
    seen.set(item.purl, count);
    return toLibrary(item, count === 1 ? item.purl : `${item.purl}#${count}`, layers[item.layer]);
  });
  return operatingSystem === undefined ? libraries : [toSystem(operatingSystem), ...libraries];
}

function toSystem({ id, versionId, prettyName }: OperatingSystem): Component {
  return {
    type: 'operating-system',
    'bom-ref': `operating-system:${id}@${versionId}`,
    name: id || prettyName || 'unknown',
    ...(versionId !== '' && { version: versionId.slice(0, maxVersionCharacters) }),
    ...(prettyName !== '' && { description: prettyName }),
  };
}

function toLibrary(item: Package, ref: string, layer: Layer | undefined): Component {
  const { type, version, source, maintainer, licence, ecosystem, path, otherPaths = [] } = item;
  const licences = toLicences(licence);
  const properties = [
    ['type', type],
    ['ecosystem', ecosystem],
    ['source:name', source?.name],
    ['source:version', source?.version],
    ['layer:index', String(item.layer)],
    ['layer:digest', layer?.digest],
    ['layer:diffId', layer?.diffId],
  ] as const;
  return {
    type: 'library',
    'bom-ref': ref,
    ...(maintainer !== undefined && { publisher: maintainer }),
    // With its npm scope, as syft writes it: osv-scanner looks a name up as it stands and passes a `group` over.
    name: item.name,
    version: version.slice(0, maxVersionCharacters),
    ...(licences.length > 0 && { licenses: licences }),
    purl: item.purl,
    evidence: { occurrences: [path, ...otherPaths].map((location) => ({ location })) },
    properties: properties.flatMap(([name, value]) => (value === undefined ? [] : { name: `image-custody:${name}`, value })),
  };
}

/** By code units: the order must not depend on the machine's language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The schema's limit. */
const maxVersionCharacters = 1024;
