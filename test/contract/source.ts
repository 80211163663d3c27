import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { type ImageSource, platformImages, type SourceLayer } from '../../src/model/source.ts';

/**
 * What every source has to do, whatever it reads from. `seekable`: layers can be read side by side. `planned`: how many there are is known
 * before the first. `once`: the bytes come once.
 */
export function itIsASource(
  open: () => Promise<ImageSource>,
  expected: { readonly seekable: boolean; readonly planned?: false; readonly once?: true },
): void {
  it('gives every layer that the image names once, whole, and a structure that fits', async () => {
    const source = await open();
    const seen = new Map<string, string>();
    const image = await source.read(
      async (layer, content) => {
        expect(seen.has(layer.key)).toBe(false);
        seen.set(layer.key, await digestOf(content));
      },
      { parallel: 3 },
    );
    const images = platformImages(image);
    expect(images.length).toBeGreaterThan(0);
    for (const { layers, config, configBytes, configDigest } of images) {
      expect(layers.length).toBe(config.diffIds.length);
      expect(layers.length).toBeGreaterThan(1);
      expect(configDigest).toBe(`sha256:${createHash('sha256').update(configBytes).digest('hex')}`);
      layers.forEach(({ key, descriptor }, index) => {
        expect(seen.get(key)).toBe(descriptor?.digest ?? config.diffIds[index]);
      });
    }
  });

  it('says what it will read before the first visit, where it knows', async () => {
    const events: string[] = [];
    const onPlan = (plan: { readonly layers: number }) => events.push(`plan ${plan.layers > 0}`);
    await (await open()).read(async () => void events.push('visit'), { parallel: 1, onPlan });
    const isPlanned = expected.planned ?? true;
    expect(events.slice(0, 2)).toEqual(isPlanned ? ['plan true', 'visit'] : ['visit', 'visit']);
    expect(events.filter((event) => event.startsWith('plan'))).toHaveLength(isPlanned ? 1 : 0);
  });

  it('never visits more layers at once than it may, and as many as it can', async () => {
    for (const parallel of [1, 2]) {
      let active = 0;
      let most = 0;
      await (await open()).read(
        async (_layer, content) => {
          most = Math.max(most, ++active);
          await digestOf(content);
          // A small layer would be done before the next is opened.
          await new Promise((resolve) => setTimeout(resolve, 20));
          active--;
        },
        { parallel },
      );
      expect(most).toBe(expected.seekable ? parallel : 1);
    }
  });

  it('ends with the error of a visit, after every visit has ended, and visits nothing more', async () => {
    const failure = new Error('upload failed');
    let active = 0;
    let visits = 0;
    const reading = (await open()).read(
      async (_layer, content) => {
        active++;
        visits++;
        try {
          for await (const _ of content) throw failure;
        } finally {
          active--;
        }
      },
      { parallel: 1 },
    );
    await expect(reading).rejects.toBe(failure);
    expect(active).toBe(0);
    expect(visits).toBe(1);
  });

  it('takes a visit that does not read its layer to the end', async () => {
    const source = await open();
    const image = await source.read(async () => undefined, { parallel: 2 });
    expect(platformImages(image)).toHaveLength(1);
  });

  it('gives the same bytes again, to the same layer and to a second reading, or says why it cannot', async () => {
    const source = await open();
    const first = await readAll(source);
    if (expected.once) {
      const [one] = [...first.values()];
      if (one === undefined) throw new Error('no layer');
      await expect(source.reread(one.layer, async () => undefined)).rejects.toMatchObject({ code: 'source-unreadable', origin: 'source' });
      return;
    }
    for (const [key, { layer, digest }] of first) {
      let again: string | undefined;
      await source.reread(layer, async (given, content) => {
        expect(given.key).toBe(key);
        again = await digestOf(content);
      });
      expect(again).toBe(digest);
    }
    expect([...(await readAll(source)).keys()].sort()).toEqual([...first.keys()].sort());
  });
}

interface SeenLayer {
  readonly layer: SourceLayer;
  readonly digest: string;
}

async function readAll(source: ImageSource): Promise<Map<string, SeenLayer>> {
  const seen = new Map<string, SeenLayer>();
  await source.read(async (layer, content) => void seen.set(layer.key, { layer, digest: await digestOf(content) }), { parallel: 2 });
  return seen;
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}
