import { expect, test } from 'vitest';
import { parseChallenges } from '../../src/registry/challenge.ts';

function parse(header: string) {
  return parseChallenges(header)?.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test.each<[string, unknown]>([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [['bearer', { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' }]],
  ],
  ['Basic realm="here"', [['basic', { realm: 'here' }]]],
  ['BEARER Realm = x , service=y', [['bearer', { realm: 'x', service: 'y' }]]],
  [
    'Basic realm="a, b", Bearer realm="c"',
    [
      ['basic', { realm: 'a, b' }],
      ['bearer', { realm: 'c' }],
    ],
  ],
  [
    'Negotiate, Basic realm="a"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'a' }],
    ],
  ],
  [
    'Negotiate YII=, Basic realm=a',
    [
      ['negotiate', {}],
      ['basic', { realm: 'a' }],
    ],
  ],
  ['Basic', [['basic', {}]]],
  ['Bearer realm=', [['bearer', {}]]],
  ['Bearer realm="a\\"b\\\\c"', [['bearer', { realm: 'a"b\\c' }]]],
  ['', []],
])('reads %s', (header, expected) => {
  expect(parse(header)).toEqual(expected);
});

test.each([
  'Bearer realm="a',
  'Bearer realm="a" service="b"',
  'Bearer realm="a",realm="b"',
  'Bearer realm="a",Realm="b"',
  'realm="a"',
  'Bearer realm="a\r\nX: y"',
  'Bearer =x',
  '"Bearer"',
  `Bearer realm="${'a'.repeat(9000)}"`,
  Array.from({ length: 9 }, () => 'Basic realm=a').join(', '),
])('refuses %s', (header) => {
  expect(parse(header)).toBeUndefined();
});

test('comes to an end at its bound', () => {
  for (const header of [
    `Bearer ${'a'.repeat(8000)}`,
    `Bearer ${'a='.repeat(4000)}`,
    `${' ,'.repeat(4000)}x`,
    `Bearer a="${'\\"'.repeat(4000)}`,
  ])
    parse(header);
});
