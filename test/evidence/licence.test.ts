import { expect, test } from 'vitest';
import { toLicenceChoices } from '../../src/evidence/cyclonedx-licence.ts';
import { type OtherLicence, toLicenceExpression } from '../../src/evidence/spdx-licence.ts';

const acknowledgement = 'declared';

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
  expect(toLicenceChoices(stated)).toEqual([expected]);
});

test.each([undefined, '', '  '])('%j is no licence', (stated) => {
  expect(toLicenceChoices(stated)).toEqual([]);
});

test('parentheses without end are a name, not a crash', () => {
  for (const stated of ['('.repeat(1999), '('.repeat(1_000_000)])
    expect(toLicenceChoices(stated)).toMatchObject([{ license: { name: stated } }]);
});

test('several licences are one expression where all are valid and one is an expression, else ids and names', () => {
  expect(toLicenceChoices(['MIT', 'Zlib'])).toEqual(['MIT', 'Zlib'].map((id) => ({ license: { id, acknowledgement } })));
  expect(toLicenceChoices(['MIT', 'GPL-2.0-only OR Zlib'])).toEqual([{ expression: 'MIT AND (GPL-2.0-only OR Zlib)', acknowledgement }]);
  expect(toLicenceChoices(['MIT', 'GPL-2.0-only OR Zlib', 'ours'])).toEqual([
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
  expect(toLicenceExpression(stated, others)).toBe(expression);
  expect([...others.values()].map(({ extractedText }) => extractedText)).toEqual(names);
  for (const id of others.keys()) expect(expression).toContain(id);
});

test('names that differ in what an id cannot hold have different ids', () => {
  const others = new Map<string, OtherLicence>();
  for (const name of ['a b', 'a_b', 'a-b']) toLicenceExpression(name, others);
  expect(others.size).toBe(3);
  for (const id of others.keys()) expect(id).toMatch(/^LicenseRef-[A-Za-z0-9.-]+$/);
});
