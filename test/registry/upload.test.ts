import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { clock, open, openSession, type Seen, serve } from './loopback.ts';
import { answerTo, digestOf, type Fault, isMethod, onFirst, type Store, serveUploads, status } from './upload-server.ts';

const mebibyte = 1024 * 1024;

async function push(host: string, content: Buffer, chunkBytes = 700_001, time = clock()): Promise<void> {
  await using upload = await open(host, time).beginUpload();
  for (let at = 0; at < content.length; at += chunkBytes) await upload.write(content.subarray(at, at + chunkBytes));
  await upload.hold();
  await upload.commit(digestOf(content));
}

test.each([0, 1, 1000, 5 * mebibyte, 5 * mebibyte + 1, 17 * mebibyte])('pushes %d bytes', async (size) => {
  const { host, blobs, uploads, seen } = await serveUploads();
  const content = randomBytes(size);
  await push(host, content);
  expect([...blobs.values()].map(digestOf)).toEqual([digestOf(content)]);
  expect(uploads.size).toBe(0);
  expect(
    seen
      .filter(isMethod('PATCH'))
      .map(({ body }) => body.length)
      .every((sent) => sent <= 5 * mebibyte),
  ).toBe(true);
  expect(seen.at(-1)?.path).toContain('_state=');
  expect(seen.at(-1)?.path).toContain('digest=sha256%3A');
});

test('nothing is committed before commit, and disposing without it gives the bytes up', async () => {
  const { host, blobs, uploads } = await serveUploads();
  {
    await using upload = await open(host).beginUpload();
    await upload.write(randomBytes(6 * mebibyte));
    await upload.hold();
    expect(blobs.size).toBe(0);
    expect([...uploads.values()].map(({ length }) => length)).toEqual([6 * mebibyte]);
  }
  expect(uploads.size).toBe(0);
  expect(blobs.size).toBe(0);
});

test('what is held is given up also when the run has been cancelled', async () => {
  const { host, uploads } = await serveUploads();
  const controller = new AbortController();
  const upload = await open(host, { signal: controller.signal }).beginUpload();
  await upload.write(randomBytes(1000));
  await upload.hold();
  controller.abort();
  await upload.abort();
  expect(uploads.size).toBe(0);
});

test('a chunk may be changed as soon as its write has resolved', async () => {
  const { host, blobs } = await serveUploads();
  const upload = await open(host).beginUpload();
  const chunk = Buffer.alloc(mebibyte, 1);
  const hash = createHash('sha256');
  for (let round = 0; round < 12; round += 1) {
    chunk.fill(round);
    hash.update(chunk);
    await upload.write(chunk);
  }
  await upload.hold();
  await upload.commit(`sha256:${hash.digest('hex')}`);
  expect(blobs.size).toBe(1);
});

test('a writer is held back while two pieces are on their way', async () => {
  const { host } = await serveUploads((request) => (request.method === 'PATCH' ? () => undefined : undefined));
  const controller = new AbortController();
  const upload = await open(host, { signal: controller.signal }).beginUpload();
  let written = 0;
  const writing = (async () => {
    for (; written < 40; written += 1) await upload.write(Buffer.alloc(mebibyte));
  })();
  const failure = writing.catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(written).toBeLessThan(11);
  controller.abort();
  expect(await failure).toMatchObject({ code: 'unreachable' });
});

test.each<[string, Fault]>([
  ['begin: a server error', onFirst(isMethod('POST'), status(503))],
  ['begin: a lost answer', onFirst(isMethod('POST'), 'lost')],
  ['begin: too many requests', onFirst(isMethod('POST'), status(429, { 'retry-after': '3' }))],
  ['piece: a server error', onFirst(isMethod('PATCH'), status(500))],
  ['piece: a broken connection', onFirst(isMethod('PATCH'), 'cut')],
  ['piece: three broken connections', onFirst(isMethod('PATCH'), 'cut', 3)],
  ['piece: a lost answer', onFirst(isMethod('PATCH'), 'lost')],
  ['piece: stored in part', onFirst(isMethod('PATCH'), 'cut')],
  [
    'piece: too large for the registry',
    (request) => (request.method === 'PATCH' && request.body.length > 3 * mebibyte ? status(413) : undefined),
  ],
  ['piece: too large for GHCR', (request) => (request.method === 'PATCH' && request.body.length > 4 * mebibyte ? status(416) : undefined)],
  ['commit: a server error', onFirst(isMethod('PUT'), status(502))],
  ['commit: a broken connection', onFirst(isMethod('PUT'), 'cut')],
  ['commit: a lost answer', onFirst(isMethod('PUT'), 'lost')],
  ['commit: two lost answers', onFirst(isMethod('PUT'), 'lost', 2)],
  [
    'commit: an error after it was done',
    (request, store) => (request.method === 'PUT' && store.uploads.size > 0 ? doThenFail(request, store) : undefined),
  ],
])('%s is got over', async (_name, fault) => {
  const { host, blobs } = await serveUploads(fault);
  const content = randomBytes(6 * mebibyte);
  await push(host, content);
  expect([...blobs.values()].map(digestOf)).toEqual([digestOf(content)]);
});

function doThenFail(request: Seen, store: Store): (response: ServerResponse) => unknown {
  answerTo(request, store, {});
  return status(504);
}

test('a piece of which the registry has a part goes on after it', async () => {
  let isCut = false;
  const { host, blobs } = await serveUploads((request, { uploads }) => {
    if (request.method !== 'PATCH' || isCut) return undefined;
    isCut = true;
    uploads.set('u1', request.body.subarray(0, 1_234_567));
    return 'cut';
  });
  const content = randomBytes(6 * mebibyte);
  await push(host, content);
  expect([...blobs.values()].map(digestOf)).toEqual([digestOf(content)]);
});

test('an acknowledged part is believed, a Range that does not advance (Amazon ECR) is not', async () => {
  let count = 0;
  const partly = await serveUploads((request, { uploads }) => {
    count += 1;
    if (request.method !== 'PATCH' || count !== 2) return undefined;
    uploads.set('u1', request.body.subarray(0, 1000));
    return status(202, { range: '0-999' });
  });
  const content = randomBytes(6 * mebibyte);
  await push(partly.host, content);
  expect([...partly.blobs.values()].map(digestOf)).toEqual([digestOf(content)]);
  const stuck = await serveUploads((request, store) => {
    if (request.method !== 'PATCH') return undefined;
    const { headers = {} } = answerTo(request, store, {});
    return status(201, { location: headers.location ?? '', range: `0-${5 * mebibyte - 1}` });
  });
  const larger = randomBytes(11 * mebibyte);
  await push(stuck.host, larger);
  expect([...stuck.blobs.values()].map(digestOf)).toEqual([digestOf(larger)]);
});

test.each<[string, Fault]>([
  ['a piece', (request, { uploads }) => (request.method === 'PATCH' ? void uploads.clear() : undefined)],
  ['the commit', (request, { uploads }) => (request.method === 'PUT' ? void uploads.clear() : undefined)],
  [
    'the commit, as BLOB_UPLOAD_INVALID',
    (request) => (request.method === 'PUT' ? status(400, {}, '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}') : undefined),
  ],
  ['where it stands', (request) => (request.method === 'PATCH' ? 'cut' : request.method === 'GET' ? status(404) : undefined)],
])('an upload that the registry drops before %s is told as such', async (_name, fault) => {
  const { host, blobs } = await serveUploads(fault);
  await expect(push(host, randomBytes(6 * mebibyte))).rejects.toMatchObject({ code: 'upload-dropped', origin: 'registry' });
  expect(blobs.size).toBe(0);
});

test('a failure shows at the next write or at hold, and abort never rejects', async () => {
  const { host } = await serveUploads((request) => (request.method === 'PATCH' || request.method === 'DELETE' ? status(403) : undefined));
  const upload = await open(host).beginUpload();
  await upload.write(randomBytes(5 * mebibyte));
  await expect(upload.hold()).rejects.toMatchObject({ code: 'forbidden' });
  await upload.abort();
  await upload.abort();
});

test('a registry that always fails ends in its own words after four tries', async () => {
  const { host, seen } = await serveUploads((request) => (request.method === 'PATCH' ? status(503) : undefined));
  await expect(push(host, randomBytes(1000))).rejects.toMatchObject({ code: 'server-error', status: 503 });
  expect(seen.filter(isMethod('PATCH'))).toHaveLength(4);
});

test('bytes that change on their way are told apart', async () => {
  const { host } = await serveUploads();
  const upload = await open(host).beginUpload();
  await upload.write(Buffer.from('a'));
  await upload.hold();
  await expect(upload.commit(digestOf(Buffer.from('b')))).rejects.toMatchObject({ code: 'digest-mismatch' });
});

test('requests are as large as the registry wants them', async () => {
  const { host, seen } = await serveUploads(undefined, { 'oci-chunk-min-length': String(6 * mebibyte) });
  await push(host, randomBytes(13 * mebibyte));
  expect(seen.filter(isMethod('PATCH')).map(({ body }) => body.length)).toEqual([6 * mebibyte, 6 * mebibyte, mebibyte]);
  const greedy = await serveUploads(undefined, { 'oci-chunk-min-length': '999999999999' });
  await expect(push(greedy.host, randomBytes(1))).rejects.toMatchObject({ code: 'answer-invalid' });
});

test('a Location elsewhere gets the bytes and never the credential', async () => {
  const elsewhere = await serveUploads();
  elsewhere.uploads.set('u1', Buffer.alloc(0));
  const registry = await serve((request, response) => {
    if (request.headers.authorization === undefined) return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return response.writeHead(202, { location: new URL('/v2/x/blobs/uploads/u1', elsewhere.url).href }).end();
  });
  const { SecretValue } = await import('../../src/lib/secret-value.ts');
  const credential = { kind: 'password', username: 'me', password: new SecretValue('canary') } as const;
  const upload = await open(registry.host, { credential }).beginUpload();
  await upload.write(Buffer.from('abc'));
  await upload.hold();
  await upload.commit(digestOf(Buffer.from('abc')));
  expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
});

test.each(['ftp://x/y', 'http://u:p@127.0.0.1/x', '', 'http://', `/${'a'.repeat(9000)}`])('a Location %s is refused', async (location) => {
  const { host } = await serve((_request, response) => response.writeHead(202, location === '' ? {} : { location }).end());
  await expect(open(host).beginUpload()).rejects.toMatchObject({ code: expect.stringMatching(/redirect-refused|answer-invalid/) });
});

test('putBlob takes two requests, none where the blob is there, and counts both', async () => {
  const { host, blobs, seen } = await serveUploads();
  const bytes = Buffer.from('{}');
  const repository = open(host, clock());
  await repository.putBlob(digestOf(bytes), bytes);
  expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT']);
  await repository.putBlob(digestOf(bytes), bytes);
  expect(blobs.size).toBe(1);
  expect(seen).toHaveLength(4);
  expect(repository.sentBytes).toBe(2);
  expect(openSession(host).sentBytes).toBe(0);
});

test('putBlob begins anew where a registry has kept a part of what broke off', async () => {
  const content = randomBytes(1000);
  const peer = await serveUploads(
    onFirst(
      ({ method }) => method === 'PUT',
      (response) => {
        // As CNCF Distribution does: half of the body is in the upload, which takes no more at its place.
        const [id = ''] = [...peer.uploads.keys()];
        peer.uploads.set(id, content.subarray(0, 500));
        response.destroy();
      },
    ),
  );
  await open(peer.host).putBlob(digestOf(content), content);
  expect(peer.blobs.get(digestOf(content))).toEqual(content);
  expect(peer.uploads.size).toBe(0);
});

test.each(['PATCH', 'PUT'])('%s waits as long as the registry asks for, and not longer than a minute', async (kind) => {
  for (const [seconds, waits] of [
    [20, [20_000]],
    [61, []],
  ] as const) {
    const answer = (response: ServerResponse) => response.writeHead(429, { 'retry-after': String(seconds) }).end();
    const { host } = await serveUploads(onFirst(({ method }) => method === kind, answer));
    const time = clock();
    const sent = push(host, Buffer.from('abc'), 3, time);
    if (waits.length > 0) await sent;
    else await expect(sent).rejects.toMatchObject({ code: 'throttled' });
    expect(time.waits).toEqual(waits);
  }
});

test('checkPush begins and gives up, and leaves nothing', async () => {
  const { host, uploads, seen } = await serveUploads();
  await open(host).checkPush();
  expect(seen.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
  expect(uploads.size).toBe(0);
});
