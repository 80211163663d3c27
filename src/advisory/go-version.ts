import { compareSemver, parseSemver, type Semver } from './semver-version.ts';
import { type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * The order of Go's modules (https://go.dev/ref/mod#versions: semantic versions, pseudo-versions among them), with or without `v`, and of Go itself,
 * whose releases are written otherwise (`go1.21rc2`) where records have `1.21.0-rc.2`. `(devel)` is no version.
 */
export const goVersionOrder: VersionOrder = {
  isVersion: (text) => parseGoVersion(text) !== undefined,
  compare(a, b) {
    const left = parseGoVersion(a);
    const right = parseGoVersion(b);
    return left === undefined || right === undefined ? undefined : compareSemver(left, right);
  },
};

/** As records and services write it: without `v`, and a release of Go (`1.21rc2`) as a semantic version (`1.21.0-rc.2`). What is none stays as it is. */
export function toRecordedVersion(text: string): string {
  const version = toolchain.test(text) ? parseGoVersion(text) : undefined;
  if (version === undefined) return text.replace(/^v(?=[0-9])/, '');
  return version.numbers.join('.') + (version.pre.length === 0 ? '' : `-${version.pre.join('.')}`);
}

/**
 * https://pkg.go.dev/go/version: what follows a hyphen says who built it, what follows a space (`X:…`) how. A module version that only looks like
 * one (`1.2-rc.1`) has no pre-release that touches its number, and no `go` before it.
 */
const toolchain =
  /^(?:go(?=[0-9])([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:(alpha|beta|rc)([0-9]+))?(?:[- ].*)?|([0-9]+)\.([0-9]+)(alpha|beta|rc)([0-9]+))$/;

function parseGoVersion(text: string): Semver | undefined {
  if (text.length > versionLengthLimit) return undefined;
  const match = toolchain.exec(text);
  if (match === null) return parseSemver(text);
  const [, major = match[6] ?? '0', minor = match[7] ?? '0', patch = '0', stage = match[8], number = match[9] ?? '0'] = match;
  return { numbers: [major, minor, patch], pre: stage === undefined ? [] : [stage, number] };
}
