import { PackageURL } from 'packageurl-js';
import { describe, expect, test } from 'vitest';
import { type PackageUrlParts, toPackageUrl } from '../../src/lib/package-url.ts';
import suite from './package-url-suite.json' with { type: 'json' };

/** The cases "build" of the standard's test suite, of the types that are written (github.com/package-url/purl-spec, tests/types; MIT). */
describe('the test suite of the standard', () => {
  test.each(suite)('$output', ({ input, output }) => {
    expect(toPackageUrl(input as PackageUrlParts)).toBe(output);
  });
});

test.each<[PackageUrlParts, string]>([
  [
    { type: 'deb', namespace: 'debian', name: 'libstdc++6', version: '12.2.0-14+deb12u1~x' },
    'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1~x',
  ],
  [{ type: 'npm', namespace: '@a', name: "b!'()*c", version: '1' }, 'pkg:npm/%40a/b%21%27%28%29%2Ac@1'],
  [{ type: 'npm', name: 'a?b#c@d', version: '1?2#3@4' }, 'pkg:npm/a%3Fb%23c%40d@1%3F2%233%404'],
  [{ type: 'npm', name: 'a+b' }, 'pkg:npm/a%2Bb'],
])('%j is %s, and is read back', (parts, text) => {
  expect(toPackageUrl(parts)).toBe(text);
  const { type, namespace, name, version } = PackageURL.fromString(text);
  expect({ type, namespace, name, version }).toEqual({ namespace: undefined, version: undefined, ...parts });
});
