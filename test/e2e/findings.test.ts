import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import { expect, test } from 'vitest';
import { openAdvisoryDirectory } from '../../src/advisory/advisory-thread.ts';
import { toBase, toSubject } from '../../src/advisory/ecosystem.ts';
import type { Advisory, AdvisoryMatch } from '../../src/model/advisory.ts';
import { isSystemPackage, type Package } from '../../src/model/package.ts';
import { buildImage, recipes } from './comparison/built-images.ts';
import { languageRecipes } from './comparison/language-images.ts';
import type { Recipe } from './comparison/recipe.ts';
import { osvScanner, osvScannerOf, theirLines, toLine, toLines } from './osv-scanner.ts';
import { inspectImage } from './own-inventory.ts';
import { shared } from './peers.ts';

interface ScannedImage {
  readonly name: string;
  readonly archive: () => Promise<string>;
}

const root = shared('testdata/images');
const sharedArchives = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.tar'))
  .map((name): ScannedImage => ({ name, archive: async () => join(root, name) }));
/** A Go program with modules of which much is known. */
const goProgram: Recipe = {
  name: 'go-program',
  script: `
mkdir -p layer1/usr/local/bin source
cat >source/go.mod <<'END'
module example.com/app

go 1.23

require (
	github.com/gogo/protobuf v1.3.1
	golang.org/x/net v0.7.0
	golang.org/x/text v0.3.5
)
END
cat >source/main.go <<'END'
package main

import (
	"fmt"

	"github.com/gogo/protobuf/proto"
	"golang.org/x/net/html"
	"golang.org/x/text/language"
)

func main() { fmt.Println(proto.Bool(true), html.EscapeString("<"), language.English) }
END
(cd source && CGO_ENABLED=0 go build -mod=mod -o ../layer1/usr/local/bin/app .)
`,
};

const built = [...recipes, ...languageRecipes, goProgram].map(
  (recipe): ScannedImage => ({ name: recipe.name, archive: () => buildImage(recipe) }),
);
const shop = process.env.SHOP_ARCHIVE;
const images = [...sharedArchives, ...built, ...(shop === undefined ? [] : [{ name: 'the shop image', archive: async () => shop }])];

/** What osv-scanner does not read: OCI layouts, archives that are compressed as a whole, and those with fewer layers than diff ids. */
const refused = [
  'docker-archives/docker-save/nginx-os-release-link.tar',
  'docker-archives/skopeo-copy/nginx-compressed-layers.tar',
  'docker-oci-archives/unsupported-image.tar',
  'extracted-layers/layer_with_bad_elf_file.tar',
  'npm/npm-without-lockfiles/npm7-with-package-lock-file.tar',
  'oci-archives/busybox-1.31.1.tar',
  'oci-archives/oci-with-manifest.tar',
];

const found = new Map<string, readonly [theirs: number, ours: number, confirmed: number]>();

test.each(images)(
  'findings in $name: all of osv-scanner’s, and of ours no other but what it confirms of packages that it does not find',
  async ({ name, archive }) => {
    const file = await archive();
    const theirs = osvScanner(['scan', 'image', '--archive', file]);
    expect(theirs === undefined).toBe(refused.includes(name));
    if (theirs === undefined) return;
    const matches = await matchesIn(file);
    const [ours, expected] = [new Set(toLines(matches)), theirLines(theirs)];
    expect(expected.filter((line) => !ours.has(line))).toEqual([]);

    const extra = matches.filter((match) => !expected.includes(lineOf(match)));
    const seen = new Set(theirs.map(({ item }) => toLine(item, '')));
    const missed = extra.filter((match) => !seen.has(toLine(match.package, '')) && !isSystemPackage(match.package));
    const confirmed = new Set(missed.length === 0 ? [] : theirLines(osvScannerOf([...new Set(missed.map((match) => match.package))])));
    expect(extra.filter((match) => !confirmed.has(lineOf(match)) && reasonOf(match) === undefined).map(lineOf)).toEqual([]);
    found.set(name, [expected.length, ours.size, extra.length]);
  },
);

test('there was something to compare', () => {
  console.table([...found].map(([image, [theirs, ours, extra]]) => ({ image, theirs, ours, 'ours alone': extra })));
  const sum = [...found.values()].reduce((total, [theirs]) => total + theirs, 0);
  expect(sum).toBeGreaterThan(shop === undefined ? 20 : 120);
});

/** Why a finding is right that osv-scanner does not have although it knows the package. */
function reasonOf({ package: item, advisory }: AdvisoryMatch): string | undefined {
  const recorded = (advisory.affected ?? []).flatMap((affected) => affected.package?.ecosystem ?? []);
  const isOtherSuffix = !recorded.includes(item.ecosystem ?? '') && recorded.some((one) => toBase(one) === toBase(item.ecosystem ?? ''));
  if (isOtherSuffix) return 'osv-scanner 2.5.0 compares release suffixes literally';
  return item.ecosystem === 'Bitnami' && isInRange(item, advisory)
    ? 'it does not read Bitnami’s archive; node-semver says so too'
    : undefined;
}

/** By node-semver: Bitnami's events come in pairs, in ascending order, but for a flaw that nobody has fixed. */
function isInRange(item: Package, { affected = [] }: Advisory): boolean {
  const version = toSubject(item)?.version ?? '';
  const events = affected.flatMap(({ ranges = [] }) => ranges.flatMap((range) => range.events));
  return events.some(({ introduced }, index) => {
    if (introduced === undefined) return false;
    const { fixed } = events[index + 1] ?? {};
    return satisfies(version, `>=${introduced}${fixed === undefined ? '' : ` <${fixed}`}`);
  });
}

function lineOf(match: AdvisoryMatch): string {
  return toLine(match.package, match.advisory.id);
}

async function matchesIn(archive: string): Promise<readonly AdvisoryMatch[]> {
  const platforms = await inspectImage(`docker-archive:${archive}`);
  const packages = platforms.flatMap(({ inventory }) => inventory.packages).filter((item) => toSubject(item) !== undefined);
  await using source = openAdvisoryDirectory(shared('testdata/osv'));
  return (await source.match(packages)).matches;
}
