import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildFile, buildImage, recipes } from './comparison/built-images.ts';
import { type Comparison, compare } from './comparison/comparison.ts';
import { type Explanation, explains, readExplanations } from './comparison/explanation.ts';
import { languageRecipes } from './comparison/language-images.ts';
import type { PackageKey } from './comparison/package-key.ts';
import { findWith, type Peer } from './comparison/peer-inventory.ts';
import { inspectImage } from './own-inventory.ts';
import { shared } from './peers.ts';

/** What we find in images beside what syft, trivy and osv-scanner find in them: docs/inventory.md explains each difference. */
interface ComparedImage {
  readonly name: string;
  readonly kind?: 'docker-archive' | 'oci-archive';
  readonly archive: () => Promise<string>;
}

const sharedArchives: readonly ComparedImage[] = [
  'containerd-archives/alpine.tar',
  'containerd-archives/busybox-single-arch-with-attestation-manifest.tar',
  'containerd-archives/busybox.amd64.tar',
  'docker-archives/docker-save/java-uberjar.tar',
  'docker-archives/skopeo-copy/busybox.tar',
  'docker-oci-archives/busybox.armv7.tar',
  'kaniko-archives/kaniko-busybox.tar',
].map((file) => ({ name: file.split('/').at(-1) ?? file, archive: async () => join(shared('testdata/images'), file) }));

const busybox: ComparedImage = {
  name: 'busybox-1.31.1.tar',
  kind: 'oci-archive',
  archive: async () => shared('testdata/images/oci-archives/busybox-1.31.1.tar'),
};

/** Compressed as a whole, which syft and osv-scanner do not read. */
const npm7: ComparedImage = {
  name: 'npm7-with-package-lock-file.tar',
  archive: () =>
    buildFile('npm7.tar', `gunzip -c '${shared('testdata/images/npm/npm-without-lockfiles/npm7-with-package-lock-file.tar')}'`),
};

const shop: readonly ComparedImage[] =
  process.env.SHOP_ARCHIVE === undefined ? [] : [{ name: 'shop', archive: async () => process.env.SHOP_ARCHIVE ?? '' }];

const images: readonly ComparedImage[] = [
  ...sharedArchives,
  busybox,
  npm7,
  ...[...recipes, ...languageRecipes].map((recipe) => ({ name: recipe.name, archive: () => buildImage(recipe) })),
  ...shop,
];

const explanations = readExplanations();
const used = new Set<Explanation>();
const results = new Map<string, Comparison>();

async function compareImage({ kind = 'docker-archive', archive }: ComparedImage): Promise<Comparison> {
  const file = await archive();
  const peers = new Map<Peer, readonly PackageKey[]>();
  for (const peer of ['syft', 'trivy', 'osv-scanner'] as const) {
    const found = await findWith(peer, file);
    if (typeof found !== 'string') peers.set(peer, found);
  }
  const platforms = await inspectImage(`${kind}:${file}`);
  return compare(
    platforms.flatMap(({ inventory }) => inventory.packages),
    peers,
  );
}

describe('the packages of', () => {
  test.each(images)('$name are those that others find, or docs/inventory.md says why not', async (image) => {
    const comparison = await compareImage(image);
    results.set(image.name, comparison);
    const unexplained = comparison.differences.filter((difference) => {
      const reasons = explanations.filter((explanation) => explains(explanation, image.name, difference));
      for (const reason of reasons) used.add(reason);
      return reasons.length === 0;
    });
    expect(unexplained).toEqual([]);
  });
});

test('of all that syft and trivy find, 99 % are found', () => {
  expect(results.size).toBe(images.length);
  const sum = (of: (comparison: Comparison) => number) => [...results.values()].reduce((total, comparison) => total + of(comparison), 0);
  const [covered, union] = [sum((comparison) => comparison.covered), sum((comparison) => comparison.union)];
  expect(union).toBeGreaterThan(400);
  expect(covered / union).toBeGreaterThanOrEqual(0.99);
});

test('every difference that docs/inventory.md explains is there', () => {
  const absent = explanations.filter((explanation) => !used.has(explanation) && (shop.length > 0 || !explanation.row.startsWith('shop ')));
  expect(absent.map(({ row }) => row)).toEqual([]);
});

afterAll(() => {
  const rows = [...results].map(([name, { ours, union, covered }]) => ({
    image: name,
    'found by us': ours,
    'by syft or trivy': union,
    covered,
  }));
  console.table(rows);
});
