import { describe, expect, test } from 'vitest';
import { escapeGlob, globLengthLimit, isGlobMatch, parseGlob } from '../../src/policy/glob.ts';

const paths: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ['srv/app', ['srv/app'], ['srv/app/x', 'xsrv/app', 'srv/ap', 'SRV/app', '']],
  ['srv/*', ['srv/a', 'srv/.env', 'srv/'], ['srv', 'srv/a/b']],
  ['srv/**', ['srv/a', 'srv/a/b/c'], ['srv', 'xsrv/a']],
  ['**/id_rsa', ['id_rsa', 'root/.ssh/id_rsa', 'a/id_rsa'], ['xid_rsa', 'root/xid_rsa', 'id_rsa/x', '/id_rsa']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['a/xb', 'ab', 'a/x/yb', 'a//b']],
  ['a**b', ['ab', 'a/x/b', 'axb'], ['b', 'a/x']],
  ['**', ['', 'a', 'a/b'], []],
  ['*.pem', ['x.pem', '.pem'], ['a/x.pem', 'x.pemx']],
  ['a?c', ['abc', 'a☃c', 'a😀c'], ['ac', 'a/c', 'abbc']],
  ['\\*\\?\\\\', ['*?\\'], ['a?\\', '\\*\\?\\\\']],
  ['[ab]{c,d}+(e).', ['[ab]{c,d}+(e).'], ['ac', 'a']],
  ['***/x', ['a/x', '/x'], ['x']],
];

describe('patterns for paths', () => {
  test.each(paths)('%s', (pattern, matching, other) => {
    const glob = parseGlob(pattern, { separated: true });
    expect(matching.filter((text) => !isGlobMatch(glob, text))).toEqual([]);
    expect(other.filter((text) => isGlobMatch(glob, text))).toEqual([]);
  });
});

test('in names, * also takes /', () => {
  expect(isGlobMatch(parseGlob('@babel*', { separated: false }), '@babel/core')).toBe(true);
  expect(isGlobMatch(parseGlob('*core', { separated: false }), '@babel/core')).toBe(true);
  expect(isGlobMatch(parseGlob('*', { separated: false }), '@babel/core')).toBe(true);
  expect(isGlobMatch(parseGlob('**/core', { separated: false }), '@babel/core')).toBe(true);
});

test('an escaped text matches itself and nothing else', () => {
  for (const text of ['a*b', '**', 'a\\b', '??', 'plain', '\\', 'a\\*']) {
    const glob = parseGlob(escapeGlob(text), { separated: true });
    expect(isGlobMatch(glob, text)).toBe(true);
    expect(isGlobMatch(glob, `${text}x`)).toBe(false);
    expect(isGlobMatch(glob, text.replace(/[*?]/, 'y'))).toBe(!/[*?]/.test(text));
  }
});

test.each(['*a', '**/a', 'a*', '?*', '**a'])('time is linear in the text: %s, repeated', (part) => {
  const glob = parseGlob(`${part.repeat(Math.floor(globLengthLimit / 8 / part.length))}b`, { separated: true });
  const cpuMs = (length: number): number => {
    const text = 'a'.repeat(length);
    const times = [1, 2, 3, 4, 5].map(() => {
      const before = process.cpuUsage();
      expect(isGlobMatch(glob, text)).toBe(false);
      // Both: how the system splits a short time between them is a guess, which may leave 0 to one.
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    return Math.min(...times);
  };
  cpuMs(10_000);
  expect(cpuMs(20_000) / cpuMs(5_000)).toBeLessThan(4 * 2.3);
});
