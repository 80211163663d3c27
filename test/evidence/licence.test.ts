import { expect, test } from 'vitest';
import { toLicences } from '../../src/evidence/licence.ts';

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
  expect(toLicences(stated)).toEqual([expected]);
});

test.each([undefined, '', '  '])('%j is no licence', (stated) => {
  expect(toLicences(stated)).toEqual([]);
});

test('parentheses without end are a name, not a crash', () => {
  for (const stated of ['('.repeat(1999), '('.repeat(1_000_000)]) expect(toLicences(stated)).toMatchObject([{ license: { name: stated } }]);
});
