import type { PackageRecord } from '../../model/package.ts';
import { type Fields, textsOf } from './document.ts';
import { statedLicence } from './licence.ts';

/** https://getcomposer.org/doc/04-schema.md#name, in the letter case that Composer compares names in. */
const packageName = /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/;
const packageVersion = /^[A-Za-z0-9][\w.+~#/-]{0,250}$/;

/** The record of a package of `installed.json` or `composer.lock`, undefined where name or version is none. */
export function toComposerRecord({ name, version, license }: Fields): PackageRecord | undefined {
  if (typeof name !== 'string' || typeof version !== 'string' || name.length > 250) return undefined;
  const lower = name.toLowerCase();
  if (!packageName.test(lower) || !packageVersion.test(version)) return undefined;
  return { type: 'composer', name: lower, version, ...statedLicence(textsOf(license)) };
}
