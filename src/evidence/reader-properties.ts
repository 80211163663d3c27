import { isSystemPackage, type Package } from '../model/package.ts';
import type { SbomLayer } from './sbom.ts';

export type Property = readonly [name: string, value: string];

/** Files of one package that are named; a hostile image can have a million. */
export const maxLocations = 100;

/** Where a package was found, each path once, `maxLocations` at most. */
export function toLocations({ path, member, otherPaths = [] }: Package): readonly string[] {
  const first = member === undefined ? path : `${path}!/${member}`;
  return [first, ...otherPaths.slice(0, maxLocations - 1)];
}

/**
 * What trivy's reader takes from the properties of a component, under its names
 * (https://github.com/aquasecurity/trivy/blob/main/pkg/sbom/io/decode.go, `fillPkgFieldsFromComponentProps`).
 */
export function toTrivyProperties(item: Package, layer: SbomLayer | undefined): readonly Property[] {
  const { type, source } = item;
  const place = layer === undefined ? [] : toPlace(layer);
  if (!isSystemPackage(item)) return [['FilePath', item.path], ...place];
  const [epoch, version, release] = splitVersion(type, source?.version ?? item.version);
  const parts: readonly Property[] = [
    ['SrcName', source?.name ?? item.name],
    ['SrcVersion', version],
    ['SrcRelease', release],
    ['SrcEpoch', epoch],
    ['Modularitylabel', item.module ?? ''],
  ];
  return [...parts.filter(([, value]) => value !== ''), ...place];
}

function toPlace({ digest, diffId }: SbomLayer): readonly Property[] {
  return [
    ['LayerDigest', digest],
    ['LayerDiffID', diffId],
  ];
}

/** `EPOCH:VERSION-RELEASE`, of which only VERSION is always there; apk's `-rN` is a part of its version to trivy. */
function splitVersion(type: Package['type'], text: string): readonly [epoch: string, version: string, release: string] {
  if (type === 'apk') return ['', text, ''];
  const [, epoch = '', rest = text] = /^(\d{1,9}):(.*)$/s.exec(text) ?? [];
  const dash = rest.lastIndexOf('-');
  return dash === -1 ? [epoch, rest, ''] : [epoch, rest.slice(0, dash), rest.slice(dash + 1)];
}
