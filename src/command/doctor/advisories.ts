import type { Check, CheckOutcome } from '../../model/check.ts';
import type { Package } from '../../model/package.ts';
import { findStaleAdvisories } from '../../policy/advisory-age.ts';
import { decide } from '../../policy/decide.ts';
import { parseReference } from '../../registry/reference.ts';
import { findAdvisories } from '../advisories.ts';
import { readPolicy } from '../resources.ts';
import { type Case, checkNames } from './case.ts';

/** A package that every database of npm has advisories of. */
const asked: Package = {
  type: 'npm',
  name: 'lodash',
  version: '4.17.4',
  purl: 'pkg:npm/lodash@4.17.4',
  ecosystem: 'npm',
  path: 'package.json',
  layer: 0,
};

/** The source of advisories answers, and is as new as the policy wants it. */
export function advisoriesCheck(given: Case): Check {
  return { name: 'advisories', needs: ['policy', ...needsOf(given)], run: () => askSource(given) };
}

function needsOf({ settings, needsOf: needsOfRegistry }: Case): readonly string[] {
  const { advisories, advisoriesCertificate, signing } = settings;
  if (advisories.kind === 'service') return [checkNames.network(new URL(advisories.url).host)];
  if (advisories.kind === 'path') return [];
  const trusts = advisoriesCertificate === undefined && signing !== undefined ? [checkNames.signingKey] : [];
  return [...needsOfRegistry(parseReference(advisories.reference).registry), ...trusts];
}

async function askSource({ settings, host, world, credentials, signer }: Case): Promise<CheckOutcome> {
  const open = await findAdvisories(settings, host, world);
  const isSigners = settings.advisories.kind === 'registry' && settings.signing !== undefined;
  await using source = await open(credentials(), isSigners ? await signer() : undefined);
  const { matches, newest, created, asOf = newest } = await source.match([asked]);
  const policy = await readPolicy(settings, host.workspace);
  const gaps = findStaleAdvisories(policy, { source: source.name, asOf }, world.now());
  const { kind } = decide({ policy, findings: [], gaps, now: world.now() });
  const made = created === undefined ? '' : `, made at ${created}`;
  const text = `${source.name} answers${made}, knows up to ${asOf ?? 'a time that it does not tell'} (${matches.length} advisories of ${asked.name} ${asked.version})`;
  if (gaps[0] === undefined) return { state: 'right', text };
  const hint = 'Put a newer snapshot in place (image-custody mirror), or allow an older one in the policy (advisories: max-age).';
  return { state: kind === 'pass' ? 'warning' : 'wrong', text: `${text}; ${gaps[0].reason}`, hint };
}
