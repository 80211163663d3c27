import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import { baseLayer, layerOf, writeArchive } from '../command/publication.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { startRegistry } from './loopback-registry.ts';
import { openPolicy } from './open-policy.ts';
import { peer } from './peers.ts';
import { expectProgram, runBundle } from './step.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publishing-'));
  const chain = await createSigningChain({ name: 'publishing' });
  await mkdir(join(folder, 'advisories'));
  await writeFile(join(folder, 'key.pem'), chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'certificates.pem'), chain.certificates.join(''));
  await writeFile(join(folder, 'policy.yml'), openPolicy);
  const large = layerOf('opt/large', randomBytes(12_000_000));
  await writeArchive({ workspace: folder }, 'first.tar', [baseLayer, large, layerOf('app', 'one')]);
  await writeArchive({ workspace: folder }, 'second.tar', [baseLayer, large, layerOf('app', 'two')]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Publication {
  readonly digest: string;
  readonly bytesSent: number;
  readonly bytesReused: number;
  readonly uploadsSentAgain: number;
}

let runs = 0;

/** Runs the bundled program, which has to publish, and has crane read every byte of what it published. */
async function publish(image: string, push: readonly string[], isSigned = true): Promise<Publication> {
  runs += 1;
  const report = join(folder, `report-${runs}.json`);
  const key = isSigned ? ['--signing-key', 'file:key.pem,certificates.pem'] : [];
  // Statements tell the time, and are sent again by each run.
  const settings = ['--advisories', 'advisories', '--policy', 'policy.yml', '--report', report, '--attest', 'none', ...key];
  const args = ['secure', '--image', image, ...push.flatMap((reference) => ['--push', reference]), ...settings];
  const { exitCode, stderr, stdout } = await runBundle('cli.js', args, { cwd: folder });
  if (exitCode !== 0) throw new Error(`the step ended with ${exitCode}: ${stderr}${stdout}`);
  const { digest, publication } = JSON.parse(await readFile(report, 'utf8'));
  for (const reference of push) {
    await expectProgram(peer('crane'), ['validate', '--insecure', '--remote', reference]);
    expect((await expectProgram(peer('crane'), ['digest', '--insecure', reference])).trim()).toBe(digest);
  }
  return { digest, ...publication };
}

/** Passes everything on to `host`, but answers pieces itself. */
async function refusePieces(host: string): Promise<{ readonly host: string; readonly pieces: () => number }> {
  let pieces = 0;
  const server = createServer((incoming, response) => {
    if (incoming.method === 'PATCH') {
      pieces += 1;
      incoming.resume();
      response.writeHead(405).end();
      return;
    }
    const [hostname, port] = host.split(':');
    const { method, url, headers } = incoming;
    const outgoing = forward({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, pieces: () => pieces };
}

describe.each([
  ['CNCF Distribution', startRegistry, 0],
  // It takes no blob over from another repository.
  ["crane's registry", startCraneRegistry, 3],
] as const)('%s', async (_name, start, unmounted) => {
  test('the second push sends what has changed, and the same image has the same digest', async () => {
    const { host, stop } = await start();
    onTestFinished(stop);
    const first = await publish('docker-archive:first.tar', [`${host}/team/app:1`]);
    expect(first).toMatchObject({ bytesReused: 0, uploadsSentAgain: 0 });
    const second = await publish('docker-archive:second.tar', [`${host}/team/app:2`]);
    expect(second.bytesReused).toBeGreaterThan(12_000_000);
    expect(second.bytesSent).toBeLessThan(50_000);
    expect((await publish('docker-archive:first.tar', [`${host}/team/app:1`])).digest).toBe(first.digest);
  });

  test('without a key the blobs are proven by reading them', async () => {
    const { host, stop } = await start();
    onTestFinished(stop);
    await publish('docker-archive:first.tar', [`${host}/team/app:1`], false);
    const second = await publish('docker-archive:second.tar', [`${host}/team/app:1`], false);
    expect(second.bytesReused).toBeGreaterThan(12_000_000);
  });

  test('what crane pushed is reused where it unpacks to the layer', async () => {
    const { host, stop } = await start();
    onTestFinished(stop);
    await expectProgram(peer('crane'), ['push', '--insecure', join(folder, 'first.tar'), `${host}/team/app:1`]);
    const second = await publish('docker-archive:second.tar', [`${host}/team/app:2`]);
    expect(second.bytesReused).toBeGreaterThan(12_000_000);
  });

  test('two repositories and two tags', async () => {
    const { host, stop } = await start();
    onTestFinished(stop);
    const push = [`${host}/team/app:1`, `${host}/team/app:latest`, `${host}/team/copy:1`];
    expect(await publish('docker-archive:first.tar', push)).toMatchObject({ uploadsSentAgain: unmounted });
  });
});

test('from one repository to another of the same registry no layer is sent', async () => {
  const { host, stop } = await startRegistry();
  onTestFinished(stop);
  const first = await publish('docker-archive:first.tar', [`${host}/team/base:1`]);
  const promoted = await publish(`registry:${host}/team/base:1`, [`${host}/team/app:1`, `${host}/team/copy:1`]);
  expect(promoted).toMatchObject({ digest: first.digest, uploadsSentAgain: 0 });
  expect(promoted.bytesSent).toBeLessThan(50_000);
  expect(promoted.bytesReused).toBeGreaterThan(24_000_000);
});

test('a registry that takes no pieces gets whole blobs', async () => {
  const registry = await startRegistry();
  onTestFinished(registry.stop);
  const { host, pieces } = await refusePieces(registry.host);
  const usual = await publish('docker-archive:first.tar', [`${registry.host}/team/usual:1`]);
  const whole = await publish('docker-archive:first.tar', [`${host}/team/whole:1`]);
  expect(whole).toMatchObject({ digest: usual.digest, uploadsSentAgain: 3 });
  // Two layers are read at once: that is how many ask before the first answer is there.
  expect(pieces()).toBeLessThanOrEqual(2);
});
