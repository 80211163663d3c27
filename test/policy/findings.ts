import type { CoverageGap, MalwareFinding, MisconfigurationFinding, SecretFinding, VulnerabilityFinding } from '../../src/model/finding.ts';
import type { Package } from '../../src/model/package.ts';

const shared = { fingerprint: '0123456789abcdef', title: 'title', remedy: 'remedy', layer: 1, platforms: ['linux/amd64'] } as const;

export function vulnerability(fields: Partial<VulnerabilityFinding> = {}, item: Partial<Package> = {}): VulnerabilityFinding {
  const named: Package = {
    type: 'deb',
    name: 'libssl3',
    version: '3.0.9-1',
    source: { name: 'openssl', version: '3.0.9-1' },
    purl: 'pkg:deb/debian/libssl3@3.0.9-1',
    ecosystem: 'Debian:12',
    path: 'var/lib/dpkg/status',
    layer: 0,
    ...item,
  };
  return {
    ...shared,
    kind: 'vulnerability',
    severity: 'high',
    path: named.path,
    advisory: 'CVE-2023-5363',
    ids: ['CVE-2023-5363', 'DSA-5532-1'],
    url: 'https://security-tracker.debian.org/tracker/CVE-2023-5363',
    package: named,
    fixedVersion: '3.0.11-1~deb12u2',
    cvss: undefined,
    ...fields,
  };
}

export function secret(fields: Partial<SecretFinding> = {}): SecretFinding {
  const own = {
    kind: 'secret',
    severity: 'critical',
    path: 'srv/shop/.env',
    rule: 'aws-access-key',
    preview: 'AKIA…',
    line: 2,
    deletedLater: false,
  } as const;
  return { ...shared, ...own, ...fields };
}

export function malware(fields: Partial<MalwareFinding> = {}): MalwareFinding {
  return { ...shared, kind: 'malware', severity: 'critical', path: 'srv/eicar.com', rule: 'eicar', deletedLater: false, ...fields };
}

export function misconfiguration(fields: Partial<MisconfigurationFinding> = {}): MisconfigurationFinding {
  return { ...shared, kind: 'misconfiguration', severity: 'medium', path: undefined, layer: undefined, rule: 'root-user', ...fields };
}

export function gap(fields: Partial<CoverageGap> = {}): CoverageGap {
  return { code: 'damaged', path: 'var/lib/dpkg/status', layer: 0, reason: 'line 3 is no field', ...fields };
}
