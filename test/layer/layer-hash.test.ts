import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HashThread, hashHere, type LayerHash } from '../../src/layer/layer-hash.ts';

const mebibyte = 1024 * 1024;
const noise = randomBytes(5 * mebibyte + 3);

async function digestBy(hash: LayerHash, bytes: Buffer, partBytes: number): Promise<string> {
  const reused = Buffer.alloc(partBytes);
  for (let at = 0; at < bytes.length; at += partBytes) await hash.update(reused.subarray(0, bytes.copy(reused, 0, at, at + partBytes)));
  return hash.end();
}

function expected(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

describe.each([
  ['here', () => hashHere()],
  ['in a thread', (thread: HashThread) => thread.begin()],
])('the hash of a layer, made %s', (_, begin) => {
  it('is that of all its bytes, however they are cut and although their memory is used again', async () => {
    using thread = new HashThread();
    for (const length of [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte, noise.length]) {
      const bytes = noise.subarray(0, length);
      for (const partBytes of [1000, 65_536, 3 * mebibyte]) {
        expect(await digestBy(begin(thread), bytes, partBytes), `${length} by ${partBytes}`).toBe(expected(bytes));
      }
    }
  });

  it('is that of each layer, where several are hashed at once', async () => {
    using thread = new HashThread();
    const layers = Array.from({ length: 5 }, (_, at) => noise.subarray(at * 1000));
    const digests = await Promise.all(layers.map((layer, at) => digestBy(begin(thread), layer, 100_000 + at)));
    expect(digests).toEqual(layers.map(expected));
  });
});

it('ends with an error of its own where the thread has ended', async () => {
  const thread = new HashThread();
  const hash = thread.begin();
  await hash.update(noise);
  thread[Symbol.dispose]();
  await expect(hash.end()).rejects.toMatchObject({ code: 'thread-ended', origin: 'us' });
});
