import { describe, expect, it } from 'vitest';
import type { HttpStream } from '../../src/lib/http.ts';
import { HttpError } from '../../src/lib/http-error.ts';
import type { ImageSource } from '../../src/model/source.ts';
import { itIsASource } from '../contract/source.ts';
import { file, tar } from '../layer/tar-writer.ts';
import { type FakeDaemonOptions, startFakeDaemon } from './fake-daemon.ts';
import { attestedLayout, config, configHex, digestOf, layers, legacyMembers, sha256 } from './image-fixture.ts';
import { localImage } from './local-image.ts';
import { openSource } from './open-source.ts';
import { openAt, readWhole, refusalOf } from './reading.ts';

const id = `sha256:${configHex}`;
const inspected = { Id: id, Size: 3_000_000, RootFS: { Type: 'layers', Layers: ['a', 'b', 'c'] } };
const classic: FakeDaemonOptions = { images: { 'app:ci': inspected }, archives: { [id]: tar(...legacyMembers({ tags: [] })) } };

async function openFrom(options: FakeDaemonOptions, text = 'app:ci'): Promise<ImageSource> {
  return await openAt('/', text, (await startFakeDaemon(options)).dockerHost);
}

describe('a Docker daemon', () => itIsASource(() => openFrom(classic), { seekable: false }));

describe('a Docker daemon of version 25 and later', () => {
  const path = (bytes: Buffer) => `blobs/sha256/${sha256(bytes)}`;
  const manifest = [{ Config: path(config), RepoTags: null, Layers: [path(layers[0]), path(layers[1]), path(layers[1])] }];
  const blobs = [layers[0], config, layers[1]].map((bytes) => file(path(bytes), bytes));
  const archive = tar(...blobs, file('index.json', '{"schemaVersion":2,"manifests":[]}'), file('manifest.json', JSON.stringify(manifest)));
  itIsASource(() => openFrom({ ...classic, archives: { [id]: archive } }, 'docker-daemon:app:ci'), { seekable: false });
});

describe("a Docker daemon with containerd's store", () => {
  const { layout, index } = attestedLayout();
  const rootId = digestOf(index.bytes);
  const images = { 'app:ci': { ...inspected, Id: rootId, Descriptor: { digest: rootId } } };
  const open = (archive = layout.archive()) => openFrom({ images, archives: { [rootId]: archive } });
  itIsASource(() => open(), { seekable: false });

  it("keeps the image's own manifests, and visits its attestations as they are", async () => {
    const kinds: string[] = [];
    const image = await (await open()).read(async ({ kind }) => void kinds.push(kind), { parallel: 1 });
    expect(image).toMatchObject({ kind: 'index', descriptor: { digest: rootId }, children: [{ kind: 'kept' }, { kind: 'attachment' }] });
    expect(kinds.sort()).toEqual(['blob', 'layer', 'layer']);
  });

  it('is refused where the index names what it did not send', async () => {
    const other = attestedLayout().layout;
    other.files.delete('index.json');
    other.root();
    expect((await refusalOf(() => open(other.archive()))).error.code).toBe('source-changed');
  });
});

describe('reading from a daemon', () => {
  it('asks for the image by the id that its name had, and for nothing but images', async () => {
    const { dockerHost, calls } = await startFakeDaemon(classic);
    const source = await openAt('/', 'app:ci', dockerHost);
    const image = await readWhole(source);
    const [layer] = image.kind === 'made' ? image.layers : [];
    if (layer === undefined) throw new Error('no layer');
    await source.reread(layer, async () => undefined);
    expect(calls).toEqual(['GET /images/app:ci/json', `GET /images/${id}/get`, `GET /images/${id}/get`]);
  });

  it('passes by files that the image does not name, also such as look like layers', async () => {
    const archive = tar(file('stray.tar', tar(file('x'))), file('notes.txt', 'hello'), ...legacyMembers());
    const keys: string[] = [];
    const image = await (await openFrom({ ...classic, archives: { [id]: archive } })).read(async ({ key }) => void keys.push(key), {
      parallel: 1,
    });
    expect(keys).toEqual(['stray.tar', 'aa/layer.tar', 'bb/layer.tar']);
    expect(image).toMatchObject({ layers: [{ key: 'aa/layer.tar' }, { key: 'bb/layer.tar' }, { key: 'bb/layer.tar' }] });
  });

  it('takes a layer for one whose first file is called {', async () => {
    const odd = tar(file('{"a":1}', 'x'));
    const oddConfig = Buffer.from(config.toString().replace(sha256(layers[0]), sha256(odd)));
    const manifest = [{ Config: 'c.json', Layers: ['odd.tar', 'bb/layer.tar', 'cc/layer.tar'] }];
    const archive = tar(...legacyMembers({ manifest }), file('c.json', oddConfig), file('odd.tar', odd));
    const oddId = digestOf(oddConfig);
    const source = await openFrom({ images: { 'app:ci': { ...inspected, Id: oddId } }, archives: { [oddId]: archive } });
    expect(await readWhole(source)).toMatchObject({ layers: [{ key: 'odd.tar' }, {}, {}] });
  });

  it('ends with one error where the daemon gives another image', async () => {
    const wrong = `sha256:${'0'.repeat(64)}`;
    const source = () => openFrom({ images: { 'app:ci': { ...inspected, Id: wrong } }, archives: { [wrong]: tar(...legacyMembers()) } });
    const { error } = await refusalOf(source);
    expect(error).toMatchObject({ code: 'source-changed', origin: 'source' });
    expect(error.message).toContain(id);
  });

  it.each([700, 500_000, 2_999_000])('ends with one error where the daemon hangs up after %i bytes', async (cutAfter) => {
    const { error } = await refusalOf(() => openFrom({ ...classic, cutAfter }));
    expect(error).toMatchObject({ code: 'source-daemon', origin: 'source' });
    expect(error.message).toContain('stopped sending');
  });

  it('ends with one error where a layer is in no known format', async () => {
    const members = legacyMembers().map((member) => (member.name === 'aa/layer.tar' ? file('aa/layer.tar', 'not a tar') : member));
    const { error } = await refusalOf(() => openFrom({ ...classic, archives: { [id]: tar(...members) } }));
    expect(error.message).toMatch(/"aa\/layer.tar" is neither a tar nor compressed/);
  });

  it('ends with one error where the id is none', async () => {
    const { error } = await refusalOf(() => openFrom({ ...classic, images: { 'app:ci': { Id: 'sha256:../../containers/json' } } }));
    expect(error.message).toMatch(/Id is no sha256 digest/);
  });
});

describe('an image that the daemon does not have', () => {
  it('is bad input, with the names that come near', async () => {
    const images = { 'shop:ci': inspected, 'registry.example/shop:1': inspected, 'debian:bookworm': inspected };
    for (const [wanted, hint] of [
      ['shpo:ci', /shop:ci/],
      ['shop:2', /"shop:ci", "registry.example\/shop:1"/],
      ['zzz', /docker images/],
    ] as const) {
      const { error } = await refusalOf(() => openFrom({ images, archives: {} }, wanted));
      expect(error).toMatchObject({ code: 'source-not-found', origin: 'input' });
      expect(error.message).toContain(`"${wanted}"`);
      expect(error.hint).toMatch(hint);
    }
  });
});

describe('a daemon that cannot be asked', () => {
  it('is named by its socket', async () => {
    const { error } = await refusalOf(() => openAt('/', 'app:ci', 'unix:///nonexistent/docker.sock'));
    expect(error).toMatchObject({ code: 'source-daemon', origin: 'source' });
    expect(error.message).toContain('/nonexistent/docker.sock: there is no such socket');
    expect(error.hint).toContain('DOCKER_HOST');
  });

  it('that refuses this user says which group is missing', async () => {
    // Root may connect to every socket, so the client's own error stands in for the system's.
    const stream: HttpStream = async (request) => {
      throw new HttpError('refused', request, 'no connection (EACCES)', 'EACCES');
    };
    const open = () => openSource(localImage('app:ci'), { workspace: '/', docker: {}, stream, platforms: [] });
    const { error } = await refusalOf(open);
    expect(error.message).toContain('may not connect to the Docker daemon at /var/run/docker.sock');
    expect(error.hint).toContain('group docker');
  });

  it.each([
    ['tcp://10.0.0.1:2375', /another machine.*without TLS/],
    ['tcp://docker.example:2376', /another machine/],
    ['tcp://127.0.0.1.evil.example:2375', /another machine/],
    ['npipe:////./pipe/docker_engine', /npipe:\/\/ .*is not supported/],
    ['ssh://host', /ssh:\/\/ is not supported/],
    ['127.0.0.1:2375', /none of the accepted forms/],
    ['unix://relative.sock', /none of the accepted forms/],
    ['tcp://user:password@127.0.0.1:1', /no host and port/],
  ])('is not asked at %s', async (dockerHost, message) => {
    const { error } = await refusalOf(() => openAt('/', 'app:ci', dockerHost));
    expect(error).toMatchObject({ code: 'source-form', origin: 'input' });
    expect(error.message).toMatch(message);
  });

  it('is asked over TCP on this machine', async () => {
    const { error } = await refusalOf(() => openAt('/', 'app:ci', 'tcp://127.0.0.1:1'));
    expect(error.code).toBe('source-daemon');
    expect(error.message).toContain('no Docker daemon answers at tcp://127.0.0.1:1');
  });
});
