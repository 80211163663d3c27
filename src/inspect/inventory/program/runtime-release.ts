import type { Observation } from '../../../model/observation.ts';
import type { FileReader } from '../file-inspector.ts';
import { lines } from '../stanza.ts';
import { toBitnami } from './program-inspector.ts';

const javaPath = /(?:^|\/)release$/;
const goPath = /(?:^|\/)go\/VERSION$/;

/** Runtimes that state their version in a file of their own: `release` of a Java runtime (JEP 223), `VERSION` of a Go toolchain. */
export const runtimeReleaseReader: FileReader = {
  name: 'runtime-releases',
  weight: 'optional',
  isWanted: (path) => (path.endsWith('release') && javaPath.test(path)) || (path.endsWith('VERSION') && goPath.test(path)),
  read: (path, content) => (goPath.test(path) ? readGo(path, content) : readJava(path, content)),
};

function readJava(path: string, content: Buffer): readonly Observation[] {
  const fields = new Map<string, string>();
  for (const line of lines(content.toString('utf8', 0, 16_384))) {
    const [, name, value] = /^([A-Z_]{1,40})="?([^"]{0,200})"?$/.exec(line.trim()) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const stated = fields.get('JAVA_VERSION') ?? '';
  const [, legacy, update] = /^1\.(\d+)\.\d+(?:_(\d+))?/.exec(stated) ?? [];
  const plain = legacy === undefined ? /^\d+(?:\.\d+){0,2}/.exec(stated)?.[0] : `${legacy}.0.${update ?? 0}`;
  if (plain === undefined) return [];
  const three = [...plain.split('.'), '0', '0'].slice(0, 3).join('.');
  const runtime = fields.get('JAVA_RUNTIME_VERSION') ?? fields.get('FULL_VERSION') ?? '';
  const version = /^[\w.+-]{1,60}$/.test(runtime) && runtime.startsWith(stated) ? runtime : stated;
  const name = fields.get('IMPLEMENTOR') === 'Oracle Corporation' && fields.get('BUILD_TYPE') === 'commercial' ? 'jdk' : 'openjdk';
  const cpe = `cpe:2.3:a:oracle:${name}:${plain}:*:*:*:*:*:*:*`;
  return [{ kind: 'packages', path, packages: [{ type: 'generic', name, version, cpe, ...toBitnami('java', three) }] }];
}

function readGo(path: string, content: Buffer): readonly Observation[] {
  const version = /^go(\d+\.\d+(?:\.\d+)?(?:(?:beta|rc)\d+)?)\s/.exec(content.toString('utf8', 0, 100))?.[1];
  if (version === undefined) return [];
  const cpe = `cpe:2.3:a:golang:go:${version}:*:*:*:*:*:*:*`;
  return [{ kind: 'packages', path, packages: [{ type: 'generic', name: 'go', version, cpe, ...toBitnami('golang', version) }] }];
}
