import { expect, test } from 'vitest';
import { rpmVersionOrder } from '../../src/advisory/rpm-version.ts';

/** In rpm's order: of rpm's own tests (tests/rpmvercmp.at), and releases as distributions write them. */
test.each([
  [['1.0~rc1', '1.0', '1.0^git1', '1.0.1']],
  [['1.0~rc1~git123', '1.0~rc1', '1.0~rc1^git1', '1.0~rc2']],
  [['1.0^git1~pre', '1.0^git1', '1.0^git2', '1.01']],
  [['5.5p1', '5.5p10', '5.6p1']],
  [['10xyz', '10.1xyz']],
  [['xyz.4', '2.0', '8', '8.0']],
  [['6.0', '6.0.rc1', '6.5.0']],
  [['1.0-1', '1.0-1.el9', '1.0-1.el9_2', '1.0-2', '1:0.1-1', '2:0.1-1']],
  [['1.0', '1.0-1']],
  [['2.17-260.el7_6.3', '2.17-292.el7', '2.17-307.el7.1']],
])('%j ascend', (versions) => {
  for (const [at, version] of versions.entries()) {
    expect(rpmVersionOrder.isVersion(version)).toBe(true);
    for (const [other, against] of versions.entries()) {
      expect(Math.sign(rpmVersionOrder.compare(version, against) ?? Number.NaN), `${version} and ${against}`).toBe(Math.sign(at - other));
    }
  }
});

test.each([
  ['1.0-1', '0:1.0-1'],
  ['1.0-1', ':1.0-1'],
  ['1.05', '1.5'],
  ['1.0a', '1.0.a'],
  ['1..0', '1.0'],
  ['1_0', '1.0'],
])('%s is %s', (a, b) => expect(rpmVersionOrder.compare(a, b)).toBe(0));

test.each(['', '-1', '1:', '1.0 2', '1.0\u00e4', '1'.repeat(600)])('%j is no version', (text) => {
  expect(rpmVersionOrder.isVersion(text)).toBe(false);
  expect(rpmVersionOrder.compare(text, '1')).toBeUndefined();
});
