import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toFindings } from '../../src/inspect/findings.ts';
import { allInspectors, databasePaths, isDatabasePath } from '../../src/inspect/inspectors.ts';
import { toInventory } from '../../src/inspect/inventory/inventory.ts';
import { overlay } from '../../src/layer/overlay.ts';
import { type LayerResult, readLayer } from '../../src/layer/pass.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import type { Package } from '../../src/model/package.ts';
import { platformImages } from '../../src/model/source.ts';
import { openSource } from '../../src/source/open-source.ts';
import { localImage } from '../source/local-image.ts';
import { peer, shared } from './peers.ts';
import { runProgram } from './step.ts';

/** What is found in real images, held against what osv-scanner finds. */
const images = shared('testdata/images');
const shopArchive = process.env.SHOP_ARCHIVE ?? '';

async function inspect(text: string) {
  const http = createHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const source = await openSource(localImage(text), { workspace: images, docker: {}, stream: http.stream, platforms: [] });
  const results = new Map<string, LayerResult>();
  const inspectors = allInspectors();
  const image = await source.read(async (layer, content) => void results.set(layer.key, await readLayer(layer, content, { inspectors })), {
    parallel: 1,
  });
  return platformImages(image).map(({ layers, config }) => {
    const read = layers.map(({ key }) => results.get(key)).filter((result) => result?.kind === 'layer');
    const { placed } = overlay(read, { databases: databasePaths, isDatabase: isDatabasePath });
    return { ...toInventory(placed), findings: toFindings(placed, config) };
  });
}

async function inspectOne(text: string) {
  const [platform, ...others] = await inspect(text);
  if (platform === undefined || others.length > 0) throw new Error(`${text} has ${others.length + 1} platforms`);
  return platform;
}

interface ScannedPackage {
  readonly package: { readonly ecosystem: string; readonly name: string; readonly version: string };
}

async function scan(archive: string): Promise<readonly ScannedPackage['package'][]> {
  const folder = await mkdtemp(join(tmpdir(), 'osv-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(shared('testdata/osv'), join(folder, 'osv-scalibr'));
  const out = join(folder, 'out.json');
  const flags = ['--archive', '--all-packages', '--offline', '--local-db-path', folder, '--format', 'json', '--output-file', out];
  const { stderr } = await runProgram(peer('osv-scanner'), ['scan', 'image', ...flags, archive], { env: process.env });
  const { results } = JSON.parse(await readFile(out, 'utf8').catch(() => Promise.reject(new Error(stderr)))) as {
    readonly results: readonly { readonly packages: readonly ScannedPackage[] }[];
  };
  return results.flatMap(({ packages }) => packages.map((scanned) => scanned.package));
}

/** osv-scanner tells a Debian package by the name of its source, and an npm or PyPI package by its name. */
function keysOf({ ecosystem, name, version, source }: Package): readonly string[] {
  return [name, source?.name ?? name].map((text) => key(ecosystem ?? '', text, version));
}

function key(ecosystem: string, name: string, version: string): string {
  return JSON.stringify([ecosystem, ecosystem === 'PyPI' ? name.replace(/[-_.]+/g, '-').toLowerCase() : name, version]);
}

/** What only one of both has; what is inside of programs and archives, each names in its own way, and `comparison.test.ts` compares. */
function compare(inventory: readonly Package[], theirs: readonly ScannedPackage['package'][]) {
  const inside = new Set(['Maven', 'Go', 'Bitnami']);
  const ours = inventory.filter(({ ecosystem = '' }) => !inside.has(ecosystem));
  const read = theirs.filter(({ ecosystem }) => !inside.has(ecosystem));
  const ourKeys = new Set(ours.flatMap(keysOf));
  const theirKeys = new Set(read.map(({ ecosystem, name, version }) => key(ecosystem, name, version)));
  return {
    onlyOurs: ours.filter((item) => !keysOf(item).some((text) => theirKeys.has(text))).map(({ purl }) => purl),
    onlyTheirs: [...theirKeys].filter((text) => !ourKeys.has(text)),
  };
}

describe('real images', () => {
  it('have the packages that osv-scanner finds', async () => {
    const { inventory, gaps } = await inspectOne('docker-archive:containerd-archives/alpine.tar');
    expect(compare(inventory.packages, await scan(join(images, 'containerd-archives/alpine.tar')))).toEqual({
      onlyOurs: [],
      onlyTheirs: [],
    });
    expect(inventory.packages).toHaveLength(14);
    expect(inventory.packages[0]).toMatchObject({ ecosystem: 'Alpine:v3.14', layer: 0 });
    expect(gaps).toEqual([]);
  });

  it.each([
    'docker-archive:docker-archives/docker-save/java-uberjar.tar',
    'docker-archive:docker-archives/skopeo-copy/busybox.tar',
    'oci-archive:oci-archives/busybox-1.31.1.tar',
  ])('of %s hold no secret, no malware and no gap', async (text) => {
    for (const { findings, gaps } of await inspect(text)) {
      expect(findings.map(({ kind }) => kind).filter((kind) => kind !== 'misconfiguration')).toEqual([]);
      expect(gaps).toEqual([]);
    }
  });
});

describe.skipIf(shopArchive === '')('the shop image', () => {
  it('has the packages that osv-scanner finds, and what was planted, and nothing else', async () => {
    const { inventory, gaps, findings } = await inspectOne(`docker-archive:${shopArchive}`);
    expect(compare(inventory.packages, await scan(shopArchive))).toEqual({ onlyOurs: [], onlyTheirs: [] });
    expect(gaps).toEqual([]);
    expect(inventory.operatingSystem?.versionId).toBe('12');
    const lines = (await readFile(join(dirname(shopArchive), 'app/secrets/app.env'), 'utf8')).split('\n');
    const line = (name: string): number => lines.findIndex((text) => text.startsWith(name)) + 1;
    const told = findings.map((finding) => [finding.kind, finding.path, 'line' in finding ? finding.line : undefined, finding.layer]);
    expect(told).toEqual([
      ['secret', 'srv/shop/.env', line('AWS_ACCESS_KEY_ID'), 7],
      ['secret', 'srv/shop/.env', line('AZURE_STORAGE_CONNECTION_STRING'), 7],
      ['secret', 'root/.ssh/id_rsa', 1, 8],
      ['malware', 'srv/shop/uploads/invoice.pdf.exe', undefined, 9],
      ['secret', undefined, undefined, undefined],
      ['misconfiguration', undefined, undefined, undefined],
    ]);
    expect(findings[4]?.title).toContain('ENV API_TOKEN');
    expect(inventory.packages.some(({ path }) => path.startsWith('wheels/'))).toBe(false);
  });
});
