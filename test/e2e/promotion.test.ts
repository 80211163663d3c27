import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as descriptorOf, digestOf, LayoutFixture } from '../source/image-fixture.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { expectDockerPull } from './docker-pull.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, type StepResult } from './step.ts';

const images = shared('testdata/images');
const plainHttp = ['--insecure-policy', '--src-tls-verify=false', '--dest-tls-verify=false'];

let folder: string;
let source: LoopbackRegistry;
let target: LoopbackRegistry;
let craneRegistry: Awaited<ReturnType<typeof startCraneRegistry>>;
/** An index of two platforms, and one of a platform with its attestation. */
let index: string;
let attested: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promotion-'));
  await writeFile(join(folder, 'policy.yml'), openPolicy);
  [source, target, craneRegistry] = await Promise.all([startRegistry(), startRegistry(), startCraneRegistry()]);
  [index, attested] = [`${source.host}/team/app:1`, `${source.host}/team/attested:1`];
  const [amd64, armv7] = [`${source.host}/build/amd64:1`, `${source.host}/build/armv7:1`];
  const save = (archive: string, to: string, ...options: readonly string[]) =>
    expectProgram('skopeo', ['copy', '-q', ...options, ...plainHttp, archive, `docker://${to}`]);
  await save(`oci-archive:${images}/oci-archives/busybox-1.31.1.tar`, amd64);
  await save(`docker-archive:${images}/docker-oci-archives/busybox.armv7.tar`, armv7, '--format', 'oci');
  await save(`oci-archive:${images}/containerd-archives/busybox-single-arch-with-attestation-manifest.tar`, attested, '--all');
  // Not crane's: the descriptors that it makes are none that skopeo copies as they are.
  const insecure = ['--host', `reg=${source.host},tls=disabled`];
  await expectProgram(peer('regctl'), [...insecure, 'index', 'create', index, '--ref', amd64, '--ref', armv7]);
});

afterAll(async () => {
  await Promise.all([craneRegistry?.stop(), source?.stop(), target?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

describe('an image of CNCF Distribution', () => {
  it.each([
    ['to another one', () => index, () => target.host],
    ['within it', () => index, () => source.host],
    ['to crane registry serve', () => index, () => craneRegistry.host],
    ['with its attestation', () => attested, () => target.host],
  ])('is promoted %s as skopeo and crane do', async (_where, from, to) => {
    const promoted = `${to()}/promoted/${from().split('/')[2]}`;
    const { digest, publication } = await publish(`registry:${from()}`, promoted);
    expect(digest).toBe(await crane('digest', from()));
    expect(await crane('digest', promoted)).toBe(digest);
    await expectProgram('skopeo', [
      'copy',
      '-q',
      '--all',
      '--preserve-digests',
      ...plainHttp,
      `docker://${from()}`,
      `docker://${to()}/skopeo/app:1`,
    ]);
    await crane('copy', from(), `${to()}/crane/app:1`);
    for (const copy of [`${to()}/skopeo/app:1`, `${to()}/crane/app:1`]) expect(await crane('digest', copy)).toBe(digest);
    expect(await crane('manifest', promoted)).toBe(await crane('manifest', from()));
    // An attestation has no layers that crane could hold against its configuration, whoever copied it.
    if (from() === index) await crane('validate', '--remote', promoted);
    if (to() === source.host) expect(publication.bytesSent).toBeLessThan(100_000);
  });

  it('is promoted from crane registry serve, and within it', async () => {
    const from = `${craneRegistry.host}/seed/app:1`;
    await crane('copy', index, from);
    for (const to of [`${target.host}/from-crane:1`, `${craneRegistry.host}/again:1`]) {
      expect((await publish(`registry:${from}`, to)).digest).toBe(await crane('digest', index));
      await crane('validate', '--remote', to);
    }
  });

  it.each(['linux/amd64', 'linux/arm/v7', 'linux/arm'])('of one platform (%s) gets the digest that crane gives it', async (platform) => {
    const to = `${target.host}/one/${platform.replaceAll('/', '-')}:1`;
    const { digest, takenFrom } = await publish(`registry:${index}`, to, '--platform', platform);
    await crane('copy', '--platform', platform === 'linux/arm' ? 'linux/arm/v7' : platform, index, `${target.host}/crane-one:1`);
    expect(digest).toBe(await crane('digest', `${target.host}/crane-one:1`));
    expect(takenFrom).toBe(await crane('digest', index));
    await crane('validate', '--remote', to);
  });

  it('is read to its end through a proxy that cuts connections, each byte once', async () => {
    const large = `${source.host}/large:1`;
    const archive = `docker-archive:${images}/docker-archives/docker-save/java-uberjar.tar`;
    await expectProgram('skopeo', ['copy', '-q', ...plainHttp, archive, `docker://${large}`]);
    const { layers } = JSON.parse(await crane('manifest', large)) as { layers: { size: number }[] };
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    const proxy = await startCuttingProxy(source.host, Math.round(bytes / 5));
    try {
      const to = `${target.host}/through:1`;
      const { digest } = await publish(`registry:${proxy.host}/large:1`, to);
      expect(digest).toBe(await crane('digest', large));
      await crane('validate', '--remote', to);
      expect(proxy.ranges.length).toBeGreaterThan(2);
      expect(proxy.sentBytes()).toBeLessThan(1.5 * bytes);
    } finally {
      proxy.stop();
    }
  });
});

describe('an image with a foreign layer', () => {
  const layout = new LayoutFixture();
  const image = layout.foreignImage(false, ['https://base.example/layer.tar.gz']);
  layout.root(descriptorOf(image));

  beforeAll(async () => {
    for (const [path, bytes] of layout.files) {
      await mkdir(dirname(join(folder, 'foreign', path)), { recursive: true });
      await writeFile(join(folder, 'foreign', path), bytes);
    }
  });

  it('is published where the registry takes it, without the layer', async () => {
    const allowing = await startRegistry({ foreignUrls: ['^https://base\\.example/'] });
    try {
      for (const host of [allowing.host, craneRegistry.host]) {
        expect((await publish('oci:foreign', `${host}/foreign:1`)).digest).toBe(digestOf(image.bytes));
      }
    } finally {
      await allowing.stop();
    }
  });

  it('is refused by a registry that does not allow its addresses, with what to do', async () => {
    const result = await secure('oci:foreign', `${target.host}/foreign:1`);
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toMatch(/cannot push the manifest .*\/foreign@sha256:/);
    expect(result.stderr).toContain('foreign layers');
    expect(result.stderr).toContain('validation.manifests.urls.allow');
  });
});

it('a multi-platform archive of which one platform was saved is taken by it', async () => {
  const archive = `oci-archive:${images}/containerd-archives/busybox.amd64.tar`;
  const { digest } = await publish(archive, `${target.host}/sparse:1`, '--platform', 'linux/amd64');
  expect(digest).toBe(await crane('digest', `${target.host}/sparse:1`));
  await crane('validate', '--remote', `${target.host}/sparse:1`);
  const absent = await secure(archive, `${target.host}/sparse:2`, '--platform', 'linux/sparc64');
  expect(absent.exitCode).toBe(2);
  expect(absent.stderr).toMatch(/no image for linux\/sparc64[\s\S]*It has linux\/amd64, linux\/arm\/v5/);
});

async function crane(...args: readonly string[]): Promise<string> {
  return (await expectProgram(peer('crane'), args)).trim();
}

function secure(image: string, push: string, ...more: readonly string[]): Promise<StepResult> {
  const files = ['--advisories', shared('testdata/osv'), '--policy', 'policy.yml', '--report', 'report.json'];
  return runBundle('cli.js', ['secure', '--image', image, '--push', push, ...files, ...more], { cwd: folder });
}

interface PublishedReport {
  readonly digest: string;
  readonly takenFrom: string | null;
  readonly publication: { readonly bytesSent: number };
}

async function publish(image: string, push: string, ...more: readonly string[]): Promise<PublishedReport> {
  const result = await secure(image, push, ...more);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  await expectDockerPull(push);
  return JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as PublishedReport;
}

/** Cuts each connection once the registry has sent `bytes` through it, and notes the ranges that are asked for. */
async function startCuttingProxy(host: string, bytes: number) {
  const [name = '', port = ''] = host.split(':');
  const ranges: string[] = [];
  const sockets = new Set<Socket>();
  let sent = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), name);
    let left = bytes;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      ranges.push(...[...chunk.toString('latin1').matchAll(/\r\nrange: (\S+)/gi)].map(([, range = '']) => range));
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      const part = chunk.subarray(0, left);
      left -= part.length;
      sent += part.length;
      client.write(part);
      if (left === 0 && !client.writableEnded) client.destroySoon();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, ranges, sentBytes: () => sent, stop };
}
