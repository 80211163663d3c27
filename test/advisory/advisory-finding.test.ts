import { describe, expect, test } from 'vitest';
import { toAdvisoryFindings } from '../../src/advisory/advisory-finding.ts';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import type { AdvisoryMatch } from '../../src/model/advisory.ts';
import type { Package } from '../../src/model/package.ts';
import { packageOf } from './packages.ts';

const openssl = packageOf('Debian:12', 'libssl3', '3.0.9-1', { source: { name: 'openssl', version: '3.0.9-1' } });
const axios = packageOf('npm', 'axios', '0.21.0');

function found(item: Package, fields: { readonly id: string } & Record<string, unknown>, fixedVersion?: string): AdvisoryMatch {
  const advisory = toAdvisory({ affected: [{ package: { ecosystem: item.ecosystem, name: item.source?.name ?? item.name } }], ...fields });
  if (advisory === undefined) throw new Error('no record');
  return { package: item, advisory, fixedVersion };
}

const findings = (...matches: readonly AdvisoryMatch[]) => toAdvisoryFindings({ matches, gaps: [], newest: undefined }, ['linux/amd64']);
const vulnerabilities = (...matches: readonly AdvisoryMatch[]) =>
  findings(...matches).map((finding) => (finding.kind === 'vulnerability' ? finding : undefined));
const high = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N';

test('a finding holds everything that a reader needs', () => {
  const [finding] = findings(
    found(
      openssl,
      {
        id: 'DEBIAN-CVE-2023-5363',
        upstream: ['CVE-2023-5363'],
        summary: 'Wrong\n key  length',
        severity: [{ type: 'CVSS_V3', score: high }],
      },
      '3.0.11-1~deb12u2',
    ),
  );
  expect(finding).toEqual({
    kind: 'vulnerability',
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    severity: 'high',
    cvss: { vector: high, score: 7.5 },
    title: 'CVE-2023-5363 in libssl3 3.0.9-1: Wrong key length',
    remedy:
      'Rebuild on a newer base image, or bring libssl3 to 3.0.11-1~deb12u2 or later: RUN apt-get update && apt-get install -y --only-upgrade libssl3',
    path: 'var/lib/deb/libssl3',
    layer: 0,
    platforms: ['linux/amd64'],
    advisory: 'CVE-2023-5363',
    ids: ['CVE-2023-5363', 'DEBIAN-CVE-2023-5363'],
    url: 'https://security-tracker.debian.org/tracker/CVE-2023-5363',
    package: openssl,
    fixedVersion: '3.0.11-1~deb12u2',
  });
});

describe('records of one vulnerability are one finding', () => {
  test('by alias, in either direction, over a third', () => {
    const [one, ...rest] = vulnerabilities(
      found(axios, { id: 'GHSA-4w2v-q235-vp99', aliases: ['CVE-2020-28168'] }, '0.21.1'),
      found(axios, { id: 'SNYK-1', aliases: ['GHSA-4w2v-q235-vp99'] }, '0.21.3'),
      found(axios, { id: 'CVE-2020-28168' }),
    );
    expect(rest).toEqual([]);
    expect(one).toMatchObject({
      advisory: 'CVE-2020-28168',
      ids: ['CVE-2020-28168', 'GHSA-4w2v-q235-vp99', 'SNYK-1'],
      fixedVersion: '0.21.3',
    });
  });

  test('an advisory with several vulnerabilities upstream is one finding for each', () => {
    const result = vulnerabilities(
      found(openssl, { id: 'DSA-5417-1', upstream: ['CVE-2023-0464', 'CVE-2023-0465'] }, '3.0.9-2'),
      found(openssl, { id: 'DEBIAN-CVE-2023-0465', upstream: ['CVE-2023-0465'], severity: [{ type: 'CVSS_V3', score: high }] }, '3.0.9-3'),
    );
    expect(result.map((finding) => [finding?.advisory, finding?.ids, finding?.severity, finding?.fixedVersion])).toEqual([
      ['CVE-2023-0464', ['CVE-2023-0464', 'DSA-5417-1'], 'unknown', '3.0.9-2'],
      ['CVE-2023-0465', ['CVE-2023-0465', 'DSA-5417-1', 'DEBIAN-CVE-2023-0465'], 'high', '3.0.9-3'],
    ]);
  });

  test('several CVEs as aliases are several findings, and no CVE joins another', () => {
    const result = vulnerabilities(
      found(axios, { id: 'RUSTSEC-2018-0019', aliases: ['CVE-2018-25024', 'GHSA-a', 'CVE-2018-25025', 'GHSA-b'] }),
      found(axios, { id: 'GHSA-a', aliases: ['CVE-2018-25024'] }),
    );
    expect(result.map((finding) => finding?.ids)).toEqual([
      ['CVE-2018-25024', 'GHSA-a', 'RUSTSEC-2018-0019'],
      ['CVE-2018-25025', 'RUSTSEC-2018-0019'],
    ]);
  });

  test('what is only related is another vulnerability', () => {
    const result = vulnerabilities(found(axios, { id: 'GHSA-a', related: ['CVE-2018-25024'] }), found(axios, { id: 'CVE-2018-25024' }));
    expect(result.map((finding) => finding?.ids)).toEqual([['GHSA-a'], ['CVE-2018-25024']]);
  });

  test('in any order of the records', () => {
    const records = [
      found(axios, { id: 'GHSA-b', aliases: ['SNYK-1'] }),
      found(axios, { id: 'CVE-2020-28168' }),
      found(axios, { id: 'SNYK-1', aliases: ['CVE-2020-28168'] }),
      found(axios, { id: 'PYSEC-1', aliases: ['GHSA-b'] }),
    ];
    const all = records.map((_, start) => vulnerabilities(...records.slice(start), ...records.slice(0, start)));
    for (const result of all) expect(result.map((finding) => finding?.ids)).toEqual([['CVE-2020-28168', 'GHSA-b', 'PYSEC-1', 'SNYK-1']]);
  });

  test('chains and stars of ten thousand records are grouped, and what is no id is left out', () => {
    const id = (number: number) => `X-${number}`;
    const count = 10_000;
    const chain = Array.from({ length: count }, (_, index) =>
      found(axios, { id: id(count - index), aliases: [id(count - index - 1), 'a b', '\n', 7] }),
    );
    const apart = Array.from({ length: count }, (_, index) => found(axios, { id: `Y-${index}` }));
    const result = vulnerabilities(...chain, ...apart);
    expect(result).toHaveLength(count + 1);
    expect(result[0]?.ids).toHaveLength(count + 1);
  });

  test('a distribution’s record of a CVE is that CVE, also as what another has upstream', () => {
    const ubuntu = packageOf('Ubuntu:22.04:LTS', 'openssl', '3.0.2-0ubuntu1');
    const result = vulnerabilities(
      found(ubuntu, { id: 'UBUNTU-CVE-2022-3602' }),
      found(ubuntu, { id: 'USN-5710-1', upstream: ['CVE-2022-3602', 'UBUNTU-CVE-2022-3602', 'CVE-2022-3786'] }),
    );
    expect(result.map((finding) => finding?.ids)).toEqual([
      ['CVE-2022-3602', 'USN-5710-1', 'UBUNTU-CVE-2022-3602'],
      ['CVE-2022-3786', 'USN-5710-1'],
    ]);
  });

  test('but each package has its own', () => {
    const other = packageOf('npm', 'axios', '0.21.0', { path: 'srv/b/axios/package.json' });
    const result = findings(found(axios, { id: 'CVE-2020-28168' }), found(other, { id: 'CVE-2020-28168' }));
    expect(new Set(result.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  });
});

describe('fingerprints', () => {
  const fingerprint = (item: Package, id = 'CVE-2020-28168') => findings(found(item, { id }))[0]?.fingerprint;

  test('stay over versions, architectures, layers and further ids', () => {
    expect(fingerprint({ ...axios, version: '0.21.1', purl: 'pkg:x', architecture: 'arm64', layer: 7 })).toBe(fingerprint(axios));
    expect(findings(found(axios, { id: 'GHSA-1', aliases: ['CVE-2020-28168'] }))[0]?.fingerprint).toBe(fingerprint(axios));
  });

  test('differ by vulnerability, package, type and path', () => {
    const all = [
      fingerprint(axios),
      fingerprint(axios, 'CVE-2020-28169'),
      fingerprint({ ...axios, name: 'x' }),
      fingerprint({ ...axios, type: 'pypi' }),
      fingerprint({ ...axios, path: 'y' }),
    ];
    expect(new Set(all).size).toBe(5);
  });
});

describe('severity', () => {
  const cvss = (type: string, score: string) => ({ severity: [{ type, score }] });
  const affected = (fields: object) => ({ affected: [{ package: { ecosystem: 'Debian:12', name: 'openssl' }, ...fields }] });
  const v4 = 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N';

  test.each([
    ['CVSS 2', cvss('CVSS_V2', 'AV:L/AC:M/Au:N/C:N/I:P/A:C'), 'medium', 5.4],
    ['CVSS 3.0', cvss('CVSS_V3', 'CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H'), 'critical', 9.8],
    ['CVSS 3.1', cvss('CVSS_V3', high), 'high', 7.5],
    ['CVSS 3.1 with temporal metrics', cvss('CVSS_V3', `${high}/E:U/RL:O/RC:C`), 'high', 7.5],
    ['CVSS 4.0', cvss('CVSS_V4', v4), 'critical', 9.3],
    ['CVSS without impact', cvss('CVSS_V3', 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N'), 'low', 0],
    [
      'the newest of several',
      {
        severity: [
          { type: 'CVSS_V3', score: 'CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L' },
          { type: 'CVSS_V4', score: v4 },
        ],
      },
      'critical',
      9.3,
    ],
    ['of the entry', affected(cvss('CVSS_V3', high)), 'high', 7.5],
    ['vector before word', { ...cvss('CVSS_V3', high), database_specific: { severity: 'LOW' } }, 'high', 7.5],
    [
      'a broken vector and a word',
      { ...cvss('CVSS_V3', 'CVSS:3.1/AV:N'), database_specific: { severity: 'MODERATE' } },
      'medium',
      undefined,
    ],
    ['a broken vector', cvss('CVSS_V3', 'CVSS:9.9/what'), 'unknown', undefined],
    ['GitHub’s word', { database_specific: { severity: 'CRITICAL' } }, 'critical', undefined],
    ['Debian: unimportant', affected({ ecosystem_specific: { urgency: 'unimportant' } }), 'low', undefined],
    ['Debian: not yet assigned', affected({ ecosystem_specific: { urgency: 'not yet assigned' } }), 'unknown', undefined],
    ['Debian: end-of-life', affected({ ecosystem_specific: { urgency: 'end-of-life' } }), 'unknown', undefined],
    ['Ubuntu’s priority', cvss('Ubuntu', 'medium'), 'medium', undefined],
    ['Ubuntu: untriaged', cvss('Ubuntu', 'untriaged'), 'unknown', undefined],
    [
      'another release’s word',
      { affected: [{ package: { ecosystem: 'Debian:11', name: 'openssl' }, ecosystem_specific: { urgency: 'high' } }] },
      'unknown',
      undefined,
    ],
    ['Bitnami’s word', { database_specific: { severity: 'None' } }, 'low', undefined],
    ['Bitnami: nobody has rated it', { database_specific: { severity: 'Unknown' } }, 'unknown', undefined],
    ['AlmaLinux’s summary', { id: 'ALSA-2024:0001', summary: 'Important: thunderbird security update' }, 'high', undefined],
    ['another’s summary', { summary: 'Important: read this' }, 'unknown', undefined],
    ['a score without a vector', cvss('CVSS_V3', '9.8'), 'unknown', undefined],
    ['no text', { database_specific: { severity: 5 } }, 'unknown', undefined],
    ['nothing', {}, 'unknown', undefined],
  ])('%s', (_what, fields, severity, score) => {
    const [finding] = vulnerabilities(found(openssl, { id: 'CVE-2023-1', ...(fields as object) }));
    expect([finding?.severity, finding?.cvss?.score]).toEqual([severity, score]);
  });
});

describe('remedies', () => {
  const remedy = (item: Package, fixed?: string) => findings(found(item, { id: 'CVE-2023-1' }, fixed))[0]?.remedy;

  test('name the fixed version and the command', () => {
    expect(remedy(packageOf('Alpine:v3.20', 'libcrypto3', '3.3.0-r0'), '3.3.1-r0')).toContain(
      'RUN apk add --no-cache --upgrade libcrypto3',
    );
    expect(remedy(axios, '0.21.1')).toBe(
      'Upgrade axios to 0.21.1 or later: npm install axios@0.21.1, or "overrides" in package.json where another package brings it; rebuild the image.',
    );
    expect(remedy(axios)).toBe('No fixed version is known: remove axios, or except CVE-2023-1 in the policy with a reason and an expiry.');
  });

  test('name a newer base image where that brought the package, and for packages of the distribution also where nobody knows', () => {
    const libssl = packageOf('Debian:12', 'libssl3', '3.0.9-1');
    expect(remedy(libssl, '3.0.11-1')).toMatch(/^Rebuild on a newer base image, or bring libssl3 to 3\.0\.11-1 or later: RUN apt-get/);
    expect(remedy({ ...libssl, fromBase: false }, '3.0.11-1')).toMatch(/^Bring libssl3 to 3\.0\.11-1 or later: RUN apt-get/);
    expect(remedy({ ...axios, fromBase: true }, '0.21.1')).toMatch(
      /^Rebuild on a newer base image, or upgrade axios to 0\.21\.1 or later: npm/,
    );
  });

  test.each([
    ['PyPI', 'django', '3.2.1', 'django>=3.2.1 in requirements.txt'],
    ['Go', 'golang.org/x/net', '0.17.0', 'go get golang.org/x/net@v0.17.0 && go mod tidy'],
    ['Go', 'stdlib', '1.21.3', 'build with Go 1.21.3 or later'],
    [
      'Maven',
      'org.apache.logging.log4j:log4j-core',
      '2.17.1',
      'org.apache.logging.log4j:log4j-core:2.17.1 under dependencyManagement in pom.xml',
    ],
    ['RubyGems', 'rack', '2.2.8', 'bundle update --conservative rack'],
    ['Packagist', 'guzzlehttp/guzzle', '7.4.5', 'composer update --with-dependencies guzzlehttp/guzzle'],
    ['crates.io', 'time', '0.2.23', 'cargo update -p time --precise 0.2.23'],
    ['NuGet', 'Newtonsoft.Json', '13.0.1', 'dotnet add package Newtonsoft.Json --version 13.0.1'],
  ])('of %s: %s', (ecosystem, name, fixed, text) => {
    expect(remedy(packageOf(ecosystem, name, '1.0.0'), fixed)).toContain(text);
  });

  test.each([
    ['Go', 'x$(id)', '1.0.1'],
    ['npm', '-g', '1.0.1'],
    ['npm', 'x', '1.0.1; id'],
    ['crates.io', 'a b', '1.0.1'],
    ['Packagist', 'a`id`', '1.0.1'],
  ])('of %s give no command for what a shell could take otherwise: %s', (ecosystem, name, fixed) => {
    expect(remedy(packageOf(ecosystem, name, '1.0.0'), fixed)).toBe(`Upgrade ${name} to ${fixed} or later and rebuild the image.`);
  });

  test.each(['x; rm -rf /', '$(id)', '`id`', '-o=x', 'a b', 'A'])(
    'give no command for a name that a shell could take otherwise: %s',
    (name) => {
      expect(remedy(packageOf('Debian:12', name, '1'), '2')).not.toContain('apt-get');
    },
  );
});

test('texts of image and publisher become one line that can be seen, of bounded length', () => {
  const item = packageOf('npm', 'a\r\n::error::\u202e', '1\u001b[31m');
  const [finding] = findings(found(item, { id: 'CVE-2023-1', summary: `x\u2028${'y'.repeat(10_000)}` }, '2\n##vso[x]'));
  for (const text of [finding?.title ?? '', finding?.remedy ?? '']) expect(text).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);
  expect(finding?.title.length).toBeLessThanOrEqual(240);
});

test('without a summary the title takes the first sentence of the details', () => {
  const details = '### Impact\n\nAttackers may read files. And much more.\nMore.';
  expect(findings(found(axios, { id: 'PYSEC-1', details }))[0]?.title).toBe('PYSEC-1 in axios 0.21.0: Attackers may read files.');
});

test.each([
  ['CVE-2023-1', openssl, 'https://security-tracker.debian.org/tracker/CVE-2023-1'],
  ['DSA-1-1', openssl, 'https://security-tracker.debian.org/tracker/DSA-1-1'],
  ['ALPINE-CVE-2023-1234', packageOf('Alpine:v3.20', 'x', '1'), 'https://security.alpinelinux.org/vuln/CVE-2023-1234'],
  ['UBUNTU-CVE-2023-1234', packageOf('Ubuntu:22.04', 'x', '1'), 'https://ubuntu.com/security/CVE-2023-1234'],
  ['GHSA-4w2v-q235-vp99', axios, 'https://github.com/advisories/GHSA-4w2v-q235-vp99'],
  ['PYSEC-2023-1', packageOf('PyPI', 'x', '1'), 'https://osv.dev/vulnerability/PYSEC-2023-1'],
])('%s leads to the page that tells most', (id, item, url) => {
  expect(vulnerabilities(found(item, { id }))[0]?.url).toBe(url);
});

test('a record of a malicious package makes a malware finding', () => {
  const result = findings(found(axios, { id: 'MAL-2022-4691', aliases: ['GHSA-9999-9999-9999'], summary: 'Malicious code in axios' }));
  expect(result).toMatchObject([
    {
      kind: 'malware',
      rule: 'MAL-2022-4691',
      severity: 'critical',
      path: axios.path,
      layer: 0,
      deletedLater: false,
      platforms: ['linux/amd64'],
    },
  ]);
  expect(result[0]?.title).toBe('malicious package axios 0.21.0 (MAL-2022-4691): Malicious code in axios');
});

test('so does one of GitHub’s advisories of malware, alone and beside the other', () => {
  const github = { id: 'GHSA-9999-9999-9999', database_specific: { cwe_ids: ['CWE-506'], severity: 'CRITICAL' } };
  expect(findings(found(axios, github))).toMatchObject([{ kind: 'malware', rule: 'GHSA-9999-9999-9999', severity: 'critical' }]);
  const both = findings(found(axios, github), found(axios, { id: 'MAL-2022-4691', aliases: ['GHSA-9999-9999-9999'] }));
  expect(both).toMatchObject([{ kind: 'malware', rule: 'MAL-2022-4691' }]);
});
