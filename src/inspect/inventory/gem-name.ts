import type { PackageRecord } from '../../model/package.ts';
import { statedLicence } from './licence.ts';

/** Gem::Specification::VALID_NAME_PATTERN and Gem::Version::VERSION_PATTERN, bounded. */
const gemName = /^[A-Za-z0-9._-]{1,250}$/;
const gemVersion = /^\d[0-9A-Za-z.-]{0,250}$/;

/** The record of a gem, undefined where name or version is none. */
export function toGemRecord(name: string, version: string, licences: readonly string[] = []): PackageRecord | undefined {
  if (!gemName.test(name) || !gemVersion.test(version)) return undefined;
  return { type: 'gem', name, version, ...statedLicence(licences) };
}
