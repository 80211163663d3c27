import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { HttpStream } from '../../src/lib/http.ts';
import type { ImageSource } from '../../src/model/source.ts';
import type { StandardInput } from '../../src/source/standard-input.ts';
import { itIsASource } from '../contract/source.ts';
import { tar } from '../layer/tar-writer.ts';
import { attestedLayout, config, configHex, digestOf, LayoutFixture, legacyMembers } from './image-fixture.ts';
import { localImage } from './local-image.ts';
import { openSource } from './open-source.ts';
import { readWhole, refusalOf } from './reading.ts';

const archive = tar(...legacyMembers());
const noNetwork: HttpStream = async () => {
  throw new Error('a pipe needs no network');
};

function open(standardInput: StandardInput | undefined, text = 'docker-archive:-'): Promise<ImageSource> {
  return openSource(localImage(text), { workspace: '/', docker: {}, stream: noNetwork, standardInput, platforms: [] });
}

/** A pipe that gives `bytes` in pieces, and fails at its end with `error`. */
function pipe(bytes: Buffer, error?: Error): StandardInput {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    if (error !== undefined) throw error;
  }
  return { isTerminal: false, open: pieces };
}

describe.each([
  ['as it is', archive],
  ['compressed with gzip', gzipSync(archive)],
  ['compressed with zstd', zstdCompressSync(archive)],
])('docker save through a pipe, %s', (_what, bytes) => {
  // A contract opens a source once for each reading; the second reading of a pipe is refused.
  itIsASource(() => open(pipe(bytes)), { seekable: false, planned: false, once: true });
});

describe('an OCI archive through a pipe', () => {
  it('keeps its manifests, whether its documents come first or last', async () => {
    const { layout, index } = attestedLayout();
    const names = [...layout.files.keys()];
    const documentsFirst = new LayoutFixture();
    documentsFirst.files.clear();
    for (const name of names.toReversed()) documentsFirst.files.set(name, layout.files.get(name) as Buffer);
    for (const bytes of [layout.archive(), documentsFirst.archive(), gzipSync(documentsFirst.archive())]) {
      const image = await readWhole(await open(pipe(bytes), 'oci-archive:-'));
      expect(image).toMatchObject({ kind: 'index', descriptor: { digest: digestOf(index.bytes) } });
    }
  });

  it('is told apart from others in the same archive by what follows the colon', async () => {
    const layout = new LayoutFixture();
    const [one, other] = [layout.image(), layout.image({ config: Buffer.from(config.toString().replace('"1000"', '"0"')) })];
    const named = (blob: typeof one, name: string) => ({
      mediaType: blob.mediaType,
      digest: digestOf(blob.bytes),
      size: blob.bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': name },
    });
    layout.root(named(one, 'v1'), named(other, 'v2'));
    const read = (text: string) => open(pipe(layout.archive()), text);
    expect(await readWhole(await read('oci-archive:-:v2'))).toMatchObject({ descriptor: { digest: digestOf(other.bytes) } });
    expect((await refusalOf(() => read('oci-archive:-'))).error).toMatchObject({ code: 'source-ambiguous', origin: 'input' });
    expect((await refusalOf(() => read('oci-archive:-:'))).error).toMatchObject({ code: 'source-form', origin: 'input' });
  });
});

describe('a standard input without an archive', () => {
  it.each([
    ['is a terminal', { ...pipe(archive), isTerminal: true }, /is a terminal/, 'source-form'],
    ['is not there', undefined, /no standard input/, 'source-form'],
    ['is empty', pipe(Buffer.alloc(0)), /is empty/, 'source-not-found'],
  ] as const)('that %s is bad input', async (_what, standardInput, message, code) => {
    const { error } = await refusalOf(() => open(standardInput));
    expect(error).toMatchObject({ code, origin: 'input', message: expect.stringMatching(message) });
    expect(error.message).toMatch(/^cannot read docker-archive:-: /);
  });

  it('that is cut off or fails is an error of the source', async () => {
    for (const bytes of [archive.subarray(0, 1_000_000), gzipSync(archive).subarray(0, -20), zstdCompressSync(archive).subarray(0, -20)]) {
      expect((await refusalOf(() => open(pipe(bytes)))).error).toMatchObject({ code: 'source-damaged', origin: 'source' });
    }
    const failing = pipe(archive.subarray(0, 100_000), Object.assign(new Error('read EIO'), { code: 'EIO' }));
    const { error } = await refusalOf(() => open(failing));
    expect(error).toMatchObject({ code: 'source-unreadable', message: expect.stringContaining('EIO') });
  });

  it('lets an image be chosen by a name with a colon of its own', async () => {
    const image = await readWhole(await open(pipe(archive), 'docker-archive:-:app:ci'));
    expect(image).toMatchObject({ kind: 'made', configDigest: `sha256:${configHex}` });
  });
});
