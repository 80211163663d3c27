import type { PackageRecord } from '../../model/package.ts';

const projectName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?$/;
const projectVersion = /^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,250}$/;

export function isProjectName(name: string): boolean {
  return projectName.test(name);
}

export function isProjectVersion(version: string): boolean {
  return projectVersion.test(version);
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ (PEP 503). */
export function toProjectName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** The record of a PyPI package, undefined where name or version is none. */
export function toPythonRecord(name: unknown, version: unknown): PackageRecord | undefined {
  if (typeof name !== 'string' || typeof version !== 'string' || !isProjectName(name) || !isProjectVersion(version)) return undefined;
  return { type: 'pypi', name: toProjectName(name), version };
}
