import { expect, test } from 'vitest';
import { toLicenceChoices } from '../../src/evidence/cyclonedx-licence.ts';
import { type Stated, toLicences } from '../../src/evidence/licence.ts';
import { type OtherLicence, toLicenceExpression } from '../../src/evidence/spdx-licence.ts';

const acknowledgement = 'declared';

function npm(licence: Stated['licence'] | undefined): Stated {
  return { type: 'npm', ...(licence === undefined ? {} : { licence }) };
}

test.each([
  ['MIT', { license: { id: 'MIT', acknowledgement } }],
  [' mit\n', { license: { id: 'MIT', acknowledgement } }],
  ['GPL-2.0', { license: { id: 'GPL-2.0', acknowledgement } }],
  ['GPL-2.0+', { expression: 'GPL-2.0+', acknowledgement }],
  ['Apache-2.0+', { expression: 'Apache-2.0+', acknowledgement }],
  ['(MIT OR Apache-2.0)', { expression: '(MIT OR Apache-2.0)', acknowledgement }],
  ['GPL-2.0-or-later WITH Classpath-exception-2.0', { expression: 'GPL-2.0-or-later WITH Classpath-exception-2.0', acknowledgement }],
  ['LicenseRef-ours', { expression: 'LicenseRef-ours', acknowledgement }],
  ['MIT AND', { license: { name: 'MIT AND', acknowledgement } }],
  ['Classpath-exception-2.0', { license: { name: 'Classpath-exception-2.0', acknowledgement } }],
  ['GPL', { license: { name: 'GPL', acknowledgement } }],
  ['SEE LICENSE IN LICENSE.md', { license: { name: 'SEE LICENSE IN LICENSE.md', acknowledgement } }],
  ['constructor', { license: { name: 'constructor', acknowledgement } }],
])('%j', (stated, expected) => {
  expect(toLicenceChoices(npm(stated))).toEqual([expected]);
});

test.each([undefined, '', '  '])('%j is no licence', (stated) => {
  expect(toLicenceChoices(npm(stated))).toEqual([]);
});

test('parentheses without end are a name, not a crash', () => {
  for (const stated of ['('.repeat(1999), '('.repeat(1_000_000)])
    expect(toLicenceChoices(npm(stated))).toMatchObject([{ license: { name: stated } }]);
});

test('several licences are one expression where all are valid and one is an expression, else ids and names', () => {
  expect(toLicenceChoices(npm(['MIT', 'Zlib']))).toEqual(['MIT', 'Zlib'].map((id) => ({ license: { id, acknowledgement } })));
  expect(toLicenceChoices(npm(['MIT', 'GPL-2.0-only OR Zlib']))).toEqual([
    { expression: 'MIT AND (GPL-2.0-only OR Zlib)', acknowledgement },
  ]);
  expect(toLicenceChoices(npm(['MIT', 'GPL-2.0-only OR Zlib', 'ours']))).toEqual([
    { license: { id: 'MIT', acknowledgement } },
    { license: { name: 'GPL-2.0-only OR Zlib', acknowledgement } },
    { license: { name: 'ours', acknowledgement } },
  ]);
});

test.each<[string | readonly string[] | undefined, string, readonly string[]]>([
  [undefined, 'NOASSERTION', []],
  ['mit', 'MIT', []],
  ['(MIT OR Apache-2.0)', '(MIT OR Apache-2.0)', []],
  [['MIT', 'BSD-3-Clause OR Zlib'], 'MIT AND (BSD-3-Clause OR Zlib)', []],
  ['GPL', 'LicenseRef-GPL', ['GPL']],
  ['MIT OR LicenseRef-ours', 'MIT OR LicenseRef-ours', ['LicenseRef-ours']],
  [['MIT', 'SEE LICENSE IN x/y'], 'MIT AND LicenseRef-SEE-LICENSE-IN-x-y-bb5e8ad4', ['SEE LICENSE IN x/y']],
  ['DocumentRef-a:LicenseRef-b', 'LicenseRef-DocumentRef-a-LicenseRef-b-a63f0cd2', ['DocumentRef-a:LicenseRef-b']],
])('%j is an expression of SPDX', (stated, expression, names) => {
  const others = new Map<string, OtherLicence>();
  expect(toLicenceExpression(npm(stated), others)).toBe(expression);
  expect([...others.values()].map(({ extractedText }) => extractedText)).toEqual(names);
  for (const id of others.keys()) expect(expression).toContain(id);
});

test('names that differ in what an id cannot hold have different ids', () => {
  const others = new Map<string, OtherLicence>();
  for (const name of ['a b', 'a_b', 'a-b']) toLicenceExpression(npm(name), others);
  expect(others.size).toBe(3);
  for (const id of others.keys()) expect(id).toMatch(/^LicenseRef-[A-Za-z0-9.-]+$/);
});

test.each([
  ['GPL-2+', 'GPL-2.0-or-later'],
  ['gpl-3', 'GPL-3.0-only'],
  ['LGPL-2.1+', 'LGPL-2.1-or-later'],
  ['LGPL-2+', 'LGPL-2.0-or-later'],
  ['AGPL-3', 'AGPL-3.0-only'],
  ['GFDL-1.3', 'GFDL-1.3-only'],
  ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
  ['Expat', 'MIT'],
  ['BSD-3-clause', 'BSD-3-Clause'],
  ['Apache-2', 'Apache-2.0'],
  ['GPL-2+ or LGPL-3+', 'GPL-2.0-or-later OR LGPL-3.0-or-later'],
  ['GPL-3+ and ISC', 'GPL-3.0-or-later AND ISC'],
  ['ISC and/or LGPL-2.1+', 'ISC OR LGPL-2.1-or-later'],
  // What SPDX has no word for, or another one in another version, stays as it stands.
  ['GPL-4', 'GPL-4'],
  ['GPL', 'GPL'],
  ['common-licenses/GPL-2', 'common-licenses/GPL-2'],
  ['GPL-2+ or Artistic, and BSD-3-clause', 'GPL-2+ or Artistic, and BSD-3-clause'],
  ['GPL-3+ with Bison exception', 'GPL-3+ with Bison exception'],
  ['GPL-2+ or MIT-like', 'GPL-2+ or MIT-like'],
  ['public-domain', 'public-domain'],
])("Debian's %j is %j", (licence, text) => {
  expect(toLicences({ type: 'deb', licence }).map((item) => item.text)).toEqual([text]);
  expect(toLicences({ type: 'npm', licence: 'GPL-2+' })).toEqual([{ kind: 'name', text: 'GPL-2+' }]);
});

test('equal licences are one, and those that Alpine put side by side are several', () => {
  expect(toLicences({ type: 'deb', licence: ['BSD-3-clause', 'BSD-3-Clause'] })).toEqual([{ kind: 'id', text: 'BSD-3-Clause' }]);
  const texts = (licence: string) => toLicences({ type: 'apk', licence }).map(({ text }) => text);
  expect(texts('MIT BSD GPL2+')).toEqual(['MIT', 'BSD', 'GPL2+']);
  expect(texts('MIT AND BSD-2-Clause')).toEqual(['MIT AND BSD-2-Clause']);
  expect(texts('MIT and BSD')).toEqual(['MIT and BSD']);
  expect(texts('Public Domain')).toEqual(['Public Domain']);
});
