import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toLicences } from '../../src/evidence/licence.ts';
import type { Package } from '../../src/model/package.ts';
import { buildImage, recipes } from './comparison/built-images.ts';
import { keyText, toOwnKey } from './comparison/package-key.ts';
import { findLicences } from './comparison/peer-inventory.ts';
import { inspectOnePlatform } from './own-inventory.ts';
import { shared } from './peers.ts';

/** The licences of real packages beside those that syft finds. */
async function compareLicences(archive: string) {
  const theirs = await findLicences(archive);
  const { inventory } = await inspectOnePlatform(`docker-archive:${archive}`);
  return inventory.packages.flatMap((item) => {
    const found = theirs.get(keyText(toOwnKey(item)));
    return found === undefined ? [] : [{ item, ours: toLicences(item), theirs: [...found].sort() }];
  });
}

function recipe(name: string): Promise<string> {
  const found = recipes.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no recipe ${name}`);
  return buildImage(found);
}

const named = ({ type, name }: Package) => `${type} ${name}`;

describe('are those of syft', () => {
  test.each([
    // `GPL2+` is no name of SPDX's, which syft knows all the same.
    ['alpine', async () => join(shared('testdata/images'), 'containerd-archives/alpine.tar'), ['apk musl-utils']],
    // Its metadata have `BSD License`; syft has compared the text of the licence.
    ['npm and Python', () => recipe('languages'), ['pypi idna']],
  ])('for %s', async (_what, archive, others) => {
    const compared = await compareLicences(await archive());
    expect(compared.length).toBeGreaterThan(10);
    const different = compared.filter(({ ours, theirs }) => {
      return JSON.stringify(ours.map(({ text }) => text).sort()) !== JSON.stringify(theirs);
    });
    expect(different.map(({ item }) => named(item))).toEqual(others);
  });
});

/**
 * syft takes each word of Debian's choices for a licence and adds what the prose refers to (`GPL-2.0-only` of `GPL-2+`); we leave choices whole, and name
 * what is in the prose apart. So the packages that have any are compared, and that syft has each id that stands
 * alone, but for those that it has not read (`License: CC0-1.0` of Perl) or has no word for.
 */
describe.each([
  // Texts without names, which syft compares with those that it knows.
  ['bullseye', ['deb libdebconfclient0', 'deb libssl1.1'], /^deb (?:libtirpc|perl-base CC0)/],
  ['bookworm', [], /^deb (?:\S+ GFDL-1\.3-no-invariants|libmd0 BSD-2-Clause-NetBSD|perl-base CC0)/],
])('for Debian %s', (name, unnamed, unknownToSyft) => {
  test('each package that has one with syft has one with us', async () => {
    const compared = await compareLicences(await recipe(name));
    expect(compared.length).toBeGreaterThan(80);
    const missing = compared.filter(({ ours, theirs }) => ours.length === 0 && theirs.some((text) => !text.startsWith('sha256:')));
    expect(missing.map(({ item }) => named(item))).toEqual(unnamed);
    const additional = compared.flatMap(({ item, ours, theirs }) => {
      const known = new Set(theirs.map((text) => (text === 'Expat' ? 'MIT' : text).toLowerCase()));
      return ours.filter(({ kind, text }) => kind === 'id' && !known.has(text.toLowerCase())).map(({ text }) => `${named(item)} ${text}`);
    });
    expect(additional.filter((text) => !unknownToSyft.test(text))).toEqual([]);
  });
});
