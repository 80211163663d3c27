import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { itIsASource } from '../contract/source.ts';
import { file, tar } from '../layer/tar-writer.ts';
import {
  attestedLayout,
  type Blob,
  config,
  configOf,
  describe as descriptorOf,
  digestOf,
  gzipLayer,
  LayoutFixture,
  layerOrder,
  layers,
  legacyMembers,
  ociConfigType,
  ociIndexType,
  ociManifestType,
  tarLayerType,
} from './image-fixture.ts';
import { openAt, openIn, readWhole, refusalOf, temporaryFolder } from './reading.ts';

const openArchive = (layout: LayoutFixture, text = 'oci-archive:app.tar') => openIn({ 'app.tar': layout.archive() }, text);
const openFolder = (layout: LayoutFixture, text = 'oci:.') => openIn(layout.files, text);
const amd64 = { os: 'linux', architecture: 'amd64' };

describe('an OCI archive', () => itIsASource(() => openArchive(attestedLayout().layout), { seekable: true }));
describe('an OCI layout in a folder', () => itIsASource(() => openFolder(attestedLayout().layout), { seekable: true }));
describe('an OCI layout with layers that are not compressed', () => {
  const layout = new LayoutFixture();
  const image = layout.image({ layers: layerOrder.map((index) => ({ mediaType: tarLayerType, bytes: layers[index] })) });
  layout.root(descriptorOf(image));
  itIsASource(() => openFolder(layout), { seekable: true });
});

describe('an index', () => {
  it('keeps its bytes, and with them its digest, and those of everything in it', async () => {
    const { layout, index, image, attestation } = attestedLayout();
    const read = await readWhole(await openArchive(layout));
    expect(read).toMatchObject({
      kind: 'index',
      descriptor: { digest: digestOf(index.bytes), mediaType: ociIndexType },
      children: [
        { kind: 'kept', descriptor: { digest: digestOf(image.bytes), platform: amd64 }, configMediaType: ociConfigType },
        { kind: 'attachment', descriptor: { digest: digestOf(attestation.bytes) }, blobs: [{ kind: 'blob' }] },
      ],
    });
  });

  it('is read in other indexes, and a layer of two images once', async () => {
    const layout = new LayoutFixture();
    const arm = layout.image({ config: configOf({ architecture: 'arm64' }) });
    const inner = layout.index([descriptorOf(layout.image(), { platform: amd64 }), descriptorOf(arm)]);
    layout.root(descriptorOf(layout.index([descriptorOf(inner)])));
    const keys: string[] = [];
    const source = await openArchive(layout);
    const image = await source.read(async ({ key }) => void keys.push(key), { parallel: 2 });
    expect(image).toMatchObject({
      children: [{ kind: 'index', children: [{ kind: 'kept' }, { config: { platform: { architecture: 'arm64' } } }] }],
    });
    expect(keys).toHaveLength(2);
  });

  it('names the platforms that the archive lacks', async () => {
    const { layout, image, attestation } = attestedLayout();
    const absent = (fill: string): Blob => ({ mediaType: ociManifestType, bytes: Buffer.from(fill) });
    const index = layout.index([
      descriptorOf(image, { platform: amd64 }),
      descriptorOf(attestation, { platform: { os: 'unknown', architecture: 'unknown' } }),
      descriptorOf(absent('a'), { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }),
      descriptorOf(absent('b'), { platform: { os: 'linux', architecture: 's390x' } }),
      descriptorOf(absent('c'), { platform: { os: 'unknown', architecture: 'unknown' } }),
    ]);
    const { error, visits } = await refusalOf(() => openArchive(layout.root(descriptorOf(index))));
    expect(error.code).toBe('source-incomplete');
    expect(error.message).toContain('it lacks the platforms linux/arm/v7, linux/s390x and 1 attestation');
    expect(visits).toBe(0);
  });

  it('cannot pass a layer by the inspectors as an attestation', async () => {
    const layout = new LayoutFixture();
    const hidden = layout.image({ layers: layerOrder.map((index) => gzipLayer(layers[index])) });
    layout.root(descriptorOf(layout.index([descriptorOf(hidden, { platform: { os: 'unknown', architecture: 'unknown' } })])));
    const kinds: string[] = [];
    const image = await (await openArchive(layout)).read(async ({ kind }) => void kinds.push(kind), { parallel: 1 });
    expect(image).toMatchObject({ children: [{ kind: 'kept' }] });
    expect(kinds).toEqual(['layer', 'layer']);
  });
});

describe('the name after the colon', () => {
  const layout = new LayoutFixture();
  const one = layout.image();
  const two = layout.image({ config: configOf({ architecture: 'arm64' }) });
  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
  layout.root(
    descriptorOf(one, named('1.0')),
    descriptorOf(two, named('2.0')),
    descriptorOf(two, { annotations: { 'io.containerd.image.name': 'docker.io/library/app:3', 'org.opencontainers.image.ref.name': '3' } }),
  );

  it('is asked for where there are several images, which are listed', async () => {
    const { error } = await refusalOf(() => openArchive(layout));
    expect(error).toMatchObject({ code: 'source-ambiguous', origin: 'input' });
    expect(error.hint).toContain('"1.0", "2.0", "3"');
  });

  it.each([
    ['2.0', two],
    ['3', two],
    ['docker.io/library/app:3', two],
    [digestOf(one.bytes), one],
  ])('%s chooses one', async (tag, image) => {
    expect(await readWhole(await openArchive(layout, `oci-archive:app.tar:${tag}`))).toMatchObject({
      descriptor: { digest: digestOf(image.bytes) },
    });
    expect(await readWhole(await openFolder(layout, `oci:.:${tag}`))).toMatchObject({ descriptor: { digest: digestOf(image.bytes) } });
  });

  it('is bad input where no image has it', async () => {
    expect((await refusalOf(() => openArchive(layout, 'oci-archive:app.tar:4'))).error).toMatchObject({
      code: 'source-not-found',
      origin: 'input',
    });
    expect((await refusalOf(() => openArchive(layout, 'oci-archive:app.tar:'))).error).toMatchObject({ code: 'source-form' });
  });

  it('is not asked for where all names are those of one image', async () => {
    const twice = new LayoutFixture();
    const image = twice.image();
    twice.root(descriptorOf(image, named('a')), descriptorOf(image, named('b')));
    expect(await readWhole(await openArchive(twice))).toMatchObject({ descriptor: { digest: digestOf(image.bytes) } });
  });
});

it('follows the links of a folder', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'layout/blobs'), { recursive: true });
  mkdirSync(join(folder, 'store'));
  for (const [name, bytes] of attestedLayout().layout.files) {
    writeFileSync(join(folder, name.startsWith('blobs') ? `store/${name.slice('blobs/sha256/'.length)}` : `layout/${name}`), bytes);
  }
  symlinkSync('../../store', join(folder, 'layout/blobs/sha256'));
  renameSync(join(folder, 'layout/index.json'), join(folder, 'index'));
  symlinkSync('../index', join(folder, 'layout/index.json'));
  expect(await readWhole(await openAt(folder, 'oci:layout'))).toMatchObject({ kind: 'index' });
});

describe('a layout that is not sound', () => {
  function imageWith(change: (fields: { config: object; layers: object[] }) => object): LayoutFixture {
    const layout = new LayoutFixture();
    const fields = JSON.parse(layout.image().bytes.toString());
    return layout.root(descriptorOf(layout.json(ociManifestType, change(fields))));
  }
  function raw(text: string, mediaType = ociManifestType): LayoutFixture {
    const layout = new LayoutFixture();
    return layout.root(descriptorOf(layout.put({ mediaType, bytes: Buffer.from(text) })));
  }
  function deep(levels: number): LayoutFixture {
    const layout = new LayoutFixture();
    let blob = layout.image();
    for (let level = 0; level < levels; level++) blob = layout.index([descriptorOf(blob)]);
    return layout.root(descriptorOf(blob));
  }
  function without(path: (names: string[]) => string | undefined): LayoutFixture {
    const { layout } = attestedLayout();
    layout.files.delete(path([...layout.files.keys()]) ?? '');
    return layout;
  }
  function changed(digest: (layout: ReturnType<typeof attestedLayout>) => Buffer): LayoutFixture {
    const made = attestedLayout();
    const path = `blobs/sha256/${digestOf(digest(made)).slice(7)}`;
    made.layout.files.set(path, Buffer.concat([made.layout.files.get(path) ?? Buffer.alloc(0), Buffer.from(' ')]));
    return made.layout;
  }
  const [gzipped] = [gzipLayer(layers[0])];
  const cases: readonly (readonly [string, LayoutFixture, RegExp])[] = [
    ['lacks index.json', without(() => 'index.json'), /neither an index.json nor a manifest.json/],
    ['lists no image', attestedLayout().layout.root(), /lists no image/],
    ['lacks a layer', without(() => `blobs/sha256/${digestOf(gzipped.bytes).slice(7)}`), /blob sha256:[0-9a-f]{64} is missing/],
    [
      'lacks the manifest',
      without(() => `blobs/sha256/${digestOf(attestedLayout().index.bytes).slice(7)}`),
      /lacks the image's own manifest/,
    ],
    ['has a manifest of another digest', changed(({ image }) => image.bytes), /has in truth/],
    ['has a configuration of another digest', changed(() => config), /has \d+ of its \d+ bytes|has in truth/],
    ['has a layer of another size', changed(() => gzipped.bytes), /has \d+ of its \d+ bytes/],
    ['has both layers and manifests', imageWith((fields) => ({ ...fields, manifests: [] })), /not either an index/],
    ['says that it is something else', imageWith((fields) => ({ ...fields, mediaType: ociIndexType })), /it says that it is/],
    ['is of schema 1', raw('{"schemaVersion":1,"fsLayers":[]}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'), /schema 1/],
    ['is of schema 1, named as another', raw('{"schemaVersion":1,"fsLayers":[]}'), /schema 1/],
    ['has no schema', imageWith(({ config: c, layers: l }) => ({ config: c, layers: l })), /schemaVersion is not 2/],
    ['is an index named as an image', raw('{"schemaVersion":2,"manifests":[]}'), /named as .* which it is not/],
    ['has a key twice', raw('{"schemaVersion":2,"config":{},"config":{},"layers":[]}'), /twice/],
    ['has a key in another case', raw('{"schemaVersion":2,"Layers":[],"layers":[],"config":{}}'), /case/],
    [
      'has a digest that leads elsewhere',
      imageWith((fields) => ({ ...fields, layers: [{ mediaType: tarLayerType, digest: 'sha256:../../x', size: 1 }] })),
      /no sha256 digest/,
    ],
    [
      'has a digest of another algorithm',
      imageWith((fields) => ({ ...fields, layers: [{ mediaType: tarLayerType, digest: `sha512:${'a'.repeat(128)}`, size: 1 }] })),
      /no sha256 digest/,
    ],
    [
      'has a size that is no number',
      imageWith((fields) => ({ ...fields, layers: [{ ...fields.layers[0], size: '1' }] })),
      /no media type and size/,
    ],
    [
      'has fewer layers than its configuration',
      imageWith((fields) => ({ ...fields, layers: fields.layers.slice(1) })),
      /has 2 layers, but its configuration 3/,
    ],
    [
      'is an artifact',
      imageWith((fields) => ({ ...fields, config: { ...fields.config, mediaType: 'application/vnd.example' } })),
      /is an artifact/,
    ],
    [
      'has a layer that is none',
      imageWith((fields) => ({ ...fields, layers: fields.layers.map((layer) => ({ ...layer, mediaType: 'application/wasm' })) })),
      /no file system layer/,
    ],
    ['nests indexes without end', deep(20), /8 deep/],
    [
      'is of another layout version',
      (() => {
        const { layout } = attestedLayout();
        layout.files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"2.0.0"}'));
        return layout;
      })(),
      /other than 1/,
    ],
    [
      'has a configuration without layers',
      (() => {
        const layout = new LayoutFixture();
        return layout.root(descriptorOf(layout.image({ config: Buffer.from('{"os":"linux","rootfs":{"type":"layers+base"}}') })));
      })(),
      /rootfs.type/,
    ],
    [
      'has a configuration with an env in another case',
      (() => {
        const layout = new LayoutFixture();
        return layout.root(descriptorOf(layout.image({ config: Buffer.from(config.toString().replace('"Env"', '"ENV"')) })));
      })(),
      /case is not the one/,
    ],
  ];

  it.each(cases)('that %s is refused before any layer is visited', async (_what, layout, message) => {
    for (const open of [openArchive, openFolder]) {
      const { error, visits } = await refusalOf(() => open(layout));
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/^cannot read [^\n]+$/);
      expect(error.hint).not.toBe('');
      expect(visits).toBe(0);
    }
  });

  it('that is an archive of docker save says so, and the other way round', async () => {
    const save = tar(...legacyMembers());
    expect((await refusalOf(() => openIn({ 'a.tar': save }, 'oci-archive:a.tar'))).error.hint).toContain('docker-archive:FILE');
    expect((await refusalOf(() => openArchive(attestedLayout().layout, 'docker-archive:app.tar'))).error.hint).toContain(
      'oci-archive:FILE',
    );
  });

  it('that is a file is not a folder', async () => {
    const { error } = await refusalOf(() => openIn({ 'a.tar': tar(file('x')) }, 'oci:a.tar'));
    expect(error).toMatchObject({ code: 'source-form', origin: 'input' });
    expect(error.hint).toContain('oci-archive:FILE');
  });
});
