import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../../src/model/source.ts';
import { serve } from '../registry/loopback.ts';
import { describe as descriptorOf, digestOf, gzipLayer, LayoutFixture, layers } from './image-fixture.ts';
import { openIn, refusalOf } from './reading.ts';
import { openRemote, pushLayout, startRemote } from './remote-layout.ts';

const base = digestOf(gzipLayer(layers[0]).bytes);
const app = digestOf(gzipLayer(layers[1]).bytes);

const openers: readonly (readonly [string, (layout: LayoutFixture) => Promise<ImageSource>])[] = [
  ['an OCI archive', (layout) => openIn({ 'app.tar': layout.archive() }, 'oci-archive:app.tar')],
  ['an OCI layout', (layout) => openIn(layout.files, 'oci:.')],
  [
    'a registry',
    async (layout) => {
      const registry = await startRemote();
      await pushLayout(registry, layout);
      return await openRemote(`${registry.host}/team/app`);
    },
  ],
];

async function read(source: ImageSource) {
  const visited: string[] = [];
  const image = await source.read(async ({ key }) => void visited.push(key), { parallel: 1 });
  return { image, visited };
}

describe.each(openers)('a foreign layer in %s', (_name, open) => {
  it('that is not there is named, and neither read nor fetched from where the manifest says it is', async () => {
    const elsewhere = await serve((_request, response) => response.end('never'));
    const layout = new LayoutFixture();
    const manifest = layout.foreignImage(false, [elsewhere.url.href]);
    layout.root(descriptorOf(manifest));
    const { image, visited } = await read(await open(layout));
    expect(visited).toEqual([app]);
    expect(image).toMatchObject({
      kind: 'kept',
      descriptor: { digest: digestOf(manifest.bytes) },
      layers: [{ key: base, foreign: 'absent' }, { key: app }],
    });
    expect(elsewhere.seen).toEqual([]);
  });

  it('that is there is read like any other', async () => {
    const layout = new LayoutFixture();
    layout.root(descriptorOf(layout.foreignImage(true)));
    const { image, visited } = await read(await open(layout));
    expect(visited.sort()).toEqual([base, app].sort());
    expect(image).toMatchObject({ layers: [{ key: base, foreign: 'held' }, {}] });
  });

  it('is an ordinary one where another image calls it so', async () => {
    const layout = new LayoutFixture();
    const foreign = layout.foreignImage(true);
    layout.root(descriptorOf(layout.index([descriptorOf(foreign), descriptorOf(layout.image())])));
    const { image } = await read(await open(layout));
    const [child] = image.kind === 'index' ? image.children : [];
    expect(child).toMatchObject({ layers: [{ key: base }, { key: app }] });
    expect(JSON.stringify(image, (key, value) => (key === 'bytes' || key === 'configBytes' ? undefined : value))).not.toContain(
      '"foreign"',
    );
  });
});

it('a foreign layer that is cut in a layout is refused before any is read', async () => {
  const layout = new LayoutFixture();
  layout.root(descriptorOf(layout.foreignImage(true)));
  layout.files.set(`blobs/sha256/${base.slice(7)}`, Buffer.from('cut'));
  const { error, visits } = await refusalOf(() => openIn(layout.files, 'oci:.'));
  expect(error).toMatchObject({ code: 'source-incomplete' });
  expect(visits).toBe(0);
});
