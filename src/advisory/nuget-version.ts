import { compareDigits, compareText, type VersionOrder, versionLengthLimit } from './version-order.ts';

/**
 * NuGet's order (https://learn.microsoft.com/en-us/nuget/concepts/package-versioning; NuGet.Versioning, VersionComparer.Default): one to four
 * numbers, labels of a pre-release without regard to case, build metadata without effect.
 */
export const nugetVersionOrder: VersionOrder = {
  isVersion: (text) => parseNugetVersion(text) !== undefined,
  compare(a, b) {
    const left = parseNugetVersion(a);
    const right = parseNugetVersion(b);
    return left === undefined || right === undefined ? undefined : compareVersions(left, right);
  },
};

interface NugetVersion {
  readonly numbers: readonly string[];
  readonly labels: readonly string[];
}

const pattern = /^([0-9]+(?:\.[0-9]+){0,3})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const intLimit = 2 ** 31;

function parseNugetVersion(text: string): NugetVersion | undefined {
  const match = text.length > versionLengthLimit ? null : pattern.exec(text);
  const numbers = match?.[1]?.split('.') ?? [];
  const labels = match?.[2]?.split('.') ?? [];
  const isValid = numbers.every((number) => Number(number) < intLimit) && !labels.some((label) => /^0[0-9]+$/.test(label));
  return match !== null && isValid ? { numbers, labels } : undefined;
}

function compareVersions(a: NugetVersion, b: NugetVersion): number {
  for (let index = 0; index < 4; index += 1) {
    const difference = compareDigits(a.numbers[index] ?? '0', b.numbers[index] ?? '0');
    if (difference !== 0) return difference;
  }
  if (a.labels.length === 0 || b.labels.length === 0) return Number(a.labels.length === 0) - Number(b.labels.length === 0);
  for (const [index, left] of a.labels.entries()) {
    const right = b.labels[index];
    const difference = right === undefined ? 1 : compareLabels(left, right);
    if (difference !== 0) return difference;
  }
  return a.labels.length - b.labels.length;
}

/** A number is what .NET reads as a signed one of 32 bits: it comes before all else. */
function compareLabels(a: string, b: string): number {
  const [left, right] = [toInt(a), toInt(b)];
  if (left !== undefined && right !== undefined) return left - right;
  if (left !== undefined || right !== undefined) return left === undefined ? 1 : -1;
  return compareText(a.toUpperCase(), b.toUpperCase());
}

function toInt(label: string): number | undefined {
  const value = /^-?[0-9]+$/.test(label) ? Number(label) : Number.NaN;
  return value >= -intLimit && value < intLimit ? value : undefined;
}
