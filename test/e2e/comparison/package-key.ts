import { PackageURL } from 'packageurl-js';
import type { Package } from '../../../src/model/package.ts';

/** A package, told alike whoever found it. */
export interface PackageKey {
  readonly type: string;
  readonly name: string;
  /** Empty where it was not found out. */
  readonly version: string;
}

/** As one text, e.g. `npm left-pad 1.3.0`. */
export function keyText({ type, name, version }: PackageKey): string {
  return `${type} ${name} ${version === '' ? '?' : version}`;
}

export function toOwnKey({ type, name, version }: Package): PackageKey {
  return normalize({ type, name, version });
}

/** A purl as syft or trivy write it: epochs stand in a qualifier, names have their group or scope in the namespace, and PEAR's are Packagist's. */
export function purlToKey(text: string): PackageKey {
  const { type, namespace, name, version, qualifiers } = PackageURL.fromString(text);
  const isSystem = type === 'deb' || type === 'apk' || type === 'rpm';
  const separator = type === 'maven' ? ':' : '/';
  const full = namespace && !isSystem ? `${namespace}${separator}${name}` : name;
  const epoch = qualifiers?.epoch;
  const isBare = type === 'deb' && epoch !== undefined && epoch !== '0' && version?.startsWith(`${epoch}:`) === false;
  if (type === 'pear' && namespace === 'pear.php.net') return normalize({ type: 'composer', name: `pear/${name}`, version: version ?? '' });
  return normalize({ type, name: full ?? '', version: isBare ? `${epoch}:${version}` : (version ?? '') });
}

/** Nobody's spelling: letters small, PyPI's separators one, Go's `v` and `go` off, rpm's epoch off, `UNKNOWN` for nothing. */
export function normalize({ type, name, version }: PackageKey): PackageKey {
  const known = version === 'UNKNOWN' || version === '(devel)' ? '' : version;
  return { type, name: toPlainName(type, name.toLowerCase()), version: toPlainVersion(type, known.toLowerCase()) };
}

function toPlainName(type: string, name: string): string {
  return type === 'pypi' ? name.replace(/[-_.]+/g, '-') : name;
}

function toPlainVersion(type: string, version: string): string {
  if (type === 'golang') return version.replace(/^(?:go|v)(?=\d)/, '');
  return type === 'rpm' ? version.replace(/^\d+:/, '') : version;
}
