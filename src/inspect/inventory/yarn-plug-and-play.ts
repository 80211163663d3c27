import { type Fields, itemsOf, parseJsonFields } from './document.ts';
import { type Entry, toEntry, toObservations } from './entries.ts';
import type { FileReader } from './file-inspector.ts';
import { toNpmRecord } from './npm-name.ts';

/**
 * Packages that Yarn 3 and later have installed without `node_modules`, in archives that Node finds by `.pnp.cjs`, or by `.pnp.data.json` beside it
 * (https://yarnpkg.com/advanced/pnp-spec).
 */
export const yarnPlugAndPlayReader: FileReader = {
  name: 'yarn-plug-and-play',
  weight: 'database',
  isWanted: isPlugAndPlay,
  read: (path, content) => toObservations(path, packages(path.endsWith('.cjs') ? readState(content) : parseJsonFields(content))),
};

export function isPlugAndPlay(path: string): boolean {
  return (path.endsWith('.pnp.cjs') || path.endsWith('.pnp.data.json')) && /(?:^|\/)\.pnp\.[a-z.]+$/.test(path);
}

/** `[["NAME", [["npm:VERSION", { … }]]]]`; the project itself is a workspace, or has null for a name. */
function* packages(state: Fields): Generator<Entry> {
  for (const item of itemsOf(state, 'packageRegistryData')) {
    const [name, stores] = Array.isArray(item) ? (item as unknown[]) : [];
    for (const store of Array.isArray(stores) ? stores : []) {
      const reference: unknown = Array.isArray(store) ? store[0] : undefined;
      if (name === null || (typeof reference === 'string' && !isOfRegistry(reference))) continue;
      yield toEntry(toNpmRecord(name, toVersion(reference)), name);
    }
  }
}

function isOfRegistry(reference: string): boolean {
  return reference.includes('npm:') || reference.includes('npm%3A') || reference.includes('npm%253A');
}

/** `npm:1.2.3`, `virtual:HASH#npm:1.2.3`, `patch:NAME@npm%3A1.2.3#…` */
function toVersion(reference: unknown): string | undefined {
  return typeof reference === 'string' ? /npm(?::|%3A|%253A)([\w.+-]{1,250})/.exec(reference)?.[1] : undefined;
}

/** The literal of `RAW_RUNTIME_STATE`, in single quotes with a backslash before each end of a line. */
function readState(content: Buffer): Fields {
  const [, literal] = /RAW_RUNTIME_STATE\s{0,10}=\s{0,10}'([^'\\]*(?:\\.[^'\\]*)*)'/s.exec(content.toString('utf8')) ?? [];
  if (literal === undefined) throw new Error('it has no RAW_RUNTIME_STATE');
  return parseJsonFields(Buffer.from(literal.replace(/\\(.)/gs, '$1')));
}
