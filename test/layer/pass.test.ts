import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openCompressor } from '../../src/layer/compressor.ts';
import { type Inspector, magicBytes } from '../../src/layer/inspector.ts';
import { entryBudget } from '../../src/layer/layer-tree.ts';
import { type ReadLayerOptions, readLayer, type TarLayerResult } from '../../src/layer/pass.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { SourceLayer } from '../../src/model/source.ts';
import { needleInspector } from './needle-inspector.ts';
import { file, folder, symlink, tar } from './tar-writer.ts';

const layer: SourceLayer = { key: 'layer.tar', kind: 'layer', descriptor: undefined, sizeBytes: undefined, diffId: undefined };

async function* parts(bytes: Buffer, partBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield new Uint8Array(bytes.subarray(at, at + partBytes));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const compressor = openCompressor('gzip');
afterAll(() => compressor[Symbol.dispose]());

async function read(
  bytes: Buffer,
  { source = layer, partBytes = 64 * 1024, ...options }: Partial<ReadLayerOptions> & { source?: SourceLayer; partBytes?: number } = {},
): Promise<{ result: TarLayerResult; published: Buffer }> {
  const written: Buffer[] = [];
  const sink = {
    async write(part: Uint8Array) {
      written.push(Buffer.from(part));
    },
  };
  const result = await readLayer(source, parts(bytes, partBytes), { inspectors: [], compressor, sink, ...options });
  return { result: result as TarLayerResult, published: Buffer.concat(written) };
}

/** Wants files named in `whole` whole, and says what it got. */
function wholeInspector(limit = Number.POSITIVE_INFINITY): Inspector {
  return {
    name: 'whole',
    inspect() {
      const observations: Observation[] = [];
      return {
        entry: (entry) => (entry.type === 'file' && entry.sizeBytes < limit ? 'whole' : 'none'),
        magic: () => 'none',
        file({ path }, content) {
          observations.push({ kind: 'packages', path, packages: [{ type: 'deb', name: digestOf(content), version: `${content.length}` }] });
        },
        window() {},
        tooLarge: ({ path }) => observations.push({ kind: 'gap', path, code: 'too-large', reason: 'too large' }),
        end: () => observations,
      };
    },
  };
}

/** Decides by the first bytes, which it says: files that begin with `w` are wanted whole, with `s` as a stream. */
function magicInspector(): Inspector {
  return {
    name: 'magic',
    inspect() {
      const heads = new Map<string, string>();
      const contents = new Map<string, Buffer>();
      const add = (path: string, bytes: Buffer, offset: number) => {
        const known = contents.get(path) ?? Buffer.alloc(0);
        contents.set(path, Buffer.concat([known.subarray(0, offset), bytes]));
      };
      return {
        entry: (entry) => (entry.type === 'file' ? 'magic' : 'none'),
        magic({ path }, head) {
          heads.set(path, head.toString());
          return head[0] === 0x77 ? 'whole' : head[0] === 0x73 ? 'stream' : 'none';
        },
        file: ({ path }, content) => add(path, content, 0),
        window: ({ path }, window, offset) => add(path, window, offset),
        tooLarge: ({ path }) => add(path, Buffer.from('too large'), 0),
        end: () =>
          [...heads].map(([path, head]) => {
            const content = contents.get(path);
            const version = content === undefined ? 'none' : digestOf(content);
            return { kind: 'packages' as const, path, packages: [{ type: 'generic' as const, name: head, version }] };
          }),
      };
    },
  };
}

describe('readLayer', () => {
  const bytes = tar(folder('etc'), file('etc/a', 'x'.repeat(5000)), file('b', 'NEEDLE-7'), symlink('c', 'b'), file('empty', ''));

  it('compresses a layer that arrives uncompressed, and states both digests and sizes', async () => {
    const { result, published } = await read(bytes);
    expect(gunzipSync(published).equals(bytes)).toBe(true);
    expect(result).toMatchObject({
      kind: 'layer',
      compression: 'gzip',
      diffId: digestOf(bytes),
      digest: digestOf(published),
      sizeBytes: published.length,
      uncompressedSizeBytes: bytes.length,
    });
  });

  it.each([
    ['gzip' as const, gzipSync(bytes)],
    ['zstd' as const, zstdCompressSync(bytes)],
  ])('publishes %s byte for byte, whatever is asked', async (compression, packed) => {
    for (const partBytes of [1, 5, 100, 64 * 1024]) {
      const { result, published } = await read(packed, { partBytes });
      expect(published.equals(packed)).toBe(true);
      expect(result).toMatchObject({ compression, diffId: digestOf(bytes), digest: digestOf(packed), sizeBytes: packed.length });
    }
  });

  const blob = { digest: digestOf(Buffer.from('a blob of the registry')), sizeBytes: 22 } as { digest: Digest; sizeBytes: number };

  it('names a blob that the registry has, and gives the sink nothing, while all else is read', async () => {
    const source = { ...layer, diffId: digestOf(bytes) as Digest };
    const { result, published } = await read(bytes, { source, reuse: blob, inspectors: [wholeInspector()] });
    expect(published).toHaveLength(0);
    expect(result).toMatchObject({ compression: 'gzip', diffId: digestOf(bytes), ...blob, uncompressedSizeBytes: bytes.length });
    expect(result.observations.map(({ path }) => path)).toEqual(['etc/a', 'b', 'empty']);
    expect((await read(bytes, { source, reuse: blob, compressor: undefined })).result).toMatchObject({ compression: 'none', ...blob });
  });

  it('refuses a layer that does not unpack to what its blob was looked up by', async () => {
    const source = { ...layer, diffId: digestOf(Buffer.from('other')) as Digest };
    await expect(read(bytes, { source, reuse: blob })).rejects.toMatchObject({ code: 'mismatch', origin: 'source' });
  });

  it('publishes what arrives compressed all the same', async () => {
    const gzip = gzipSync(bytes);
    const { result, published } = await read(gzip, { source: { ...layer, diffId: digestOf(bytes) as Digest }, reuse: blob });
    expect(published.equals(gzip)).toBe(true);
    expect(result.digest).toBe(digestOf(gzip));
  });

  it('keeps an uncompressed layer where asked, and where a manifest names its bytes', async () => {
    const source: SourceLayer = { ...layer, descriptor: { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: bytes.length } };
    for (const options of [{ compressor: undefined }, { source }]) {
      const { result, published } = await read(bytes, options);
      expect(published.equals(bytes)).toBe(true);
      expect(result).toMatchObject({ compression: 'none', digest: result.diffId, sizeBytes: bytes.length });
    }
  });

  it('shows inspectors the same however the layer is cut or compressed', async () => {
    const inspectors = [needleInspector(), wholeInspector()];
    const expected = (await read(bytes, { inspectors })).result.observations;
    expect(expected.map(({ kind, path }) => [kind, path])).toEqual([
      ['secret', 'b'],
      ['packages', 'etc/a'],
      ['packages', 'b'],
      ['packages', 'empty'],
    ]);
    expect(expected[1]).toMatchObject({ packages: [{ name: digestOf(Buffer.from('x'.repeat(5000))), version: '5000' }] });
    for (const source of [bytes, gzipSync(bytes)]) {
      for (const partBytes of [1, 333, 512, 4096]) {
        expect((await read(source, { inspectors, partBytes })).result.observations).toEqual(expected);
      }
    }
  });

  it('shows an inspector the first bytes before it decides, however they are cut, and then all of them', async () => {
    const contents = { w: 'w'.repeat(20_000), s: `s${'0123456789'.repeat(3000)}`, n: 'n'.repeat(600), short: 'w', empty: '' };
    const archive = tar(...Object.entries(contents).map(([name, content]) => file(name, content)), folder('d'));
    const expected = Object.entries(contents).map(([path, content]) => {
      const version = path === 'n' || path === 'empty' ? 'none' : digestOf(Buffer.from(content));
      return { kind: 'packages', path, packages: [{ type: 'generic', name: content.slice(0, magicBytes), version }] };
    });
    for (const others of [[], [needleInspector(), wholeInspector()]]) {
      for (const partBytes of [1, 5, 333, 512, 4096, 65_536]) {
        const { result } = await read(archive, { inspectors: [...others, magicInspector()], partBytes });
        expect(result.observations.slice(-expected.length)).toEqual(expected);
      }
    }
    const large = tar(file('large', Buffer.alloc(32 * 1024 * 1024 + 1, 'w')));
    const { result } = await read(large, { inspectors: [magicInspector()], partBytes: 1024 * 1024 });
    expect(result.observations).toMatchObject([{ packages: [{ version: digestOf(Buffer.from('too large')) }] }]);
  });

  it('says so where a file that is wanted whole is above the limit', async () => {
    const large = tar(file('var/lib/dpkg/status', Buffer.alloc(32 * 1024 * 1024 + 1)), file('next'));
    const { result } = await read(large, { inspectors: [wholeInspector()], partBytes: 1024 * 1024 });
    expect(result.observations).toMatchObject([
      { kind: 'gap', path: 'var/lib/dpkg/status' },
      { kind: 'packages', path: 'next' },
    ]);
  });

  it('keeps of a path that comes twice what was seen in the later file, and every secret', async () => {
    const twice = tar(file('status', 'first NEEDLE-1'), file('other'), file('status', 'second'));
    const { result } = await read(twice, { inspectors: [wholeInspector(), needleInspector()] });
    expect(result.observations.map((observation) => [observation.kind, observation.path])).toEqual([
      ['packages', 'other'],
      ['secret', 'status'],
      ['packages', 'status'],
    ]);
    expect(result.observations[2]).toMatchObject({ packages: [{ name: digestOf(Buffer.from('second')) }] });
    const ignored = await read(twice, { inspectors: [wholeInspector(6.5)].map((inspector) => inspector) });
    expect(ignored.result.observations.map(({ path }) => path)).toEqual(['other', 'status']);
  });

  it('makes the failure of an inspector an error that names it and the file', async () => {
    for (const part of ['entry', 'window', 'end'] as const) {
      const inspection = {
        entry: () => 'stream' as const,
        magic: () => 'none' as const,
        file() {},
        window() {},
        tooLarge() {},
        end: () => [],
      };
      const failing: Inspector = {
        name: 'failing',
        inspect: () => ({
          ...inspection,
          [part]: () => {
            throw new TypeError('undefined is not a function');
          },
        }),
      };
      for (const source of [bytes, gzipSync(bytes)]) {
        await expect(read(source, { inspectors: [failing] })).rejects.toMatchObject({
          code: 'inspector-failed',
          origin: 'us',
          message: expect.stringContaining('layer.tar'),
        });
      }
    }
  });

  it('refuses a malformed tar, plain or compressed, and other compressions', async () => {
    const lone = bytes.subarray(0, -512);
    for (const source of [lone, gzipSync(lone), Buffer.alloc(0), Buffer.from('x'), gzipSync('')]) {
      await expect(read(source)).rejects.toMatchObject({ code: 'malformed-tar', origin: 'source' });
    }
    await expect(read(Buffer.from('fd377a585a00', 'hex'))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('xz'),
    });
    await expect(read(Buffer.concat([gzipSync(bytes), Buffer.alloc(9)]))).rejects.toMatchObject({ code: 'malformed-gzip' });
  });

  it('refuses every cut of a gzip layer', async () => {
    const gzip = gzipSync(tar(file('a', 'b')));
    for (let length = 0; length < gzip.length; length++) {
      await expect(read(gzip.subarray(0, length)), `${length}`).rejects.toMatchObject({ origin: 'source' });
    }
  });

  it('waits for the sink before it takes more', async () => {
    let waiting = 0;
    let most = 0;
    const sink = {
      async write() {
        waiting += 1;
        most = Math.max(most, waiting);
        await new Promise((resolve) => setTimeout(resolve, 1));
        waiting -= 1;
      },
    };
    for (const source of [bytes, gzipSync(bytes)]) await read(source, { sink, partBytes: 512 });
    expect(most).toBe(1);
  });

  it('ends the source when it fails, and rejects with what the sink or the source rejects with', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(512);
      } finally {
        ended = true;
      }
    }
    const options = { inspectors: [], compressor };
    const lost = { write: () => Promise.reject(new Error('lost')) };
    await expect(readLayer(layer, parts(gzipSync(bytes)), { ...options, sink: lost })).rejects.toThrow('lost');
    await expect(readLayer(layer, parts(bytes), { ...options, sink: lost })).rejects.toThrow('lost');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 512);
      throw new Error('unplugged');
    }
    await expect(readLayer(layer, broken(), options)).rejects.toThrow('unplugged');
    await expect(readLayer(layer, endless(), { ...options, sink: lost })).rejects.toThrow();
    expect(ended).toBe(true);
  });

  it('counts entries and implied folders of all layers against one budget, and gives back those of a failed attempt', async () => {
    const budget = entryBudget(5);
    const three = tar(file('a/b/c'));
    await expect(read(three.subarray(0, -512), { budget })).rejects.toMatchObject({ code: 'malformed-tar' });
    expect(budget.remaining).toBe(5);
    await read(three, { budget });
    expect(budget.remaining).toBe(2);
    await expect(read(three, { budget })).rejects.toMatchObject({ code: 'limit' });
    expect(budget.remaining).toBe(2);
  });

  it('hashes the content of attestations and does not look into it', async () => {
    const source: SourceLayer = { ...layer, kind: 'blob' };
    const { result, published } = await read(Buffer.from('{"predicate":{}}'), { source, inspectors: [needleInspector()], partBytes: 3 });
    expect(result).toEqual({ kind: 'blob', digest: digestOf(published), sizeBytes: 16 });
  });
});
