import { PackageURL } from 'packageurl-js';

/** Parts of a package URL as they are, not yet encoded. */
export interface PackageUrlParts {
  readonly type: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly qualifiers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The canonical package URL: https://github.com/package-url/purl-spec/blob/main/docs/standard/characters-and-encoding.md. The library has the rules
 * of each type, but leaves `+` in versions and `!'()*` everywhere as they are, and encodes the colons of qualifiers: there the standard's test suite
 * has it otherwise. Throws where a type's rules forbid the parts.
 */
export function toPackageUrl({ type, namespace, name, version, qualifiers }: PackageUrlParts): string {
  const text = new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
  const [path = '', query] = text.split('?', 2);
  const at = version === undefined ? path.length : path.lastIndexOf('@');
  const encoded = encodeMarks(path.slice(0, at)) + encodeMarks(path.slice(at)).replaceAll('+', '%2B');
  return query === undefined ? encoded : `${encoded}?${encodeMarks(query).replaceAll('%3A', ':')}`;
}

function encodeMarks(text: string): string {
  return text.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
