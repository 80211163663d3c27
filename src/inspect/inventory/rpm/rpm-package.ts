import type { PackageNoteObservation } from '../../../model/observation.ts';
import type { PackageRecord } from '../../../model/package.ts';
import { isLanguageFile } from '../language-file.ts';
import { toStatement } from '../stanza.ts';
import { type RpmHeader, rpmTag } from './rpm-header.ts';

/** Fields of a package as any of rpm's databases and lists state them; `(none)` is rpm's word for what is not there. */
export interface RpmFields {
  readonly name: string | undefined;
  readonly epoch: string | undefined;
  readonly version: string | undefined;
  readonly release: string | undefined;
  readonly architecture: string | undefined;
  readonly sourceRpm: string | undefined;
  readonly vendor: string | undefined;
  readonly licence?: string | undefined;
  readonly modularityLabel?: string | undefined;
}

/** The package of a header. Throws where its name or version is none that rpm would build. */
export function toRpmFields(header: RpmHeader): RpmFields {
  return {
    name: header.text(rpmTag.name),
    epoch: header.numbers(rpmTag.epoch)[0]?.toString(),
    version: header.text(rpmTag.version),
    release: header.text(rpmTag.release),
    architecture: header.text(rpmTag.architecture),
    sourceRpm: header.text(rpmTag.sourceRpm),
    vendor: header.text(rpmTag.vendor),
    licence: header.text(rpmTag.licence, 4096),
    modularityLabel: header.text(rpmTag.modularityLabel),
  };
}

/** A key that packages are signed with is in the database as a package without files. */
export function isKey({ name }: RpmFields): boolean {
  return name === 'gpg-pubkey';
}

/** The version is `[EPOCH:]VERSION-RELEASE`, as rpm and the advisories write it. */
export function toRpmRecord(fields: RpmFields): PackageRecord {
  const [name, version, release] = [fields.name ?? '', fields.version ?? '', fields.release ?? ''];
  if (!packageName.test(name)) throw new Error(`${JSON.stringify(name.slice(0, 80))} is no package name`);
  if (!versionPart.test(version) || !versionPart.test(release)) throw new Error(`the version of ${name} is missing or malformed`);
  const epoch = toEpoch(fields.epoch);
  const source = toSource(fields.sourceRpm, epoch);
  const { architecture, modularityLabel } = fields;
  const licence = toText(fields.licence, 500);
  const maintainer = toText(fields.vendor, 200);
  return {
    type: 'rpm',
    name,
    version: `${epoch}${version}-${release}`,
    ...(source === undefined ? {} : { source }),
    ...(architecture !== undefined && packageName.test(architecture) ? { architecture } : {}),
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(licence === undefined ? {} : { licence }),
    ...(modularityLabel !== undefined && moduleLabel.test(modularityLabel) ? { module: modularityLabel } : {}),
  };
}

const packageName = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,250}$/;
/** rpm-version(7): letters, digits and these separators. */
const versionPart = /^[A-Za-z0-9.+_~^-]{1,250}$/;
const moduleLabel = /^[\w.+-]+(?::[\w.+-]+){1,3}$/;

/** An epoch of 0 says nothing that no epoch does not, and is left out, as advisories and package managers leave it out. */
function toEpoch(epoch: string | undefined): string {
  return epoch !== undefined && /^[1-9][0-9]{0,9}$/.test(epoch) ? `${epoch}:` : '';
}

/** The file name of the source package; its epoch is the binary package's as far as anybody can tell. */
function toSource(file: string | undefined, epoch: string): PackageRecord['source'] {
  const match = /^([A-Za-z0-9][A-Za-z0-9.+_-]{0,250})-([A-Za-z0-9.+_~^]{1,250})-([A-Za-z0-9.+_~^]{1,250})\.(?:no)?src\.rpm$/.exec(
    file ?? '',
  );
  return match?.[1] === undefined ? undefined : { name: match[1], version: `${epoch}${match[2]}-${match[3]}` };
}

function toText(text: string | undefined, maxLength: number): string | undefined {
  return text === undefined || text === '' || text === '(none)' ? undefined : toStatement(text, maxLength);
}

/** Where distributions install language packages, programs and Java archives; most packages have no such folder, and the names of their files need not be read. */
const notedFolder =
  /-packages|-info\/|EGG-INFO|node_modules|specifications|composer|dotnet|conda-meta|\/s?bin\/|\/libexec\/|\/java\/|\/jvm\/|\/lib64\/$/;

/** The files that a package installed in such folders, and the metadata of language packages among them; undefined where it installed none. */
export function toRpmNote(path: string, name: string, header: RpmHeader): PackageNoteObservation | undefined {
  const folders = [...header.texts(rpmTag.directoryNames)].map((folder) =>
    notedFolder.test(folder) ? folder.replace(/^\/+/, '') : undefined,
  );
  if (folders.every((folder) => folder === undefined)) return undefined;
  const indexes = header.numbers(rpmTag.directoryIndexes);
  const files: string[] = [];
  let at = 0;
  for (const file of header.texts(rpmTag.baseNames)) {
    const folder = folders[indexes[at] ?? -1];
    if (folder !== undefined) files.push(`${folder}${file}`);
    at += 1;
  }
  const languageFiles = files.filter(isLanguageFile);
  return { kind: 'package-note', path, type: 'rpm', package: name, languageFiles, fileList: files.join('\n') };
}
