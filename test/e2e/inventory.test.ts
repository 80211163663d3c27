import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectImage, inspectOnePlatform } from './own-inventory.ts';
import { shared } from './peers.ts';

/** What is found in real images; comparison.test.ts holds their packages against those that others find. */
const images = shared('testdata/images');
const shopArchive = process.env.SHOP_ARCHIVE ?? '';

describe('real images', () => {
  it('have packages of their release and layer', async () => {
    const { inventory, gaps } = await inspectOnePlatform('docker-archive:containerd-archives/alpine.tar', images);
    expect(inventory.packages).toHaveLength(14);
    for (const item of inventory.packages) expect(item).toMatchObject({ ecosystem: 'Alpine:v3.14', layer: 0 });
    expect(gaps).toEqual([]);
  });

  it.each([
    'docker-archive:docker-archives/docker-save/java-uberjar.tar',
    'docker-archive:docker-archives/skopeo-copy/busybox.tar',
    'oci-archive:oci-archives/busybox-1.31.1.tar',
  ])('of %s hold no secret, no malware and no gap', async (text) => {
    for (const { findings, gaps } of await inspectImage(text, images)) {
      expect(findings.map(({ kind }) => kind).filter((kind) => kind !== 'misconfiguration')).toEqual([]);
      expect(gaps).toEqual([]);
    }
  });
});

describe.skipIf(shopArchive === '')('the shop image', () => {
  it('has what was planted, and nothing else', async () => {
    const { inventory, gaps, findings } = await inspectOnePlatform(`docker-archive:${shopArchive}`);
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
