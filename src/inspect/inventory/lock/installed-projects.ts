import type { Package, PackageType } from '../../../model/package.ts';
import { isPlugAndPlay } from '../yarn-plug-and-play.ts';
import { lockedType } from './lock-file.ts';

/**
 * Which lock files are of projects that are installed, so that what they list is not counted: what is there is known better from the packages
 * themselves, and a lock file also lists what was left out (other groups, other systems) or has since been upgraded. `packages` are all
 * that survive, those of the distribution among them, `lockPaths` all surviving lock files, also those of which nothing could be read.
 *
 * A project is installed where a package that its lock file names, in any version, is installed where the project would look for it: npm packages in `node_modules`
 * (or by Plug'n'Play) of its folder, of one above it (as Node resolves them) or below it (workspaces); Composer packages in a vendor folder beside it; others
 * anywhere, as environments of Python, Ruby, Rust and .NET lie where they like. A lock file below an installed project is part of it (its tests, its tools).
 */
export function installedProjects(packages: readonly Package[], lockPaths: Iterable<string>): ReadonlySet<string> {
  const locks = readLocks(packages, lockPaths);
  const installed = packages.filter((item) => lockedType(item.path) === undefined && !isToolkit(item));
  markPlaced(locks, installed);
  markAnywhere(locks, installed);
  const marked = new Set(locks.filter(({ isInstalled }) => isInstalled).map(({ type, folder }) => `${type} ${folder}`));
  const isPart = ({ type, folder, isInstalled }: Lock): boolean =>
    isInstalled || foldersFrom(folder).some((above) => above !== '' && marked.has(`${type} ${above}`));
  return new Set(locks.filter(isPart).map(({ path }) => path));
}

interface Lock {
  readonly path: string;
  readonly type: PackageType;
  readonly folder: string;
  /** Empty where nothing of it could be read: then any package in the place counts as one of it. */
  readonly names: ReadonlySet<string>;
  isInstalled: boolean;
}

function readLocks(packages: readonly Package[], lockPaths: Iterable<string>): readonly Lock[] {
  const listed = new Map<string, Set<string>>();
  for (const path of lockPaths) listed.set(path, new Set());
  for (const item of packages) listed.get(item.path)?.add(plainName(item));
  return [...listed].flatMap(([path, names]): Lock[] => {
    const type = lockedType(path);
    return type === undefined ? [] : [{ path, type, folder: parentOf(path), names, isInstalled: false }];
  });
}

function isNamed({ names }: Lock, name: string): boolean {
  return names.size === 0 || names.has(name);
}

/** Whether one of the packages that lie in a place is of the lock file. */
function meets({ names }: Lock, place: ReadonlySet<string> = new Set()): boolean {
  return names.size === 0 ? place.size > 0 : [...names].some((name) => place.has(name));
}

/** npm and Composer install into a folder of the project. */
function markPlaced(locks: readonly Lock[], installed: readonly Package[]): void {
  const placed = locks.filter(({ type }) => isPlaced(type));
  const byFolder = new Map<string, Lock[]>();
  for (const lock of placed) byFolder.set(lock.folder, [...(byFolder.get(lock.folder) ?? []), lock]);
  const nodePlaces = new Map<string, Set<string>>();
  for (const item of installed) {
    const folder = projectFolder(item);
    if (folder === undefined) continue;
    if (item.type === 'npm') addTo(nodePlaces, folder, plainName(item));
    for (const lock of foldersFrom(folder).flatMap((above) => byFolder.get(above) ?? [])) {
      if (lock.type === item.type && isNamed(lock, plainName(item))) lock.isInstalled = true;
    }
  }
  for (const lock of placed.filter(({ type }) => type === 'npm')) {
    if ([...foldersFrom(lock.folder), ''].some((above) => meets(lock, nodePlaces.get(above)))) lock.isInstalled = true;
  }
}

function markAnywhere(locks: readonly Lock[], installed: readonly Package[]): void {
  const places = new Map<PackageType, Set<string>>();
  for (const item of installed) addTo(places, item.type, plainName(item));
  for (const lock of locks) if (!isPlaced(lock.type) && meets(lock, places.get(lock.type))) lock.isInstalled = true;
}

function isPlaced(type: PackageType): boolean {
  return type === 'npm' || type === 'composer';
}

function addTo<K>(sets: Map<K, Set<string>>, key: K, name: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([name]));
  else set.add(name);
}

/** NuGet's names differ in letter case from file to file. */
function plainName({ name }: Package): string {
  return name.toLowerCase();
}

/** The folder whose `node_modules` or Composer's vendor folder holds a package. */
function projectFolder({ type, path }: Package): string | undefined {
  if (isPlugAndPlay(path)) return parentOf(path);
  if (type === 'npm') {
    const at = `/${path}`.indexOf('/node_modules/');
    return at === -1 ? undefined : path.slice(0, Math.max(at - 1, 0));
  }
  return type === 'composer' ? parentOf(parentOf(parentOf(path))) : undefined;
}

/** A folder and those above it but the root, which holds all projects. Of folders in deep ones, only the nearest. */
function foldersFrom(folder: string): readonly string[] {
  const folders: string[] = [];
  for (let at = folder; at !== '' && folders.length < 64; at = parentOf(at)) folders.push(at);
  return folders.length === 0 ? [''] : folders;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** What comes with an interpreter, whatever is installed beside it. */
function isToolkit({ type, name, path }: Package): boolean {
  if (type === 'pypi') return name === 'pip' || name === 'setuptools' || name === 'wheel';
  return type === 'gem' && (path.includes('/specifications/default/') || rubyGems.has(name));
}

/** The bundled gems of Ruby 2.5 to 3.5 (https://stdgems.org/) and Bundler. */
const rubyGems: ReadonlySet<string> = new Set(
  `abbrev base64 bigdecimal bundler csv debug did_you_mean drb getoptlong io-console irb matrix minitest mutex_m net-ftp net-imap net-pop net-smtp net-telnet
  nkf observer power_assert prime racc rake rbs rdoc reline repl_type_completor resolv-replace rexml rinda rss syslog test-unit typeprof win32ole xmlrpc`.split(
    /\s+/,
  ),
);
