import { wholeFileLimitBytes } from '../../../layer/inspector.ts';
import type { PackageRecord } from '../../../model/package.ts';
import { toStatement } from '../stanza.ts';
import { type JarManifest, manifestValue, parseJarManifest } from './jar-manifest.ts';
import { guessIdentity, type MavenIdentity, parseJarName, parsePomProperties } from './maven-identity.ts';
import { readArchive } from './zip-archive.ts';
import { type InflationBudget, shown, UnreadEntryError } from './zip-content.ts';
import { localSignature } from './zip-record.ts';
import type { StreamedArchiveReader } from './zip-stream.ts';

/**
 * Whether a path is that of a Java archive: a jar, an application, a plugin of Jenkins. `perhaps` for names that other things have too: modules of
 * NiFi, Karaf and Liferay, resource adapters; those have to begin as a zip archive does.
 */
export function toArchiveName(path: string): 'archive' | 'perhaps' | undefined {
  if (archiveName.test(path)) return 'archive';
  return otherName.test(path) ? 'perhaps' : undefined;
}

export function isZip(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32LE(0) === localSignature;
}

const archiveName = /\.(?:[jwe]ar|[jh]pi)$/i;
const otherName = /\.(?:[psnkr]ar|lpkg)$/i;

const manifestName = 'META-INF/MANIFEST.MF';
const maxManifestBytes = 16 * 1024 * 1024;
const maxPomBytes = 1024 * 1024;

/** How deep archives lie in archives: an application in an enterprise archive has its libraries in the third. */
const maxDepth = 5;

/** Why something in an archive is not looked at. */
export interface JarGap {
  readonly code: UnreadEntryError['code'];
  readonly reason: string;
}

/** What is read of one Java archive and of those in it. */
export class JarReading implements StreamedArchiveReader {
  readonly #path: string;
  readonly #member: string | undefined;
  readonly #depth: number;
  readonly #budget: InflationBudget;
  readonly #poms = new Map<string, MavenIdentity>();
  readonly #licences = new Map<string, readonly string[]>();
  readonly #inner: PackageRecord[] = [];
  readonly #gaps: JarGap[] = [];
  #manifest: JarManifest | undefined;

  /** `member` is the path in the outermost archive, undefined for that one. */
  constructor(path: string, budget: InflationBudget, member?: string, depth = 0) {
    this.#path = path;
    this.#budget = budget;
    this.#member = member;
    this.#depth = depth;
  }

  limitBytes(name: string): number {
    if (toArchiveName(name) !== undefined) return wholeFileLimitBytes;
    if (name.length === manifestName.length && name.toUpperCase() === manifestName) return maxManifestBytes;
    return name.endsWith('pom.properties') || name.endsWith('/pom.xml') ? maxPomBytes : 0;
  }

  isArchive(name: string): boolean {
    return toArchiveName(name) !== undefined;
  }

  take(name: string, content: Buffer): void {
    if (toArchiveName(name) !== undefined) this.#takeArchive(name, content);
    else if (name.endsWith('pom.properties')) this.#takePom(content);
    else if (name.endsWith('/pom.xml')) this.#takeLicences(name, content);
    else this.#manifest = parseJarManifest(content);
  }

  /** For an archive in this one that passes by; undefined where archives lie too deep in each other. */
  inner(name: string): JarReading | undefined {
    const member = this.#member === undefined ? name : `${this.#member}!/${name}`;
    if (this.#depth < maxDepth) return new JarReading(name, this.#budget, toStatement(member, 1000), this.#depth + 1);
    this.fail(new UnreadEntryError('too-large', `${shown(name)} is the ${maxDepth + 1}th archive in an archive`));
    return undefined;
  }

  join(inner: JarReading): void {
    this.#inner.push(...inner.packages());
    this.#gaps.push(...inner.gaps());
  }

  fail({ code, message }: UnreadEntryError): void {
    const place = this.#member === undefined ? '' : `in ${shown(this.#member)}: `;
    if (this.#gaps.length < maxGaps) this.#gaps.push({ code, reason: `${place}${message}` });
  }

  gaps(): readonly JarGap[] {
    return this.#gaps;
  }

  /** To be called after all entries. */
  packages(): readonly PackageRecord[] {
    const own = this.#ownPom() ?? guessIdentity(this.#path, this.#manifest ?? new Map());
    const bundleLicence = manifestValue(this.#manifest ?? new Map(), 'bundle-license', 'plugin-license-name');
    const poms = [...this.#poms.values()];
    const identities = own === undefined || poms.includes(own) ? poms : [own, ...poms];
    const records = identities.map((identity): PackageRecord => {
      const { group, artifact, version } = identity;
      const stated = this.#licences.get(`${group}/${artifact}`) ?? [];
      const licence = stated.length > 0 || identity !== own || bundleLicence === undefined ? stated : [bundleLicence];
      return {
        type: 'maven',
        name: `${group}:${artifact}`,
        version,
        ...(this.#member === undefined ? {} : { member: this.#member }),
        ...(licence.length === 0 ? {} : { licence: licence.slice(0, 10).map((text) => toStatement(text, 200)) }),
      };
    });
    return [...records, ...this.#inner];
  }

  /**
   * Of the pom.properties that an archive holds, those of what was shaded into it among them, the one that is its own: by the file's name, or the
   * only one there is where the name tells no version.
   */
  #ownPom(): MavenIdentity | undefined {
    const { name, version } = parseJarName(this.#path);
    const poms = [...this.#poms.values()];
    const named = poms.find(({ artifact }) => artifact === name);
    const like = poms.find(({ artifact }) => artifact.startsWith(name) || name.endsWith(artifact));
    const only = poms.length === 1 && (version === undefined || version === poms[0]?.version) ? poms[0] : undefined;
    return named ?? only ?? like;
  }

  #takePom(content: Buffer): void {
    const identity = parsePomProperties(content);
    if (identity !== undefined) this.#poms.set(`${identity.group}:${identity.artifact}:${identity.version}`, identity);
  }

  #takeLicences(name: string, content: Buffer): void {
    const place = /(?:^|\/)META-INF\/maven\/([^/]+\/[^/]+)\/pom\.xml$/.exec(name)?.[1];
    const text = content.toString('utf8');
    const begin = text.indexOf('<licenses>');
    const end = text.indexOf('</licenses>', begin);
    if (place === undefined || begin === -1 || end === -1) return;
    const names = [...text.slice(begin, end).matchAll(/<name>([^<]{1,200})<\/name>/g)].map(([, found = '']) => found.trim());
    this.#licences.set(
      place,
      names.filter((found) => found !== ''),
    );
  }

  #takeArchive(name: string, content: Buffer): void {
    if (content.length === 0 || (toArchiveName(name) === 'perhaps' && !isZip(content))) return;
    const inner = this.inner(name);
    if (inner === undefined) return;
    readArchive(content, inner, this.#budget);
    this.join(inner);
  }
}

const maxGaps = 20;
