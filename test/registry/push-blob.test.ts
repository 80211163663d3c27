import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { toBodySource } from '../../src/registry/body-source.ts';
import { clock, open, openSession } from './loopback.ts';
import { digestOf, type Fault, isMethod, onFirst, serveUploads, status } from './upload-server.ts';

const mebibyte = 1024 * 1024;
const content = randomBytes(11 * mebibyte);
const blob = { digest: digestOf(content), size: content.length };

/** Writes the content in small parts from one buffer, which is another part as soon as its write is done. */
async function produce(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const part = Buffer.alloc(300_000);
  for (let at = 0; at < content.length; at += part.length) {
    const copied = content.copy(part, 0, at);
    await write(part.subarray(0, copied));
    part.fill(0);
  }
}

const refusePieces =
  (code: number): Fault =>
  ({ method, headers }) =>
    method === 'PATCH' && headers['content-range'] !== undefined ? status(code) : undefined;

test('a blob is pushed in pieces where the registry takes them', async () => {
  const { host, blobs, seen } = await serveUploads();
  await open(host).pushBlob(blob, produce);
  expect(blobs.get(blob.digest)?.equals(content)).toBe(true);
  expect(seen.filter(isMethod('PATCH'))).toHaveLength(3);
});

test.each([400, 404, 405, 416, 501])('one that answers %d to a piece gets it in one request, and is asked no more', async (code) => {
  const { host, blobs, uploads, seen } = await serveUploads(refusePieces(code));
  const repository = open(host);
  const first = await repository.beginUpload();
  await expect(first.write(content).then(() => first.hold())).rejects.toMatchObject({ code: 'pieces-refused', origin: 'registry' });
  await first.abort();
  const before = seen.length;
  await expect(repository.beginUpload()).rejects.toMatchObject({ code: 'pieces-refused' });
  expect(seen).toHaveLength(before);
  await repository.pushBlob(blob, produce);
  expect(blobs.get(blob.digest)?.equals(content)).toBe(true);
  expect(uploads.size).toBe(0);
  const [put] = seen.filter(isMethod('PUT'));
  expect(put?.headers['content-length']).toBe(`${content.length}`);
  expect(put?.headers['transfer-encoding']).toBeUndefined();
  expect(seen.slice(before).filter(isMethod('PATCH'))).toEqual([]);
  // It says whether this run may push all the same.
  await repository.checkPush();
});

test('a refusal that comes later, or says that the upload is gone, says nothing of pieces', async () => {
  const later = await serveUploads(({ method, headers }) =>
    method === 'PATCH' && !headers['content-range']?.startsWith('0-') ? status(400) : undefined,
  );
  const gone = await serveUploads(({ method }) =>
    method === 'PATCH' ? status(404, {}, '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}') : undefined,
  );
  for (const [{ host }, code] of [
    [later, 'refused'],
    [gone, 'upload-dropped'],
  ] as const) {
    const repository = open(host);
    const upload = await repository.beginUpload();
    await expect(upload.write(content).then(() => upload.hold())).rejects.toMatchObject({ code });
    await expect(repository.beginUpload()).resolves.toBeDefined();
  }
});

test.each<[string, Fault]>([
  ['breaks off', onFirst(isMethod('PUT'), 'cut', 2)],
  ['is answered with an error', onFirst(isMethod('PUT'), status(503))],
  ['is done and its answer lost', onFirst(isMethod('PUT'), 'lost')],
  ['meets an upload that is gone', onFirst(isMethod('PUT'), status(404))],
])('one request that %s is made from the beginning', async (_name, fault) => {
  const { host, blobs, uploads } = await serveUploads((request, store) => refusePieces(405)(request, store) ?? fault(request, store));
  await open(host).pushBlob(blob, produce);
  expect(blobs.get(blob.digest)?.equals(content)).toBe(true);
  expect([...uploads.keys()]).toHaveLength(0);
});

test('what the source fails with is what the push fails with, in pieces and in one', async () => {
  for (const fault of [() => undefined, refusePieces(405)] as const) {
    const { host, blobs, uploads } = await serveUploads(fault);
    const failing = async (write: (bytes: Uint8Array) => Promise<void>) => {
      await write(content.subarray(0, 6 * mebibyte));
      throw new Error('the archive has changed');
    };
    const repository = open(host);
    if (fault.length > 0) await repository.pushBlob(blob, produce);
    await expect(repository.pushBlob({ ...blob, digest: digestOf(Buffer.alloc(1)) }, failing)).rejects.toThrow('the archive has changed');
    expect(blobs.size).toBe(fault.length > 0 ? 1 : 0);
    expect(uploads.size).toBe(0);
  }
});

test('a blob of another size than was said is refused', async () => {
  const { host, blobs } = await serveUploads(refusePieces(405));
  const repository = open(host);
  await expect(repository.pushBlob({ ...blob, size: content.length - 1 }, produce)).rejects.toMatchObject({ origin: 'registry' });
  await expect(repository.pushBlob({ ...blob, size: content.length + 1 }, produce)).rejects.toThrow('ended 1 bytes early');
  expect(blobs.size).toBe(0);
});

test('a body holds one part at a time, and lets its writer go when nobody wants more', async () => {
  let written = 0;
  let failure: unknown;
  const source = toBodySource(async (write) => {
    try {
      for (; ; written += 1) await write(Buffer.alloc(10));
    } catch (error) {
      failure = error;
      throw error;
    }
  }, 1000);
  let taken = 0;
  for await (const part of source.open()) {
    expect(part).toHaveLength(10);
    await new Promise(setImmediate);
    expect(written).toBe(taken);
    taken += 1;
    if (taken === 5) break;
  }
  expect(failure).toMatchObject({ message: 'the body is no longer wanted' });
  const hash = createHash('sha256');
  for await (const part of toBodySource(produce, content.length).open()) hash.update(part);
  expect(`sha256:${hash.digest('hex')}`).toBe(blob.digest);
});

test.each([
  ['europe-west1-docker.pkg.dev', false],
  ['gcr.io', false],
  ['eu.gcr.io', false],
  ['gcr.io.example', true],
  ['ghcr.io', true],
  ['registry.example', true],
])('%s takes pieces: %s', (host, expected) => {
  expect(openSession(host).takesPieces).toBe(expected);
});

test('an upload that fails again and again is given up when it has lost five minutes', async () => {
  const time = clock();
  let count = 0;
  const { host, blobs } = await serveUploads((request) => {
    if (request.method !== 'PATCH') return undefined;
    count += 1;
    return count % 2 === 1 ? status(429, { 'retry-after': '50' }) : undefined;
  });
  const upload = await open(host, time).beginUpload();
  const writing = (async () => {
    for (let piece = 0; piece < 20; piece += 1) await upload.write(content.subarray(0, 5 * mebibyte));
    await upload.hold();
  })();
  await expect(writing).rejects.toMatchObject({ code: 'throttled' });
  expect(time.waits.filter((ms) => ms === 50_000)).toHaveLength(7);
  expect(blobs.size).toBe(0);
});
