import type { PackageRecord } from '../../model/package.ts';

/** https://learn.microsoft.com/nuget/reference/nuspec#id and https://learn.microsoft.com/nuget/concepts/package-versioning */
const packageId = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
const packageVersion = /^\d[0-9A-Za-z.+-]{0,250}$/;

/** The record of a NuGet package, undefined where name or version is none. Names keep their letter case, though NuGet does not tell names apart by it. */
export function toNugetRecord(name: string, version: unknown): PackageRecord | undefined {
  if (typeof version !== 'string' || !packageId.test(name) || !packageVersion.test(version)) return undefined;
  return { type: 'nuget', name, version };
}
