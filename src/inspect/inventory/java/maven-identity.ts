import { type JarManifest, manifestValue } from './jar-manifest.ts';
import { knownArtifact, knownGroup } from './known-groups.ts';

export interface MavenIdentity {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** Maven's own limits are looser; nothing in Maven Central is. */
const identifier = /^[A-Za-z0-9_][\w.-]{0,200}$/;
const versionForm = /^[\w][\w.+~-]{0,120}$/;

export function isIdentity({ group, artifact, version }: MavenIdentity): boolean {
  return identifier.test(group) && identifier.test(artifact) && versionForm.test(version);
}

/** `pom.properties`, which Maven writes into each jar; undefined where it names nothing. */
export function parsePomProperties(content: Buffer): MavenIdentity | undefined {
  const text = content.toString('latin1', 0, 16_384);
  const read = (name: string): string => new RegExp(`^${name}\\s{0,9}[=:](.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const identity = { group: read('groupId'), artifact: read('artifactId'), version: read('version') };
  return isIdentity(identity) ? identity : undefined;
}

/** `name-1.2.3.jar`, or `name_1.2.3.jar` where no dash is before a number. */
export function parseJarName(path: string): { readonly name: string; readonly version: string | undefined } {
  const base = path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('.')).slice(0, 250);
  const [, name, version] = /^(.+?)-(\d[\w.+~-]*|build\d[\w.-]*|rc?\d[\w.-]*)$/.exec(base) ?? /^(.+?)[_.](\d[\w.+~-]*)$/.exec(base) ?? [];
  return { name: name ?? base, version };
}

/**
 * What a jar without pom.properties of its own is, by its manifest and its file name. The group is stated by nobody then: it is that of a known
 * project, or what in the manifest looks like one. Undefined where no version is stated either.
 */
export function guessIdentity(path: string, manifest: JarManifest): MavenIdentity | undefined {
  const file = parseJarName(path);
  const version = (file.version ?? manifestValue(manifest, ...versionFields) ?? '').split(/[\s(]/, 1)[0] ?? '';
  const symbolic = manifestValue(manifest, 'bundle-symbolicname')?.split(';', 1)[0]?.trim();
  const artifact = knownArtifact(toArtifact(file.name, symbolic, manifest), manifestValue(manifest, 'implementation-title'));
  const group = knownGroup(artifact, version) ?? guessGroup(artifact, symbolic, manifest) ?? artifact;
  const identity = { group, artifact, version };
  return isIdentity(identity) ? identity : undefined;
}

const versionFields = ['implementation-version', 'specification-version', 'plugin-version', 'bundle-version'];

/** `org.example.thing` is a symbolic name of OSGi: its last part is the artifact, its beginning the group. */
function toArtifact(name: string, symbolic: string | undefined, manifest: JarManifest): string {
  const short = manifestValue(manifest, 'short-name', 'extension-name');
  if (manifest.has('plugin-version') && short !== undefined && identifier.test(short)) return short;
  const isSymbolic = symbolic === name || /^(?:com|org|net|io)\.[\w.]+$/.test(name);
  return isSymbolic && !name.startsWith('org.eclipse.') ? name.slice(name.lastIndexOf('.') + 1) : name;
}

const groupFields = ['group-id', 'implementation-vendor-id', 'automatic-module-name', 'implementation-title'];
const groupForm = /^(?:com|org|net|io|de|be|ch|fr|uk|jakarta|javax)\.[a-z][\w-]*(?:\.[\w-]+)*$/;

function guessGroup(artifact: string, symbolic: string | undefined, manifest: JarManifest): string | undefined {
  if (symbolic !== undefined && groupForm.test(symbolic)) {
    return symbolic.endsWith(`.${artifact}`) ? symbolic.slice(0, -artifact.length - 1) : symbolic;
  }
  const stated = groupFields.map((field) => manifestValue(manifest, field)?.split(/[#;]/, 1)[0]);
  return stated.find((value) => value !== undefined && groupForm.test(value));
}
