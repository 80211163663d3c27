import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBaseImage } from '../../src/attribution/base-image.ts';
import { inspectOnePlatform } from './own-inventory.ts';
import { shared } from './peers.ts';
import { expectProgram } from './step.ts';

/** Which layers are the base image's, of images that real builders have built. */
let folder: string;

const dockerfile = 'COPY one /one\nENV A=b\nCOPY two /two\nCMD ["/one"]\n';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'base-image-'));
  for (const name of ['one', 'two', 'three']) await writeFile(join(folder, name), name);
  await writeFile(
    join(folder, 'Dockerfile'),
    `FROM docker-archive:${shared('testdata/images/containerd-archives/alpine.tar')}\n${dockerfile}`,
  );
  await writeFile(join(folder, 'Dockerfile.upper'), 'FROM localhost/middle:1\nCOPY three /three\n');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function buildah(...args: string[]) {
  const stores = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  return expectProgram('buildah', [...stores, ...args], { cwd: folder, env: process.env });
}

async function baseOf(image: string, text?: string) {
  const { platform } = await inspectOnePlatform(image, folder);
  const annotations = platform.kind === 'kept' ? platform.annotations : {};
  return findBaseImage({ history: platform.config.history, layers: platform.layers.length, annotations, dockerfile: text });
}

describe('buildah', () => {
  it.each([
    ['false', [true, false]],
    ['true', [true, false, false]],
  ])('notes the base, with --layers=%s', async (layers, expected) => {
    await buildah('build', '-q', '--isolation', 'chroot', `--layers=${layers}`, '-t', `localhost/app-${layers}:1`, '.');
    await buildah('push', '-q', `localhost/app-${layers}:1`, `oci-archive:${layers}.tar`);
    expect(await baseOf(`oci-archive:${layers}.tar`)).toMatchObject({ name: 'localhost/alpine:3.14', layers: expected });
  });

  it('notes a base of its own making as one', async () => {
    await buildah('build', '-q', '--isolation', 'chroot', '--layers=true', '-t', 'localhost/middle:1', '.');
    await buildah('build', '-q', '--isolation', 'chroot', '-f', 'Dockerfile.upper', '-t', 'localhost/upper:1', '.');
    await buildah('push', '-q', 'localhost/upper:1', 'oci-archive:upper.tar');
    expect(await baseOf('oci-archive:upper.tar')).toMatchObject({ name: 'localhost/middle:1', layers: [true, true, true, false] });
  });
});

describe.skipIf(process.env.SHOP_ARCHIVE === undefined)('the shop image', () => {
  it('has one layer of Debian, by its Dockerfile', async () => {
    const archive = process.env.SHOP_ARCHIVE ?? '';
    const text = await readFile(join(dirname(archive), 'app/Dockerfile'), 'utf8');
    const base = await baseOf(`docker-archive:${archive}`, text);
    expect(base).toMatchObject({ name: 'debian:bookworm', digest: undefined });
    expect(base.layers[0]).toBe(true);
    expect(base.layers.length).toBeGreaterThan(5);
    expect(base.layers.slice(1).every((isOfBase) => isOfBase === false)).toBe(true);
  });
});
