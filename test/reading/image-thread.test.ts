import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readLayer } from '../../src/layer/pass.ts';
import type { ImageConfig } from '../../src/model/image.ts';
import type { SourceLayer } from '../../src/model/source.ts';
import { ImageThread, type LayerKeeper } from '../../src/reading/image-thread.ts';
import { layerOf } from '../command/publication.ts';
import { tar } from '../layer/tar-writer.ts';

function start(compression?: 'gzip' | 'zstd'): ImageThread {
  const thread = new ImageThread({ compression, cancelled: new AbortController().signal });
  onTestFinished(() => thread[Symbol.asyncDispose]());
  return thread;
}

const layer: SourceLayer = { key: 'layer', kind: 'layer', descriptor: undefined, sizeBytes: undefined, diffId: undefined };

/** Parts of odd sizes, whose memory is used again for the next, as it may be. */
async function* inParts(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const memory = Buffer.alloc(Math.max(...sizes));
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = bytes.copy(memory, 0, at, at + (sizes[turn % sizes.length] ?? 1));
    at += length;
    yield memory.subarray(0, length);
  }
}

/** Keeps what is published. */
function collect(): LayerKeeper & { readonly bytes: () => Buffer; readonly progress: (bytes: number) => void; seen: number } {
  const parts: Buffer[] = [];
  return {
    seen: 0,
    bytes: () => Buffer.concat(parts),
    begin: async () => ({
      wantsBytes: true,
      // A copy, late: the bytes have to be valid as long as it takes.
      async write(bytes) {
        await new Promise(setImmediate);
        parts.push(Buffer.from(bytes));
      },
      async end() {},
    }),
    plan() {},
    progress(bytes) {
      this.seen += bytes;
    },
  };
}

const large = layerOf('opt/large', randomBytes(5_000_000));

describe('a layer that is read in the thread', () => {
  it.each([
    ['as it is', large],
    ['compressed', gzipSync(large, { level: 1 })],
  ])('arrives byte for byte, however it comes, and is published byte for byte: %s', async (_what, bytes) => {
    for (const sizes of [[1_048_576], [7, 65_536, 100_003], [524_288, 1]]) {
      const keeper = collect();
      const facts = await start().readLayer(layer, inParts(bytes, sizes), { kind: 'inspect' }, keeper);
      const { digest, sizeBytes, uncompressedSizeBytes } = facts as typeof facts & { uncompressedSizeBytes: number };
      expect({ digest, sizeBytes, uncompressedSizeBytes }).toEqual({
        digest: digestOf(bytes),
        sizeBytes: bytes.length,
        uncompressedSizeBytes: large.length,
      });
      expect(digestOf(keeper.bytes())).toBe(digest);
      expect(keeper.seen).toBe(bytes.length);
    }
  });

  it.each(['gzip', 'zstd'] as const)('is compressed with %s as it would be here, several at once', async (compression) => {
    const thread = start(compression);
    const layers = [large, layerOf('b', randomBytes(3_000_000)), layerOf('c', 'c'.repeat(9_000_000)), layerOf('d', '')];
    const read = layers.map(async (bytes, at) => {
      const keeper = collect();
      const { digest } = await thread.readLayer({ ...layer, key: `${at}` }, inParts(bytes, [65_537]), { kind: 'inspect' }, keeper);
      expect(digestOf(keeper.bytes())).toBe(digest);
      const unpacked = await readLayer(layer, inParts(keeper.bytes(), [1_000_000]), { inspectors: [] });
      expect(unpacked).toMatchObject({ diffId: digestOf(bytes), compression });
    });
    await Promise.all(read);
  });

  it('is not sent where nobody wants its bytes', async () => {
    let writes = 0;
    const keeper: LayerKeeper = {
      begin: async () => ({ wantsBytes: false, write: async () => void writes++, async end() {} }),
      plan() {},
      progress() {},
    };
    await start('gzip').readLayer(layer, inParts(large, [65_536]), { kind: 'inspect' }, keeper);
    expect(writes).toBe(0);
  });

  it('fails with the very error that its bytes or its upload end with, and can be read again', async () => {
    const thread = start('gzip');
    const unplugged = Object.assign(new Error('unplugged'), { kind: 'network' });
    async function* broken(): AsyncGenerator<Buffer> {
      yield large.subarray(0, 700_000);
      throw unplugged;
    }
    await expect(thread.readLayer(layer, broken(), { kind: 'inspect' }, collect())).rejects.toBe(unplugged);
    const failing: LayerKeeper = {
      ...collect(),
      begin: async () => ({ wantsBytes: true, write: () => Promise.reject(unplugged), async end() {} }),
    };
    await expect(thread.readLayer(layer, inParts(large, [65_536]), { kind: 'inspect' }, failing)).rejects.toBe(unplugged);
    const keeper = collect();
    const { digest } = await thread.readLayer(layer, inParts(large, [65_536]), { kind: 'inspect' }, keeper);
    expect(digestOf(keeper.bytes())).toBe(digest);
  });

  it('is refused with the words of who refuses it, and its stream is closed', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(100_000, 'no tar');
      } finally {
        isClosed = true;
      }
    }
    await expect(start().readLayer(layer, endless(), { kind: 'inspect' }, collect())).rejects.toMatchObject({
      name: 'StepError',
      code: 'malformed-tar',
      origin: 'source',
      message: expect.stringContaining('cannot read layer layer: at byte 0'),
      hint: expect.stringContaining('Build or save the image again'),
    });
    expect(isClosed).toBe(true);
  });

  it('unpacks to no more than it is said to, where that is to be proven', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const use = { kind: 'prove', maxInflatedBytes: 1_000_000 } as const;
    await expect(start().readLayer(layer, inParts(bomb, [65_536]), use, collect())).rejects.toMatchObject({ code: 'limit' });
  });
});

it('all layers together give the packages and findings of the image, and nothing else comes out of the thread', async () => {
  const status = 'Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10\n';
  const layers = [
    tar({ name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' }, { name: 'var/lib/dpkg/status', content: status }),
    tar({ name: 'etc/eicar', content: 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' }),
    tar({ name: 'etc/.wh.eicar', content: '' }),
  ];
  const thread = start();
  const expected: unknown[] = [];
  const named = layers.map((_, at): SourceLayer => ({ ...layer, key: `layer ${at}` }));
  for (const [at, bytes] of layers.entries()) {
    const keeper: LayerKeeper = {
      begin: async () => ({
        wantsBytes: false,
        async write() {},
        end: async (facts, packages) => void expected.push(Object.keys(facts), packages),
      }),
      plan() {},
      progress() {},
    };
    await thread.readLayer(named[at] as SourceLayer, inParts(bytes, [4096]), { kind: 'inspect' }, keeper);
  }
  const facts = ['kind', 'digest', 'sizeBytes', 'diffId', 'compression', 'uncompressedSizeBytes'];
  expect(expected).toEqual([facts, [expect.objectContaining({ name: 'curl', ecosystem: 'Debian:12' })], facts, [], facts, []]);
  const config: ImageConfig = {
    platform: { os: 'linux', architecture: 'amd64' },
    diffIds: [],
    history: [],
    user: '1000',
    env: [],
    labels: {},
  };
  const [reading] = await thread.inspect([{ layers: named, config }], new Date());
  expect(reading?.inventory.packages).toMatchObject([{ name: 'curl', layer: 0, path: 'var/lib/dpkg/status' }]);
  expect(reading?.findings).toMatchObject([{ kind: 'malware', path: 'etc/eicar', layer: 1, deletedLater: true }]);
});

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
