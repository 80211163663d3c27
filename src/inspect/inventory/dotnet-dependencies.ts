import { type Fields, membersOf, parseJson, toFields } from './document.ts';
import { type Entry, toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { isDotnetDependencies } from './language-file.ts';
import { toNugetRecord } from './nuget-name.ts';

/**
 * What a .NET application or shared framework runs with: `*.deps.json`
 * (https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md). The shared runtime states itself
 * in `shared/Microsoft.NETCore.App/VERSION/Microsoft.NETCore.App.deps.json`, and a self-contained application as a `runtimepack.`.
 */
export const dotnetDependenciesReader: FileReader = {
  name: 'dotnet-packages',
  weight: 'database',
  isWanted: isDotnetDependencies,
  read(path, content) {
    const document = toFields(parseJson(content));
    return document === undefined || !members.some((name) => Object.hasOwn(document, name))
      ? []
      : toObservations(path, libraries(document));
  },
};

/** What has none of these is another tool's. */
const members = ['libraries', 'targets', 'runtimeTarget'];

function* libraries(document: Fields): Generator<Entry> {
  if (document.libraries === undefined && document.targets !== undefined) throw new Error('it has targets and no libraries');
  const used = usedLibraries(document);
  for (const [key, value] of membersOf(document, 'libraries')) {
    const type = toFields(value)?.type;
    const kind = typeof type === 'string' ? type.toLowerCase() : '';
    if ((kind !== 'package' && kind !== 'runtimepack') || used?.get(key) === false) continue;
    const [name = '', version] = key.split('/', 2);
    yield toEntry(toNugetRecord(name.replace(/^runtimepack\./, ''), version), key);
  }
}

/** Kinds of files that a package puts beside the application. `compile` is what it was compiled against alone. */
const assets = ['runtime', 'runtimeTargets', 'native', 'resources'] as const;

/**
 * Whether the application runs with any file of a library, as the target that it was published for states; undefined where it states no such
 * target. Without files are packages that only name others, and those in whose place the shared framework has a newer file. One that is split by
 * platform (.NET Core up to 2.2 itself) has its files in `runtime.linux-x64.NAME`, while advisories are about NAME.
 */
function usedLibraries(document: Fields): ReadonlyMap<string, boolean> | undefined {
  const name = toFields(document.runtimeTarget)?.name;
  const [, target] = membersOf(document, 'targets').find(([key]) => key === name) ?? [];
  const fields = toFields(target);
  if (fields === undefined) return undefined;
  const hasFiles = (library: Fields): boolean => assets.some((kind) => Object.keys(toFields(library[kind]) ?? {}).length > 0);
  const used = new Map(Object.entries(fields).map(([key, value]) => [key, hasFiles(toFields(value) ?? {})]));
  for (const key of [...used.keys()]) {
    const whole = /^runtime\.[a-z0-9-]{1,40}\.(.+)$/.exec(key)?.[1];
    if (whole !== undefined && used.get(key) === true && used.has(whole)) used.set(whole, true);
  }
  return used;
}
