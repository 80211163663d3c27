import type { Observation, PackageNoteObservation } from '../../../model/observation.ts';
import type { PackageRecord } from '../../../model/package.ts';
import { damageGaps, type FileReader, gap } from '../file-inspector.ts';
import { isBerkeleyDb, readBerkeleyDb } from './berkeley-db.ts';
import type { HeaderBlobs } from './header-blobs.ts';
import { isNdb, readNdb } from './ndb.ts';
import { RpmHeader } from './rpm-header.ts';
import { isKey, toRpmFields, toRpmNote, toRpmRecord } from './rpm-package.ts';
import { isSqlite, readSqliteTable } from './sqlite.ts';

/** Where rpm keeps its database: the old place, the one since 2020, and that of systems whose /usr is an image of its own. */
const folders = ['var/lib/rpm', 'usr/lib/sysimage/rpm', 'usr/share/rpm'];
const files = ['Packages', 'Packages.db', 'rpmdb.sqlite'];

export const rpmDatabasePaths: readonly string[] = folders.flatMap((folder) => files.map((file) => `${folder}/${file}`));
const logPaths: readonly string[] = folders.map((folder) => `${folder}/rpmdb.sqlite-wal`);

/** A system with a thousand packages and their lists of files has about 100 MB. */
export const rpmDatabaseLimitBytes = 128 * 1024 * 1024;

/** rpm's database of installed packages, in the format that its first bytes tell. */
export const rpmDatabaseReader: FileReader = {
  name: 'rpm',
  weight: 'database',
  limitBytes: rpmDatabaseLimitBytes,
  isWanted: (path) => path.includes('/rpm/') && rpmDatabasePaths.includes(path),
  read(path, content) {
    if (content.length === 0) return [];
    const { blobs, damage } = readBlobs(content);
    return toObservations(path, blobs, damage);
  },
};

/** Of a log with entries nobody can say, without the database, whether they are in it already. */
export const rpmLogReader: FileReader = {
  name: 'rpm-log',
  weight: 'database',
  isWanted: (path) => path.endsWith('-wal') && logPaths.includes(path),
  read(path, content) {
    const reason = 'changes of the rpm database are in this log and not in the database; have the build end with rpm --rebuilddb';
    return hasCommit(content) ? [gap(path, 'unsupported', reason)] : [];
  },
};

function readBlobs(content: Buffer): HeaderBlobs {
  if (isSqlite(content)) return readSqlite(content);
  if (isNdb(content)) return readNdb(content);
  if (isBerkeleyDb(content)) return readBerkeleyDb(content);
  throw new Error('it is in none of the formats of rpm (Berkeley DB, NDB, SQLite)');
}

/** `CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)` (rpm, lib/backend/sqlite.c). */
function readSqlite(content: Buffer): HeaderBlobs {
  const { rows, damage } = readSqliteTable(content, 'Packages');
  const blobs = rows.flatMap(([, blob]) => (Buffer.isBuffer(blob) ? [blob] : []));
  const others = rows.length - blobs.length;
  return { blobs, damage: others === 0 ? damage : [...damage, `${others} of its rows hold no package`] };
}

function toObservations(path: string, blobs: readonly Buffer[], outline: readonly string[]): readonly Observation[] {
  const packages: PackageRecord[] = [];
  const notes: PackageNoteObservation[] = [];
  const damage = [...outline];
  for (const blob of blobs) {
    try {
      const header = new RpmHeader(blob);
      const fields = toRpmFields(header);
      if (isKey(fields)) continue;
      const record = toRpmRecord(fields);
      packages.push(record);
      if (header.isIntact() === false) damage.push(`the header of ${record.name} does not have the digest that it states`);
      const note = toRpmNote(path, record.name, header);
      if (note !== undefined) notes.push(note);
    } catch (error) {
      damage.push(error instanceof Error ? error.message : 'a header cannot be read');
    }
  }
  return [{ kind: 'packages', path, packages }, ...notes, ...damageGaps(path, damage)];
}

/** https://www.sqlite.org/walformat.html: frames whose salt is the header's are of this log, those of an older one are left over; a commit states a size. */
function hasCommit(log: Buffer): boolean {
  const headerBytes = 32;
  const frameHeadBytes = 24;
  if (log.length < headerBytes) return log.length > 0;
  const frameBytes = frameHeadBytes + log.readUInt32BE(8);
  for (let at = headerBytes; at + frameHeadBytes <= log.length; at += frameBytes) {
    if (!log.subarray(at + 8, at + 16).equals(log.subarray(16, 24))) return false;
    if (log.readUInt32BE(at + 4) !== 0) return true;
  }
  return false;
}
