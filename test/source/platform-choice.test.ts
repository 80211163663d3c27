import { describe, expect, it } from 'vitest';
import type { Platform } from '../../src/model/image.ts';
import { parsePlatform } from '../../src/model/platform.ts';
import { type ImageSource, platformImages } from '../../src/model/source.ts';
import { tar } from '../layer/tar-writer.ts';
import { startFakeDaemon } from './fake-daemon.ts';
import {
  attestedLayout,
  type Blob,
  configHex,
  configOf,
  describe as descriptorOf,
  digestOf,
  LayoutFixture,
  legacyMembers,
  ociManifestType,
} from './image-fixture.ts';
import { openAt, openIn, readWhole, refusalOf } from './reading.ts';
import { openRemote, pushLayout, startRemote } from './remote-layout.ts';

const platforms = (...texts: string[]): Platform[] => texts.flatMap((text) => parsePlatform(text) ?? []);
const absent: Blob = { mediaType: ociManifestType, bytes: Buffer.from('of another platform, not pulled') };
const extra = { annotations: { 'com.example.note': 'ä \u2028' }, 'x-unknown': [1, 'two'] };

/** An index as BuildKit writes one: three platforms, an attestation of each behind them. */
function severalPlatforms() {
  const layout = new LayoutFixture();
  const image = (architecture: string) => layout.image({ config: configOf({ architecture }) });
  const [amd, arm64, armv7] = [image('amd64'), image('arm64'), image('arm')];
  const attest = (about: Blob) => {
    const config = layout.put({ mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{}') });
    const bytes = {
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: descriptorOf(config),
      layers: [],
      annotations: { about: digestOf(about.bytes) },
    };
    return descriptorOf(layout.json(ociManifestType, bytes), {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digestOf(about.bytes) },
    });
  };
  const entries = [
    { ...descriptorOf(amd, { platform: { os: 'linux', architecture: 'amd64' } }), ...extra },
    descriptorOf(arm64, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }),
    descriptorOf(armv7, { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }),
    attest(amd),
    attest(arm64),
    attest(armv7),
  ];
  const index = layout.index(entries);
  layout.root(descriptorOf(index));
  return { layout, index, entries, amd, arm64, armv7 };
}

const openers: readonly (readonly [string, (layout: LayoutFixture, chosen: readonly Platform[]) => Promise<ImageSource>])[] = [
  ['an OCI archive', (layout, chosen) => openIn({ 'app.tar': layout.archive() }, 'oci-archive:app.tar', chosen)],
  ['an OCI layout', (layout, chosen) => openIn(layout.files, 'oci:.', chosen)],
  [
    'a registry',
    async (layout, chosen) => {
      const registry = await startRemote({ limits: { requireContent: false } });
      await pushLayout(registry, layout);
      return await openRemote(`${registry.host}/team/app`, chosen);
    },
  ],
];

describe.each(openers)('of a multi-platform image in %s', (_name, open) => {
  it.each(['linux/arm64', 'linux/aarch64/v8'])('the manifest of one platform is taken as it is: %s', async (platform) => {
    const { layout, index, arm64 } = severalPlatforms();
    const image = await readWhole(await open(layout, platforms(platform)));
    expect(image).toMatchObject({ kind: 'kept', descriptor: { digest: digestOf(arm64.bytes) }, takenFrom: digestOf(index.bytes) });
    expect(image).toMatchObject({ bytes: arm64.bytes });
  });

  it('several are an index of their descriptors, and of the attestations about them', async () => {
    const { layout, index, entries } = severalPlatforms();
    const image = await readWhole(await open(layout, platforms('linux/arm', 'linux/amd64')));
    if (image.kind !== 'index') throw new Error(image.kind);
    const made = JSON.parse(Buffer.from(image.bytes).toString());
    expect(made).toEqual({ ...JSON.parse(index.bytes.toString()), manifests: [entries[0], entries[2], entries[3], entries[5]] });
    expect(image).toMatchObject({
      descriptor: { digest: digestOf(Buffer.from(image.bytes)), size: image.bytes.length },
      takenFrom: digestOf(index.bytes),
      children: [{ kind: 'kept' }, { kind: 'kept' }, { kind: 'attachment' }, { kind: 'attachment' }],
    });
  });

  it('all are the index itself', async () => {
    const { layout, index } = severalPlatforms();
    const image = await readWhole(await open(layout, platforms('linux/arm64', 'linux/arm/v7', 'linux/amd64')));
    expect(image).toMatchObject({ kind: 'index', bytes: index.bytes, descriptor: { digest: digestOf(index.bytes) } });
    expect(image).not.toHaveProperty('takenFrom');
  });

  it('those that are not chosen need not be there', async () => {
    const { layout, entries, amd } = severalPlatforms();
    const lacking = (platform: object) => descriptorOf(absent, { platform });
    const partly = layout.index([
      lacking({ os: 'linux', architecture: 's390x' }),
      ...entries,
      lacking({ os: 'unknown', architecture: 'unknown' }),
    ]);
    layout.root(descriptorOf(partly));
    expect(await readWhole(await open(layout, platforms('linux/amd64')))).toMatchObject({ descriptor: { digest: digestOf(amd.bytes) } });
    expect(platformImages(await readWhole(await open(layout, platforms('linux/amd64', 'linux/arm64'))))).toHaveLength(2);
    const { error } = await refusalOf(() => open(layout, platforms('linux/s390x')));
    expect(error).toMatchObject({ code: 'source-incomplete', message: expect.stringContaining('linux/s390x') });
  });

  it('one that it does not have is bad input, which lists those that it has', async () => {
    const { error, visits } = await refusalOf(() =>
      open(severalPlatforms().layout, platforms('linux/amd64', 'windows/amd64', 'linux/arm/v6')),
    );
    expect(error).toMatchObject({ code: 'source-platform', origin: 'input' });
    expect(error.message).toContain('no image for windows/amd64, linux/arm/v6');
    expect(error.hint).toBe('It has linux/amd64, linux/arm64/v8, linux/arm/v7.');
    expect(visits).toBe(0);
  });
});

const [, openLayout] = openers[1] as (typeof openers)[number];

describe('the platform', () => {
  it('of a manifest that the index does not give one is that of its configuration', async () => {
    const layout = new LayoutFixture();
    const [amd, arm] = [layout.image(), layout.image({ config: configOf({ architecture: 'arm64' }) })];
    layout.root(descriptorOf(layout.index([descriptorOf(amd), descriptorOf(arm)])));
    expect(await readWhole(await openLayout(layout, platforms('linux/arm64')))).toMatchObject({
      descriptor: { digest: digestOf(arm.bytes) },
    });
  });

  it('is looked for in nested indexes, which are cut as well', async () => {
    const layout = new LayoutFixture();
    const [amd, arm] = [layout.image(), layout.image({ config: configOf({ architecture: 'arm64' }) })];
    const s390x = layout.image({ config: configOf({ architecture: 's390x' }) });
    const of = (blob: Blob, architecture: string) => descriptorOf(blob, { platform: { os: 'linux', architecture } });
    const inner = layout.index([of(amd, 'amd64'), of(s390x, 's390x')]);
    const other = layout.index([of(s390x, 's390x')]);
    const outer = layout.index([of(arm, 'arm64'), { ...descriptorOf(inner), ...extra }, descriptorOf(other)]);
    layout.root(descriptorOf(outer));
    const image = await readWhole(await openLayout(layout, platforms('linux/amd64', 'linux/arm64')));
    const [, child] = image.kind === 'index' ? image.children : [];
    if (image.kind !== 'index' || child?.kind !== 'index') throw new Error('no index in an index');
    expect(JSON.parse(Buffer.from(child.bytes).toString()).manifests).toEqual([of(amd, 'amd64')]);
    expect(JSON.parse(Buffer.from(image.bytes).toString()).manifests).toEqual([
      of(arm, 'arm64'),
      { ...descriptorOf(inner), ...extra, digest: digestOf(Buffer.from(child.bytes)), size: child.bytes.length },
    ]);
    expect(await readWhole(await openLayout(layout, platforms('linux/amd64')))).toMatchObject({
      descriptor: { digest: digestOf(amd.bytes) },
    });
  });

  it('that several manifests are for (builds of Windows) is all of them', async () => {
    const layout = new LayoutFixture();
    const build = (version: string) => {
      const image = layout.image({ config: configOf({ os: 'windows', architecture: version }) });
      return descriptorOf(image, { platform: { os: 'windows', architecture: 'amd64', 'os.version': version } });
    };
    const builds = [build('10.0.17763.1'), build('10.0.20348.1')];
    const linux = descriptorOf(layout.image(), { platform: { os: 'linux', architecture: 'amd64' } });
    layout.root(descriptorOf(layout.index([linux, ...builds])));
    const image = await readWhole(await openLayout(layout, platforms('windows/amd64')));
    expect(JSON.parse(Buffer.from(image.kind === 'index' ? image.bytes : '').toString()).manifests).toEqual(builds);
  });

  it('of an image with only one gives its manifest, not the index around it', async () => {
    const { layout, image } = attestedLayout();
    expect(await readWhole(await openLayout(layout, platforms('linux/amd64')))).toMatchObject({
      descriptor: { digest: digestOf(image.bytes) },
    });
  });

  it('cannot hide a layer from the inspectors as an attestation of what is chosen', async () => {
    const layout = new LayoutFixture();
    const [amd, arm, hidden] = [
      layout.image(),
      layout.image({ config: configOf({ architecture: 'arm64' }) }),
      layout.image({ config: configOf({ architecture: 'x' }) }),
    ];
    const marks = {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': digestOf(amd.bytes) },
    };
    layout.root(descriptorOf(layout.index([descriptorOf(amd), descriptorOf(arm), descriptorOf(hidden, marks)])));
    expect(platformImages(await readWhole(await openLayout(layout, platforms('linux/amd64', 'linux/arm64'))))).toHaveLength(3);
  });
});

describe('an image of a single platform', () => {
  const single = new LayoutFixture();
  single.root(descriptorOf(single.image()));
  const save = { 'app.tar': tar(...legacyMembers()) };
  const id = `sha256:${configHex}`;
  const inspected = { Id: id, Os: 'linux', Architecture: 'amd64', RootFS: { Layers: [] } };
  const daemon = { images: { 'app:ci': inspected }, archives: { [id]: tar(...legacyMembers({ tags: [] })) } };
  const opens: readonly (readonly [string, (chosen: readonly Platform[]) => Promise<ImageSource>])[] = [
    ['oci:', (chosen) => openIn(single.files, 'oci:.', chosen)],
    ['docker-archive:', (chosen) => openIn(save, 'docker-archive:app.tar', chosen)],
    ['the daemon', async (chosen) => openAt('/', 'app:ci', (await startFakeDaemon(daemon)).dockerHost, chosen)],
  ];
  it.each(opens)('%s has to be for the one that is chosen', async (_name, open) => {
    expect(platformImages(await readWhole(await open(platforms('linux/x86_64'))))).toHaveLength(1);
    for (const chosen of [platforms('linux/arm64'), platforms('linux/amd64', 'linux/arm64')]) {
      const { error, visits } = await refusalOf(() => open(chosen));
      expect(error).toMatchObject({ code: 'source-platform', origin: 'input', hint: 'It has linux/amd64.' });
      expect(error.message).toContain('no image for linux/arm64,');
      expect(visits).toBe(0);
    }
  });
});
