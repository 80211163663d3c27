import type { PackageType } from '../../../model/package.ts';
import { type Entry, toObservations } from '../entries.ts';
import type { FileReader } from '../file-inspector.ts';
import { parseBunLock } from './bun-lock.ts';
import { parseCargoLock } from './cargo-lock.ts';
import { parseComposerLock } from './composer-lock.ts';
import { parseDenoLock } from './deno-lock.ts';
import { isForDevelopment } from './development.ts';
import { parseGemfileLock } from './gemfile-lock.ts';
import { parseNpmLock } from './npm-lock.ts';
import { parseNugetLock } from './nuget-lock.ts';
import { parsePipfileLock } from './pipfile-lock.ts';
import { parsePnpmLock } from './pnpm-lock.ts';
import { parsePoetryLock } from './poetry-lock.ts';
import { parsePythonLock } from './python-lock.ts';
import { parseRequirements } from './requirements.ts';
import { parseUvLock } from './uv-lock.ts';
import { parseYarnLock } from './yarn-lock.ts';

interface LockFormat {
  readonly type: PackageType;
  parse(content: Buffer): Iterable<Entry>;
}

/** By the names of the files, which their tools do not let one choose. */
const formats: ReadonlyMap<string, LockFormat> = new Map([
  ['package-lock.json', { type: 'npm', parse: parseNpmLock }],
  ['npm-shrinkwrap.json', { type: 'npm', parse: parseNpmLock }],
  ['yarn.lock', { type: 'npm', parse: parseYarnLock }],
  ['pnpm-lock.yaml', { type: 'npm', parse: parsePnpmLock }],
  ['bun.lock', { type: 'npm', parse: parseBunLock }],
  ['deno.lock', { type: 'npm', parse: parseDenoLock }],
  ['poetry.lock', { type: 'pypi', parse: parsePoetryLock }],
  ['pdm.lock', { type: 'pypi', parse: parsePoetryLock }],
  ['uv.lock', { type: 'pypi', parse: parseUvLock }],
  ['pylock.toml', { type: 'pypi', parse: parsePythonLock }],
  ['Pipfile.lock', { type: 'pypi', parse: parsePipfileLock }],
  ['Gemfile.lock', { type: 'gem', parse: parseGemfileLock }],
  ['gems.locked', { type: 'gem', parse: parseGemfileLock }],
  ['composer.lock', { type: 'composer', parse: parseComposerLock }],
  ['Cargo.lock', { type: 'cargo', parse: parseCargoLock }],
  ['packages.lock.json', { type: 'nuget', parse: parseNugetLock }],
]);

const requirements: LockFormat = { type: 'pypi', parse: parseRequirements };

/**
 * Files that say which packages a project is to have. They count only where nothing of the project is installed (`installedProjects`). Those in
 * installed packages, in caches, and in folders of tests, examples and documentation belong to no project that the image was built for.
 */
export const lockFileReader: FileReader = {
  name: 'lock-files',
  weight: 'database',
  isWanted: (path) => toFormat(path) !== undefined,
  read: (path, content) => toObservations(path, toFormat(path)?.parse(content) ?? []),
};

/** The kind of packages that a file of this path says a project is to have; undefined where it says nothing of that. */
export function lockedType(path: string): PackageType | undefined {
  return toFormat(path)?.type;
}

function toFormat(path: string): LockFormat | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const format = formats.get(name) ?? (isRequirements(name, path) ? requirements : undefined);
  return format === undefined || elsewhere.test(path) ? undefined : format;
}

/** `requirements.txt`, `requirements-prod.txt`, `prod-requirements.txt`, `requirements/prod.txt` */
function isRequirements(name: string, path: string): boolean {
  if (!name.endsWith('.txt')) return false;
  return /(?:^|\/)requirements\/[^/]+$|requirements[^/]*$/.test(path) && !isForDevelopment(name);
}

const elsewhere =
  /(?:^|\/)(?:node_modules|(?:site|dist)-packages|vendor|gems\/[^/]+-\d[^/]*|cargo\/(?:registry|git)|pkg\/mod|rustlib|conda-meta|\.(?:cache|cargo|yarn|git)|share\/doc|tests?|__tests__|fixtures|testdata|examples?|docs?)\//;
