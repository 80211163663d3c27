import { createHash } from 'node:crypto';
import { toClipped, toVisibleLine } from '../lib/visible-text.ts';
import type { Advisory, AdvisoryAnswer, AdvisoryMatch } from '../model/advisory.ts';
import { type Exploitation, nothingOfExploitation } from '../model/exploitation.ts';
import type { MalwareFinding, VulnerabilityFinding } from '../model/finding.ts';
import type { Package } from '../model/package.ts';
import { summaryOf } from './advisory-summary.ts';
import { advisoryUrl } from './advisory-url.ts';
import { isSameEcosystem, toSubject } from './ecosystem.ts';
import { toExploitationFacts } from './exploitation.ts';
import { malwareRemedy, vulnerabilityRemedy } from './remedy.ts';
import { rate } from './severity.ts';
import { groupMatches, type VulnerabilityGroup } from './vulnerability-group.ts';

/**
 * One finding for each vulnerability of each package, whatever number of records speak of it. A record of a malicious package (`MAL-…`, or one that is
 * put under embedded malicious code, CWE-506) makes it a malware finding, whose rule is that id. `platforms` are those of the image that holds the packages.
 */
export function toAdvisoryFindings(
  answer: AdvisoryAnswer,
  platforms: readonly string[],
  exploitation: Exploitation = nothingOfExploitation,
): readonly (VulnerabilityFinding | MalwareFinding)[] {
  const byPackage = new Map<Package, AdvisoryMatch[]>();
  for (const match of answer.matches) {
    const matches = byPackage.get(match.package);
    if (matches === undefined) byPackage.set(match.package, [match]);
    else matches.push(match);
  }
  const findings = [...byPackage].flatMap(([item, matches]) =>
    groupMatches(matches).map((group) => toMalware(item, group, platforms) ?? toVulnerability(item, group, platforms, exploitation)),
  );
  return [...new Map(findings.map((finding) => [finding.fingerprint, finding])).values()];
}

function toVulnerability(
  item: Package,
  group: VulnerabilityGroup,
  platforms: readonly string[],
  exploitation: Exploitation,
): VulnerabilityFinding {
  const [advisory] = group.ids;
  const fixedVersion = fixedVersionOf(item, group.matches);
  return {
    kind: 'vulnerability',
    fingerprint: toFingerprint('vulnerability', advisory, item),
    ...rate(
      group.matches.map((match) => match.advisory),
      (ecosystem) => isSameEcosystem(ecosystem, item.ecosystem ?? ''),
    ),
    title: toTitle(`${advisory} in ${item.name} ${item.version}`, group.matches),
    remedy: toVisibleLine(vulnerabilityRemedy(item, advisory, fixedVersion)),
    path: item.path,
    layer: item.layer,
    platforms,
    advisory,
    ids: group.ids,
    url: advisoryUrl(advisory, item, group.matches[0]?.advisory.id ?? advisory),
    package: item,
    fixedVersion,
    ...toExploitationFacts(group.ids, group.matches, exploitation),
  };
}

function toMalware(item: Package, group: VulnerabilityGroup, platforms: readonly string[]): MalwareFinding | undefined {
  const rule = group.ids.find((id) => id.startsWith('MAL-')) ?? group.matches.find(({ advisory }) => isOfMalice(advisory))?.advisory.id;
  if (rule === undefined) return undefined;
  return {
    kind: 'malware',
    fingerprint: toFingerprint('malware', rule, item),
    severity: 'critical',
    title: toTitle(`malicious package ${item.name} ${item.version} (${rule})`, group.matches),
    remedy: toVisibleLine(malwareRemedy(item)),
    path: item.path,
    layer: item.layer,
    platforms,
    rule,
    deletedLater: false,
  };
}

/** https://cwe.mitre.org/data/definitions/506.html: GitHub's advisories of malware have it. */
function isOfMalice({ database_specific }: Advisory): boolean {
  const weaknesses = database_specific?.cwe_ids;
  return Array.isArray(weaknesses) && weaknesses.includes('CWE-506');
}

/** Every record has to be satisfied: the highest of their fixed versions. */
function fixedVersionOf(item: Package, matches: readonly AdvisoryMatch[]): string | undefined {
  const order = toSubject(item)?.order;
  const versions = matches.flatMap(({ fixedVersion }) => fixedVersion ?? []);
  return versions.reduce<string | undefined>(
    (highest, version) => (highest === undefined || (order?.compare(version, highest) ?? 0) > 0 ? version : highest),
    undefined,
  );
}

const titleLimit = 240;

/** The publisher's summary, or the first sentence of the details where it wrote none. */
function toTitle(subject: string, matches: readonly AdvisoryMatch[]): string {
  const texts = matches.map(({ advisory }) => summaryOf(advisory));
  const summary = texts.find((text) => text !== undefined && text.trim() !== '');
  const title = summary === undefined ? subject : `${subject}: ${summary}`;
  return toClipped(toVisibleLine(title.replace(/\s+/g, ' ').trim()), titleLimit);
}

/** Version and architecture stay out, so that a rebuild, and a bump that does not fix it, leave it the same. */
function toFingerprint(kind: string, id: string, { type, name, path }: Package): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, id, type, name, path]))
    .digest('hex')
    .slice(0, 16);
}
