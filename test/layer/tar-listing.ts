import { createHash } from 'node:crypto';
import type { LayerEntry } from '../../src/layer/inspector.ts';
import { defaultLayerLimits, type LayerLimits } from '../../src/layer/limits.ts';
import { TarReader } from '../../src/layer/tar.ts';

export interface ListedEntry extends LayerEntry {
  readonly content: string;
  readonly digest: string;
}

/** All entries of a tar, read in parts of `partBytes`. */
export function listTar(bytes: Buffer, partBytes = bytes.length || 1, limits: LayerLimits = defaultLayerLimits): ListedEntry[] {
  const listed: ListedEntry[] = [];
  let entry: LayerEntry | undefined;
  let parts: Buffer[] = [];
  const reader = new TarReader(
    'test',
    {
      entry(next) {
        entry = next;
        if (next.type !== 'file') listed.push({ ...next, content: '', digest: digestOf(Buffer.alloc(0)) });
        return true;
      },
      content(part, last) {
        parts.push(Buffer.from(part));
        if (!last) return;
        const content = Buffer.concat(parts);
        listed.push({ ...(entry as LayerEntry), content: content.toString('latin1'), digest: digestOf(content) });
        parts = [];
      },
    },
    limits,
  );
  for (let at = 0; at < bytes.length; at += partBytes) reader.write(bytes.subarray(at, at + partBytes));
  reader.end();
  return listed;
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
