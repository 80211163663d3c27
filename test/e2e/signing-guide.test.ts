import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { readMarkdown, root } from '../docs/markdown.ts';
import { makeChain, toPem } from '../sign/chain.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { runProgram } from './step.ts';

/** Types the commands of docs/signing.md into one shell, in their order; only what has to be offline here is added to them. */
let folder: string;
let registry: LoopbackRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signing-guide-'));
  registry = await startRegistry();
  await writeFile(join(folder, 'app.tar'), fixedShop().archive);
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

const guided = ['Sign with a key in a file', 'Verify', 'Get the bill of materials'];

function script(): string {
  const { blocks } = readMarkdown('docs/signing.md');
  const commands = blocks.filter(({ language, heading }) => language === 'sh' && guided.includes(heading)).map(({ text }) => text);
  expect(commands).toHaveLength(6);
  const node = process.env.IMAGE_CUSTODY_NODE ?? process.execPath;
  return [
    'set -euo pipefail',
    `image-custody() { "${node}" "${resolve(root, 'dist/cli.js')}" "$@" --advisories "${shared('testdata/osv')}" --fail-on none; }`,
    `osv-scanner() { command osv-scanner "$@" --offline --all-packages --format json --output-file scan.json || true; }`,
    ...commands.map((text) => text.replaceAll('localhost:5000', registry.host)),
  ].join('\n');
}

it('does what docs/signing.md says: key and chain, signature, verification, bill of materials, another scan of it', async () => {
  const peers = dirname(peer('notation'));
  for (const name of ['crane', 'oras', 'osv-scanner']) peer(name);
  const env = { PATH: `${peers}:${process.env.PATH}`, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
  const result = await runProgram('bash', ['-c', script()], { cwd: folder, env });
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  expect(result.stdout).toContain('Successfully verified signature');
  for (const type of ['application/vnd.cncf.notary.signature', 'application/vnd.cyclonedx+json'])
    expect(result.stdout).toContain(`── ${type}`);
  const sbom = JSON.parse(await readFile(join(folder, 'app.cdx.json'), 'utf8')) as { bomFormat: string };
  expect(sbom.bomFormat).toBe('CycloneDX');
  const scan = JSON.parse(await readFile(join(folder, 'scan.json'), 'utf8')) as {
    results: { packages: { package: { name: string } }[] }[];
  };
  const names = scan.results.flatMap(({ packages }) => packages.map((item) => item.package.name));
  expect(names).toEqual(expect.arrayContaining(['zlib1g', 'minimist']));
});

it('makes the public key for cosign out of a key and of a certificate', async () => {
  const { chain, keys } = makeChain('P-256');
  await writeFile(join(folder, 'key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'signing.pem'), toPem(...chain));
  const { blocks } = readMarkdown('docs/signing.md');
  const commands = blocks.flatMap(({ text }) => text.split('\n')).filter((line) => /^openssl .*cosign\.pub$/.test(line));
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    await rm(join(folder, 'cosign.pub'), { force: true });
    expect(await runProgram('bash', ['-c', command], { cwd: folder })).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(folder, 'cosign.pub'), 'utf8')).toBe(keys.publicKey.export({ type: 'spki', format: 'pem' }));
  }
});
