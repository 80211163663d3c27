import type { Advisory, Affected } from '../../model/advisory.ts';

/**
 * The advisories of the demo: three published records, shortened to what is matched and shown. GHSA records: GitHub Advisory Database,
 * CC-BY-4.0; DSA record: Debian Security Tracker.
 */
export const demoAdvisories: readonly Advisory[] = [
  {
    id: 'GHSA-xvch-5gv4-984h',
    modified: '2025-01-14T10:12:15.693708Z',
    aliases: ['CVE-2021-44906'],
    summary: 'Prototype Pollution in minimist',
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    affected: [npmRange('minimist', '1.0.0', '1.2.6', ['1.2.0']), npmRange('minimist', '0', '0.2.4')],
    database_specific: { severity: 'CRITICAL' },
  },
  {
    id: 'GHSA-vh95-rmgr-6w4m',
    modified: '2025-01-14T08:57:16.325412Z',
    aliases: ['CVE-2020-7598'],
    summary: 'Prototype Pollution in minimist',
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L' }],
    affected: [npmRange('minimist', '0', '0.2.1'), npmRange('minimist', '1.0.0', '1.2.3', ['1.2.0'])],
    database_specific: { severity: 'MODERATE' },
  },
  {
    id: 'DSA-5218-1',
    modified: '2022-08-25T00:00:00Z',
    upstream: ['CVE-2022-37434'],
    summary: 'zlib - security update',
    affected: [
      {
        package: { ecosystem: 'Debian:11', name: 'zlib', purl: 'pkg:deb/debian/zlib?arch=source' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1:1.2.11.dfsg-2+deb11u2' }] }],
        versions: ['1:1.2.11.dfsg-2+deb11u1'],
      },
    ],
  },
];

/** The stand-in of osv.dev answers with the records that enumerate a version, as many of the real ones do. */
function npmRange(name: string, introduced: string, fixed: string, versions: readonly string[] = []): Affected {
  return {
    package: { ecosystem: 'npm', name, purl: `pkg:npm/${name}` },
    ranges: [{ type: 'SEMVER', events: [{ introduced }, { fixed }] }],
    versions,
  };
}
