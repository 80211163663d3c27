import type { PackageRecord } from '../../../model/package.ts';
import type { GoBuildInfo } from './go-build-info.ts';

/**
 * The packages of a Go program: the modules that are linked into it, each as what replaces it where it is replaced, the main module, and the standard
 * library as `stdlib` with the version of the toolchain, as the Go vulnerability database names it.
 */
export function toGoPackages({ goVersion, modules }: GoBuildInfo): readonly PackageRecord[] {
  const records = new Map<string, PackageRecord>();
  const add = (name: string, version: string, isMatched = true): void => {
    if (!modulePath.test(name) || !moduleVersion.test(version)) return;
    records.set(`${name} ${version}`, { type: 'golang', name, version, ...(isMatched ? {} : { ecosystem: undefined }) });
  };
  const { main, dependencies, settings } = parseModules(modules);
  for (const { path, version } of dependencies) add(path, version, version !== unknownVersion);
  if (main !== undefined) {
    const version = isRelease(main.version) ? main.version : (statedVersion(settings, main.path) ?? main.version);
    if (version === unknownVersion) add(main.path, revisionVersion(settings) ?? version, false);
    else add(main.path, version);
  }
  const toolchain = /^(?:devel )?go(\d+\.\d+(?:\.\d+)?(?:(?:beta|rc)\d+)?)/.exec(goVersion)?.[1];
  if (toolchain !== undefined) add('stdlib', toolchain);
  return [...records.values()];
}

/** What Go writes for a module that was built from a folder, without a version. */
const unknownVersion = '(devel)';

/** https://go.dev/ref/mod#module-path, and `stdlib`. */
const modulePath = /^[\w.~-][\w.~/+-]{0,400}$/;
const moduleVersion = /^(?:v?\d[\w.+-]{0,200}|\(devel\))$/;

interface Module {
  readonly path: string;
  readonly version: string;
}

interface Modules {
  readonly main: Module | undefined;
  readonly dependencies: readonly Module[];
  readonly settings: ReadonlyMap<string, string>;
}

/** Lines of fields set apart by tabs (Go's runtime/debug, `ParseBuildInfo`). */
function parseModules(text: string): Modules {
  let main: Module | undefined;
  const dependencies: Module[] = [];
  const settings = new Map<string, string>();
  let last: 'main' | 'dependency' | undefined;
  for (const line of text.split('\n')) {
    const [kind, path = '', version = ''] = line.split('\t');
    const module = { path, version: version === '' ? unknownVersion : version };
    if (kind === 'mod') {
      main = module;
      last = 'main';
    } else if (kind === 'dep') {
      dependencies.push(module);
      last = 'dependency';
    } else if (kind === '=>' && path !== '') {
      if (last === 'main') main = module;
      else if (last === 'dependency') dependencies[dependencies.length - 1] = toReplacement(dependencies.at(-1), module);
    } else if (kind === 'build') {
      const [, key, value] = /^build\t([^=]+)=(.*)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) settings.set(key, value);
    }
  }
  return { main: main?.path === 'command-line-arguments' ? undefined : main, dependencies, settings };
}

/** A replacement by a folder has no name of its own that anybody else knows: it is some state of the module that it replaces. */
function toReplacement(replaced: Module | undefined, module: Module): Module {
  return replaced !== undefined && /^\.{0,2}\//.test(module.path) ? { path: replaced.path, version: unknownVersion } : module;
}

/** Neither unknown nor a pseudo-version (https://go.dev/ref/mod#pseudo-versions). */
function isRelease(version: string): boolean {
  return version !== unknownVersion && !/[.-]\d{14}-[0-9a-f]{12}(?:\+|$)/.test(version);
}

/** The version that `-ldflags "-X main.version=1.2.3"` gives the program, where it names one and no other. */
function statedVersion(settings: ReadonlyMap<string, string>, path: string): string | undefined {
  const flags = (settings.get('-ldflags') ?? '').slice(0, 10_000);
  const versions = new Set<string>();
  for (const [, name = '', version = ''] of flags.matchAll(
    /-X[ =]['"]?([^\s='"]+)\.[A-Za-z]*[vV]er(?:sion)?=v?(\d+\.\d+\.\d+[\w.+-]*)['"]?/g,
  )) {
    if (name === 'main' || name === path || name.startsWith(`${path}/`)) versions.add(`v${version}`);
  }
  return versions.size === 1 ? [...versions][0] : undefined;
}

/** A pseudo-version of the commit, which no version of an advisory can be compared with, as the tag before it is not known. */
function revisionVersion(settings: ReadonlyMap<string, string>): string | undefined {
  const time = settings.get('vcs.time')?.replace(/[-:TZ]/g, '');
  const revision = settings.get('vcs.revision')?.slice(0, 12);
  return time !== undefined && revision !== undefined && /^\d{14}$/.test(time) ? `v0.0.0-${time}-${revision}` : undefined;
}
