import type { Finding, Severity } from '../../src/model/finding.ts';
import { compareFindings } from '../../src/model/finding.ts';
import type { Report } from '../../src/model/report.ts';
import type { Denial } from '../../src/model/verdict.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

export function vulnerability(fields: {
  advisory: string;
  name: string;
  version: string;
  severity: Severity;
  fixedVersion?: string;
  type?: 'npm' | 'deb';
  path?: string;
  line?: number;
  url?: string;
  summary?: string;
}): Finding {
  const {
    advisory,
    name,
    version,
    severity,
    fixedVersion,
    type = 'npm',
    path = `srv/shop/node_modules/${name}/package.json`,
    line = 5,
  } = fields;
  return {
    kind: 'vulnerability',
    fingerprint: `${advisory}-${name}-${version}`,
    severity,
    title: `${advisory} in ${name} ${version}${fields.summary === undefined ? '' : `: ${fields.summary}`}`,
    remedy: fixedVersion === undefined ? 'No fixed version is known yet.' : `Upgrade ${name} to ${fixedVersion}.`,
    path: type === 'deb' ? 'var/lib/dpkg/status' : path,
    layer: 3,
    platforms: ['linux/amd64'],
    advisory,
    ids: [advisory],
    url: fields.url ?? `https://osv.dev/vulnerability/${advisory}`,
    package: {
      type,
      name,
      version,
      purl: `pkg:${type}/${name}@${version}`,
      ecosystem: type === 'deb' ? 'Debian:12' : 'npm',
      path,
      layer: 3,
    },
    ...(type === 'deb' ? { fromBase: true } : {}),
    fixedVersion,
    cvss: undefined,
    attribution: {
      instruction: type === 'deb' ? 'FROM debian:bookworm' : 'COPY node/node_modules /srv/shop/node_modules',
      file: 'Dockerfile',
      line: type === 'deb' ? 1 : line,
    },
  };
}

function deny(rule: string, finding: Finding): Denial {
  const head = ['version: 1', 'extends: builtin', 'exceptions:'];
  const lines = [...head, `  - fingerprint: ${finding.fingerprint}`, '    reason: why', '    expires: 2026-12-31'];
  return { rule, finding, exception: lines.join('\n') };
}

const secret: Finding = {
  kind: 'secret',
  fingerprint: '5ec2e70000000001',
  severity: 'critical',
  title: 'AWS access key',
  remedy: 'Revoke the key, then build the image without the file.',
  path: 'srv/shop/.env',
  layer: 7,
  platforms: ['linux/amd64'],
  rule: 'aws-access-key',
  preview: 'AKIA…',
  line: 2,
  deletedLater: true,
  attribution: { instruction: 'COPY secrets/app.env /srv/shop/.env', file: 'Dockerfile', line: 9 },
};

const root: Finding = {
  kind: 'misconfiguration',
  fingerprint: '3001000000000001',
  severity: 'low',
  title: 'The image runs as root',
  remedy: 'Add a USER instruction.',
  path: undefined,
  layer: undefined,
  platforms: ['linux/amd64'],
  rule: 'runs-as-root',
};

/** A report as a reviewer gets it: a denied image, with one exception and one gap. */
export function deniedReport(): Report {
  const minimist: Finding = {
    ...vulnerability({
      advisory: 'CVE-2021-44906',
      name: 'minimist',
      version: '1.2.0',
      severity: 'critical',
      summary: 'Prototype Pollution in minimist',
      fixedVersion: '1.2.6',
    }),
    ...{ knownExploited: '2021-12-10', epss: { probability: 0.94358, percentile: 0.99958 } },
  };
  const ejs = vulnerability({ advisory: 'CVE-2022-29078', name: 'ejs', version: '3.1.5', severity: 'critical', fixedVersion: '3.1.7' });
  const axios = vulnerability({ advisory: 'CVE-2021-3749', name: 'axios', version: '0.21.0', severity: 'high', fixedVersion: '0.21.2' });
  const glibc = vulnerability({ advisory: 'CVE-2024-2961', name: 'libc6', version: '2.36-9', severity: 'medium', type: 'deb' });
  const tar = vulnerability({ advisory: 'CVE-2021-32803', name: 'tar', version: '6.1.0', severity: 'high', fixedVersion: '6.1.2' });
  const findings = [secret, minimist, ejs, axios, tar, glibc, root].sort(compareFindings);
  const gap = { code: 'damaged', path: 'opt/old/rpmdb.sqlite', layer: 2, reason: 'not an SQLite database' } as const;
  return {
    image: 'shop:ci',
    digest: digest('d'),
    takenFrom: undefined,
    platforms: [
      {
        platform: 'linux/amd64',
        operatingSystem: { id: 'debian', versionId: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)', supportedUntil: '2028-06-30' },
        packages: 312,
        base: { name: 'debian:bookworm', digest: undefined, layers: [true] },
        layers: [
          {
            diffId: digest('1'),
            digest: digest('2'),
            sizeBytes: 1234,
            instruction: { createdBy: 'RUN |1 TOKEN=hunter2 /bin/sh -c make # buildkit', emptyLayer: false },
          },
        ],
      },
    ],
    findings,
    gaps: [gap],
    verdict: {
      kind: 'deny',
      denials: [deny('no-secrets', secret), deny('fail-on-high', minimist), deny('fail-on-high', ejs), deny('fail-on-high', axios)],
      excepted: [{ rule: 'fail-on-high', finding: tar, reason: 'never unpacks anything', expires: '2026-12-31' }],
      gaps: [],
      acceptedGaps: [],
      notices: ['The exception of CVE-2020-1 has expired on 2026-01-01.'],
      policy: { name: 'builtin', digest: 'ab'.repeat(32) },
    },
    advisories: { source: 'osv.dev', asked: 312, newest: '2026-11-20T10:00:00Z' },
    exploitation: { knownExploited: '2026-11-20T15:00:05.1234Z', epss: undefined },
    publication: { kind: 'none', reason: 'denied' },
    startedAt: '2026-11-23T18:00:00.000Z',
    durationMs: 12_345,
    version: '0.1.0',
  };
}

/** The image after its repair, published and signed. */
export function passedReport(): Report {
  const report = deniedReport();
  const findings = report.findings.filter(({ severity }) => severity === 'medium' || severity === 'low');
  return {
    ...report,
    findings,
    gaps: [],
    verdict: { ...report.verdict, kind: 'pass', denials: [], excepted: [], notices: [] },
    publication: {
      kind: 'published',
      references: [`registry.example.com/shop:1.2@${digest('d')}`],
      signatures: [digest('5')],
      sboms: [digest('b')],
      attestations: [
        { kind: 'sbom', subject: digest('d'), system: 'notation', digest: digest('b') },
        { kind: 'verdict', subject: digest('d'), system: 'cosign', digest: digest('e') },
      ],
      bytesSent: 1,
      bytesReused: 2,
      resent: 0,
    },
  };
}

/** Every text that the image or another outsider decides is `payload`. */
export function hostileReport(payload: string): Report {
  const report = deniedReport();
  const findings = report.findings.map((finding): Finding => {
    const attribution = { instruction: payload, file: payload, line: 3 };
    const shared = { title: payload, remedy: payload, path: payload, platforms: [payload], attribution };
    switch (finding.kind) {
      case 'vulnerability':
        return {
          ...finding,
          ...shared,
          advisory: payload,
          url: `https://osv.dev/vulnerability/${payload}`,
          fixedVersion: payload,
          package: { ...finding.package, name: payload, version: payload, path: payload },
        };
      case 'secret':
        return { ...finding, ...shared, preview: payload };
      default:
        return { ...finding, ...shared };
    }
  });
  const byFingerprint = (finding: Finding) => findings.find(({ fingerprint }) => fingerprint === finding.fingerprint) ?? finding;
  const [platform] = report.platforms;
  return {
    ...report,
    image: payload,
    platforms: platform
      ? [
          {
            ...platform,
            platform: payload,
            base: { name: payload, digest: undefined, layers: [undefined] },
            operatingSystem: { id: payload, versionId: payload, prettyName: payload },
          },
          platform,
        ]
      : [],
    findings,
    gaps: [{ code: 'damaged', path: payload, layer: 1, reason: payload }],
    verdict: {
      ...report.verdict,
      denials: report.verdict.denials.map((denial) => ({
        rule: payload,
        finding: byFingerprint(denial.finding),
        exception: `  - ${JSON.stringify(payload)}`,
      })),
      excepted: report.verdict.excepted.map((item) => ({ ...item, rule: payload, finding: byFingerprint(item.finding), reason: payload })),
      notices: [payload],
      policy: { name: payload, digest: 'ab'.repeat(32) },
    },
    advisories: { source: payload, asked: 1, newest: payload },
    publication: {
      kind: 'published',
      references: [payload],
      signatures: [digest('5')],
      sboms: [digest('b')],
      attestations: [
        { kind: 'sbom', subject: digest('d'), system: 'notation', digest: digest('b') },
        { kind: 'verdict', subject: digest('d'), system: 'cosign', digest: digest('e') },
      ],
      bytesSent: 1,
      bytesReused: 2,
      resent: 0,
    },
  };
}

/** `count` refused findings, as many others, exceptions and gaps, all with long texts. */
export function hugeReport(count: number, text: string): Report {
  const report = deniedReport();
  const findings = Array.from({ length: count }, (_, index) =>
    vulnerability({
      advisory: `CVE-2026-${index}`,
      name: `${text}${index}`,
      version: text,
      severity: 'high',
      fixedVersion: text,
      line: index + 1,
    }),
  );
  const others = findings.map((finding) => ({ ...finding, fingerprint: `other-${finding.fingerprint}` }));
  const excepted = findings.map((finding) => ({ ...finding, fingerprint: `excepted-${finding.fingerprint}` }));
  return {
    ...report,
    image: text,
    findings: [...findings, ...others, ...excepted],
    gaps: findings.map((finding) => ({ code: 'damaged', path: finding.path, layer: 1, reason: text })),
    verdict: {
      ...report.verdict,
      denials: findings.map((finding) => deny(text, finding)),
      excepted: excepted.map((finding) => ({ rule: text, finding, reason: text, expires: '2026-12-31' })),
      notices: findings.map(() => text),
    },
  };
}
