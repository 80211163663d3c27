import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { Digest } from '../../src/model/digest.ts';
import { mediaTypes } from '../../src/model/image.ts';
import { type Behaviour, open, serve } from './loopback.ts';

const subject = { mediaType: mediaTypes.ociManifest, digest: `sha256:${'a'.repeat(64)}` as const, size: 3 };

function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function entry(name: string, artifactType = 'application/x') {
  return { mediaType: mediaTypes.ociManifest, digest: digestOf(name), size: 1, artifactType };
}

function indexOf(entries: readonly object[], more: object = {}): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries, ...more });
}

function artifact(text: string) {
  return { subject, artifactType: 'application/x', layers: [{ mediaType: 'text/plain', bytes: Buffer.from(text) }] };
}

const indexType = { 'content-type': mediaTypes.ociIndex };

test('lists page after page, and filters itself', async () => {
  const { host, seen } = await serve((request, response) => {
    const page = Number(new URL(request.path, 'http://x').searchParams.get('page') ?? '0');
    const link = page < 2 ? { link: `</v2/team/app/referrers/${subject.digest}?page=${page + 1}>; rel="next"` } : {};
    response.writeHead(200, { ...indexType, ...link }).end(indexOf([entry(`a${page}`), entry(`b${page}`, 'application/y')]));
  });
  const listed = await open(host).listReferrers(subject.digest, 'application/x');
  expect(listed).toEqual([entry('a0'), entry('a1'), entry('a2')]);
  expect(seen[0]?.path).toBe(`/v2/team/app/referrers/${subject.digest}?artifactType=application%2Fx`);
});

test.each<[string, Behaviour]>([
  ['a failing list', (_request, response) => response.writeHead(500).end()],
  ['too many requests', (_request, response) => response.writeHead(429).end()],
  ['a refusal', (_request, response) => response.writeHead(403).end()],
  ['a broken connection', (_request, response) => response.destroy()],
  ['a page that is not an index', (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  ['an image instead of an index', (_request, response) => response.writeHead(200).end('{"schemaVersion":2,"config":{},"layers":[]}')],
  [
    'a list that goes on for ever',
    ({ path }, response) => response.writeHead(200, { ...indexType, link: `<${path}>; rel="next"` }).end(indexOf([])),
  ],
  [
    'a list that goes round',
    ({ path }, response) => {
      const link = `</v2/team/app/referrers/x?page=${path.endsWith('page=1') ? 2 : 1}>; rel="next"`;
      response.writeHead(200, { ...indexType, link }).end(indexOf([]));
    },
  ],
  ...['/v2/x; rel="next"', '</v2/x> rel="next"', `</v2/${'x'.repeat(5000)}; rel="next"`].map((link): [string, Behaviour] => [
    `a Link header of another form (${link.slice(0, 20)})`,
    (_request, response) => response.writeHead(200, { ...indexType, link }).end(indexOf([])),
  ]),
  ['a status that says nothing of the API', (_request, response) => response.writeHead(400).end()],
  [
    'a next page at another host',
    (_request, response) => response.writeHead(200, { ...indexType, link: '<http://127.0.0.2:1/x>; rel=next' }).end(indexOf([])),
  ],
  [
    'a second page that fails',
    ({ path }, response) =>
      path.includes('page')
        ? response.writeHead(404).end()
        : response.writeHead(200, { ...indexType, link: '</v2/x?page=1>; rel="next"' }).end(indexOf([])),
  ],
  ['a failing fallback', ({ path }, response) => response.writeHead(path.includes('/referrers/') ? 404 : 503).end()],
  [
    'a fallback tag that is no index',
    ({ path }, response) => (path.includes('/referrers/') ? response.writeHead(404).end() : response.end('{}')),
  ],
])('%s is an error and never an empty list', async (_name, behave) => {
  const { host } = await serve(behave);
  await expect(open(host).listReferrers(subject.digest)).rejects.toMatchObject({ origin: 'registry', hint: expect.stringMatching(/./) });
});

test.each([
  ['<NEXT>; rel="next"', true],
  ['<NEXT>;rel=next', true],
  ['<NEXT>; title="a, b; rel=prev"; REL = "last NEXT"', true],
  ['</v2/x>; rel="prev", <NEXT>; rel="next",', true],
  ['<NEXT>; rel="nextpage"', false],
  ['<NEXT>; title="; rel=next"', false],
  ['<NEXT>; rel="prev"; rel="next"', false],
  [`<NEXT${'x'.repeat(5000)}>; rel="next"`, true],
])('the Link header %s goes on: %s', async (link, isNext) => {
  const { host } = await serve(({ path }, response) => {
    const header = link.replace('NEXT', '/v2/team/app/referrers/next?last=');
    if (path.includes('/next')) return response.writeHead(200, indexType).end(indexOf([entry('b')]));
    return response.writeHead(200, { ...indexType, link: header }).end(indexOf([entry('a')]));
  });
  expect(await open(host).listReferrers(subject.digest)).toEqual(isNext ? [entry('a'), entry('b')] : [entry('a')]);
});

test('a registry that does not accept the request has no referrers API (Artifactory), and the tag is read', async () => {
  const { host } = await serve(({ path }, response) =>
    path.includes('/referrers/') ? response.writeHead(406).end() : response.writeHead(200, indexType).end(indexOf([entry('a')])),
  );
  expect(await open(host).listReferrers(subject.digest)).toEqual([entry('a')]);
});

test.each([
  ['an index', indexOf([entry('platform')])],
  ['an image', JSON.stringify({ schemaVersion: 2, config: entry('config'), layers: [] })],
])(
  'where the referrers tag is taken for the digest (GitLab), %s does not refer to itself, and nothing can be attached to it',
  async (_kind, bytes) => {
    const image = { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length };
    const manifests = new Map([[image.digest, bytes]]);
    const { host, seen } = await serve(({ method, path, body }, response) => {
      if (path.includes('/blobs/')) return response.writeHead(200).end();
      if (path.includes('/referrers/')) return response.writeHead(404).end();
      const digest = path.split('/').at(-1)?.replace('sha256-', 'sha256:') as Digest;
      if (method === 'PUT' && digest !== image.digest) manifests.set(digest, body.toString());
      const found = manifests.get(digest);
      if (found === undefined) return response.writeHead(404).end();
      if (method === 'PUT') return response.writeHead(201).end();
      return response.writeHead(200, { 'docker-content-digest': digestOf(found) }).end(found);
    });
    expect(await open(host).listReferrers(image.digest)).toEqual([]);
    await expect(open(host).attachReferrer({ ...artifact('a'), subject: image })).rejects.toMatchObject({
      code: 'referrers-unavailable',
      message: expect.stringContaining('for the image itself'),
    });
    expect(seen.length).toBeLessThan(30);
  },
);

interface TagStore {
  index: string | undefined;
  readonly manifests: Map<string, Buffer>;
}

interface TagOptions {
  readonly etag: boolean;
  /** At most so long each answer about the tag takes. */
  readonly delayMs: number;
  /** Told how often the tag was read, this time included. */
  readonly beforeRead?: (store: TagStore, count: number) => void;
}

/** A registry without referrers API; `beforePut` may interfere with writes of the fallback tag. */
async function serveTags(
  beforePut: (store: TagStore, count: number) => 'refuse' | undefined = () => undefined,
  options: TagOptions = { etag: false, delayMs: 0 },
) {
  const store: TagStore = { index: undefined, manifests: new Map() };
  const etag = () => ({ etag: `"${digestOf(store.index ?? '')}"` });
  let [puts, reads] = [0, 0];
  const server = await serve(async ({ method, path, headers, body }, response) => {
    const name = path.split('/').at(-1) ?? '';
    if (path.includes('/blobs/')) return method === 'HEAD' ? response.writeHead(200).end() : response.writeHead(500).end();
    if (path.includes('/referrers/')) return response.writeHead(404).end();
    const isTag = name.startsWith('sha256-');
    if (options.delayMs > 0 && isTag) await new Promise((resolve) => setTimeout(resolve, Math.random() * options.delayMs));
    if (method === 'GET' || method === 'HEAD') {
      if (isTag) options.beforeRead?.(store, ++reads);
      const found = isTag ? store.index : store.manifests.get(name);
      if (found === undefined) return response.writeHead(404).end();
      return response
        .writeHead(200, isTag ? { ...indexType, ...(options.etag ? etag() : {}) } : { 'content-type': mediaTypes.ociManifest })
        .end(found);
    }
    if (!isTag) store.manifests.set(name, body);
    else {
      puts += 1;
      const isStale = options.etag && headers['if-match'] !== undefined && headers['if-match'] !== etag().etag;
      if (beforePut(store, puts) === 'refuse' || isStale) return response.writeHead(412).end();
      store.index = body.toString();
    }
    return response.writeHead(201).end();
  });
  return { ...server, store, puts: () => puts };
}

function listed(store: TagStore): string[] {
  return (JSON.parse(store.index ?? '{"manifests":[]}') as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest);
}

test('the fallback index keeps what others put there, as it stands', async () => {
  const { host, store, puts } = await serveTags();
  const foreign = { ...entry('foreign'), data: 'e30=', annotations: { k: 'v' } };
  store.index = indexOf([foreign], { annotations: { org: 'x' } });
  const { digest, size } = await open(host).attachReferrer(artifact('a'));
  const { manifests, annotations } = JSON.parse(store.index ?? '') as { manifests: unknown[]; annotations: unknown };
  expect(annotations).toEqual({ org: 'x' });
  expect(manifests).toEqual([foreign, { mediaType: mediaTypes.ociManifest, digest, size, artifactType: 'application/x' }]);
  const before = puts();
  await open(host).attachReferrer(artifact('a'));
  expect(puts()).toBe(before);
});

test('an entry that another writer writes over is put back', async () => {
  const { host, store } = await serveTags((_store, count) => {
    if (count === 1) setTimeout(() => (store.index = indexOf([entry('rival')])), 5);
    return undefined;
  });
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.max(ms, 20)));
  const { digest } = await open(host, { sleep, now: () => new Date() }).attachReferrer(artifact('a'));
  expect(listed(store).sort()).toEqual([digest, digestOf('rival')].sort());
});

test('an entry is looked after as long as others write: one that read before it was there may come last', async () => {
  const { host, store } = await serveTags(undefined, {
    etag: false,
    delayMs: 0,
    // One that is quick adds its own to what is there; then one that is slow writes what it read before all of that.
    beforeRead: (tag, reads) => {
      const { manifests } = JSON.parse(tag.index ?? '{"manifests":[]}') as { manifests: object[] };
      if (reads === 4) tag.index = indexOf([...manifests, entry('quick')]);
      if (reads === 5) tag.index = indexOf([entry('slow')]);
    },
  });
  const { digest } = await open(host).attachReferrer(artifact('a'));
  expect(listed(store)).toEqual([digestOf('slow'), digest]);
});

test('a conditional write that is refused is repeated, and one that is refused for ever is an error', async () => {
  const once = await serveTags((store, count) => {
    if (count > 1) return undefined;
    store.index = indexOf([entry('rival')]);
    return 'refuse';
  });
  const { digest } = await open(once.host).attachReferrer(artifact('a'));
  expect(listed(once.store)).toEqual([digestOf('rival'), digest]);
  const never = await serveTags(() => 'refuse');
  await expect(open(never.host).attachReferrer(artifact('a'))).rejects.toMatchObject({ code: 'referrers-unavailable' });
});

test.each([true, false])('20 writers at once lose nothing (conditional writes: %s)', async (etag) => {
  const { host, store } = await serveTags(undefined, { etag, delayMs: 10 });
  const real = {
    now: () => new Date(),
    random: Math.random,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  };
  const attached = await Promise.all(
    Array.from({ length: 20 }, (_, index) => open(host, real).attachReferrer(artifact(`writer ${index}`))),
  );
  expect(listed(store).sort()).toEqual(attached.map(({ digest }) => digest).sort());
});

test('a redirect of a blob is followed without the credential, five times at most', async () => {
  const content = Buffer.from('blob');
  const elsewhere = await serve((_request, response) => response.end(content));
  const registry = await serve((request, response) => {
    if (request.headers.authorization === undefined) return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    if (request.path.includes('loop') || request.path.includes(digestOf('loop')))
      return response.writeHead(302, { location: '/v2/loop' }).end();
    return response.writeHead(307, { location: new URL('/data?signature=x', elsewhere.url).href }).end();
  });
  const credential = { kind: 'password', username: 'me', password: new SecretValue('canary') } as const;
  const repository = open(registry.host, { credential });
  const read = async (body: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  expect(await repository.fetchBlob({ digest: digestOf(content), size: 4 }, read)).toBe('blob');
  expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  await expect(repository.fetchBlob({ digest: digestOf('loop'), size: 4 }, read)).rejects.toMatchObject({ code: 'redirect-refused' });
  expect(registry.seen.filter(({ path }) => path === '/v2/loop')).toHaveLength(5);
  for (const wrong of [
    { digest: digestOf('other'), size: 4 },
    { digest: digestOf(content), size: 5 },
  ]) {
    await expect(repository.fetchBlob(wrong, read)).rejects.toMatchObject({ code: 'digest-mismatch' });
  }
  await expect(repository.fetchBlob({ digest: digestOf(content), size: 3 }, read)).rejects.toMatchObject({ code: 'digest-mismatch' });
});
