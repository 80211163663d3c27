import { execFileSync } from 'node:child_process';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readLayer } from '../../src/layer/pass.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { SourceLayer } from '../../src/model/source.ts';
import { listTar } from '../layer/tar-listing.ts';
import { inParallel } from './faults/fault-run.ts';
import { shared } from './peers.ts';

/** A real layer of 104,960 bytes: etc/os-release of an nginx image, its links, and the padding that Docker's tar ends in. */
const archive = shared('testdata/images/docker-archives/docker-save/nginx-os-release-link.tar');
const member = 'ac415f8e415b242117277e7ee5224b30389698b46101e0f28224490af3b90a9d/layer.tar';

let tar: Buffer;
/** Where the two zero blocks end that Go's reader looks for: whatever follows is padding. */
let endOfTar: number;

beforeAll(() => {
  tar = execFileSync('tar', ['-xOf', archive, member], { maxBuffer: 2 ** 24 });
  let contentBytes = tar.length;
  while (tar[contentBytes - 1] === 0) contentBytes -= 1;
  endOfTar = Math.ceil(contentBytes / 512) * 512 + 1024;
});

describe('a real layer that is cut at each of its bytes', () => {
  it('is refused as a tar, but for a cut in the padding, which changes nothing of what is read', async () => {
    const whole = listTar(tar);
    const accepted = await acceptedCuts(tar);
    expect(accepted).toEqual(Array.from({ length: tar.length - endOfTar }, (_, at) => endOfTar + at));
    for (const cut of accepted) expect(listTar(tar.subarray(0, cut))).toEqual(whole);
  });

  it('is refused in gzip', async () => {
    expect(await acceptedCuts(gzipSync(tar))).toEqual([]);
  });

  it('is refused in gzip of two members', async () => {
    expect(await acceptedCuts(Buffer.concat([gzipSync(tar.subarray(0, 51_200)), gzipSync(tar.subarray(51_200))]))).toEqual([]);
  });

  it('is refused in zstd, with a checksum and without', async () => {
    for (const checksum of [0, 1]) {
      expect(await acceptedCuts(zstdCompressSync(tar, { params: { [constants.ZSTD_c_checksumFlag]: checksum } }))).toEqual([]);
    }
  });
});

/** Lengths, less than the whole, at which the layer is not refused. What is not a refusal, or never ends, fails the test. */
async function acceptedCuts(layer: Buffer): Promise<readonly number[]> {
  await read(layer);
  const cuts = Array.from({ length: layer.length }, (_, cut) => cut);
  const accepted = await inParallel(cuts, 8, async (cut) => {
    try {
      await read(layer.subarray(0, cut));
      return true;
    } catch (error) {
      if (error instanceof StepError && error.origin === 'source') return false;
      throw error;
    }
  });
  return cuts.filter((cut) => accepted[cut]);
}

async function read(bytes: Buffer): Promise<void> {
  const layer: SourceLayer = { key: 'layer', kind: 'layer', descriptor: undefined, sizeBytes: bytes.length, diffId: undefined };
  async function* content(): AsyncGenerator<Buffer> {
    yield bytes;
  }
  await readLayer(layer, content(), { inspectors: [] });
}
