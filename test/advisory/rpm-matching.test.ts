import { describe, expect, test } from 'vitest';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import { isSameEcosystem, toSubject } from '../../src/advisory/ecosystem.ts';
import { evaluateAdvisory } from '../../src/advisory/evaluation.ts';
import { vulnerabilityRemedy } from '../../src/advisory/remedy.ts';
import { toServiceEcosystems } from '../../src/advisory/rpm-product.ts';
import type { Package } from '../../src/model/package.ts';

function rpm(ecosystem: string, name: string, version: string, fields: Partial<Package> = {}): Package {
  return { type: 'rpm', name, version, ecosystem, purl: `pkg:rpm/x/${name}`, path: 'var/lib/rpm/rpmdb.sqlite', layer: 0, ...fields };
}

function evaluate(item: Package, summary: string, ...affected: readonly (readonly [ecosystem: string, name: string, fixed: string])[]) {
  const advisory = toAdvisory({
    id: 'X-1',
    summary,
    affected: affected.map(([ecosystem, name, fixed]) => ({
      package: { ecosystem, name },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }],
    })),
  });
  const subject = toSubject(item);
  if (advisory === undefined || subject === undefined) throw new Error('nothing to ask');
  return evaluateAdvisory(advisory, subject);
}

describe('modules', () => {
  const of18 = '1:18.19.0-1.module_el8.9.0+3731+490e3ce7';
  const installed = (version: string, module?: string) => rpm('AlmaLinux:8', 'nodejs', version, module === undefined ? {} : { module });
  const ask = (item: Package, fixed = of18, summary = 'Important: nodejs:18 security update') =>
    evaluate(item, summary, ['AlmaLinux:8', 'nodejs', fixed]).kind;

  test('a build of the stream that was mended is affected until then', () => {
    expect(ask(installed('1:18.17.0-1.module_el8.8.0+1+a', 'nodejs:18:8080020230101:x'))).toBe('affected');
    expect(ask(installed(of18, 'nodejs:18:8090020240101:x'))).toBe('unaffected');
  });

  test('a build of another stream or of no module is not its older version', () => {
    expect(ask(installed('1:16.20.0-1.module_el8.8.0+1+a', 'nodejs:16:8080020230101:x'))).toBe('unaffected');
    expect(ask(installed('1:16.20.0-1.el8'))).toBe('unaffected');
  });

  test('an update outside of modules says nothing of a module', () => {
    expect(ask(installed('1:18.17.0-1.module+el8.8.0+1+a', 'nodejs:18:8080020230101:x'), '1:20.0.0-1.el8', 'nodejs security update')).toBe(
      'unaffected',
    );
    expect(ask(installed('1:18.17.0-1.el8'), '1:20.0.0-1.el8', 'nodejs security update')).toBe('affected');
  });

  test('where the record names no stream, or the database no module, each is meant', () => {
    expect(ask(installed('1:16.20.0-1.module_el8.8.0+1+a', 'nodejs:16:1:x'), of18, 'nodejs security update')).toBe('affected');
    expect(ask(installed('1:16.20.0-1.module_el8.8.0+1+a'))).toBe('affected');
  });
});

describe('names of records', () => {
  const source = { name: 'openssl', version: '1:3.0.7-1' };

  test.each([
    ['AlmaLinux:9', 'openssl-libs'],
    ['Red Hat:enterprise_linux:9', 'openssl-libs'],
    ['Photon OS:5.0', 'openssl-libs'],
    ['Rocky Linux:9', 'openssl'],
    ['openSUSE:Leap 15.6', 'openssl'],
    ['SUSE:Linux Enterprise Server 15 SP5', 'openssl'],
    ['Azure Linux:3', 'openssl'],
    ['Mageia:9', 'openssl'],
    ['openEuler:24.03-LTS', 'openssl'],
  ])('of %s are %s', (ecosystem, name) => {
    expect(toSubject(rpm(ecosystem, 'openssl-libs', '1:3.0.7-1', { source }))?.name).toBe(name);
  });
});

describe('products', () => {
  const rhel = 'Red Hat:enterprise_linux:9';
  const sles = 'SUSE:Linux Enterprise Server 15 SP5';

  test.each([
    ['Red Hat:enterprise_linux:9::baseos', rhel, true],
    ['Red Hat:enterprise_linux:9::appstream', rhel, true],
    ['Red Hat', rhel, true],
    ['Red Hat:enterprise_linux:8::baseos', rhel, false],
    ['Red Hat:rhel_eus:9.2::baseos', rhel, false],
    ['Red Hat:openshift:4.14::el9', rhel, false],
    ['Red Hat:enterprise_linux:10.1', 'Red Hat:enterprise_linux:10', true],
    ['SUSE:Linux Enterprise Module for Basesystem 15 SP5', sles, true],
    ['SUSE:Linux Enterprise Server 15 SP5-LTSS', sles, true],
    ['SUSE:Linux Enterprise Server 15 SP4', sles, false],
    ['SUSE:Linux Enterprise Micro 5.5', sles, false],
    ['SUSE:Linux Enterprise Server 15', sles, false],
    ['openSUSE:Leap 15.5', 'openSUSE:Leap 15.6', false],
  ])('%s and %s are one: %s', (recorded, ecosystem, expected) => {
    expect(isSameEcosystem(recorded, ecosystem)).toBe(expected);
  });

  test('a service is asked for every channel', () => {
    expect(toServiceEcosystems(rhel)).toEqual([`${rhel}::baseos`, `${rhel}::appstream`, `${rhel}::crb`]);
    expect(toServiceEcosystems('Red Hat:enterprise_linux:10')).toContain('Red Hat:enterprise_linux:10.2');
    expect(toServiceEcosystems(sles)).toContain('SUSE:Linux Enterprise Module for Basesystem 15 SP5');
    expect(toServiceEcosystems(sles)).toContain(`${sles}-LTSS`);
    expect(toServiceEcosystems('Debian:12')).toEqual(['Debian:12']);
    for (const ecosystem of [rhel, sles]) {
      for (const asked of toServiceEcosystems(ecosystem)) expect(isSameEcosystem(asked, ecosystem), asked).toBe(true);
    }
  });
});

describe('remedies', () => {
  test.each([
    ['dnf', 'dnf upgrade -y openssl-libs'],
    ['microdnf', 'microdnf update -y openssl-libs'],
    ['yum', 'yum update -y openssl-libs'],
    ['tdnf', 'tdnf update -y openssl-libs'],
    ['zypper', 'zypper --non-interactive update openssl-libs'],
  ] as const)('where %s is installed are by %s', (installer, command) => {
    const item = rpm('AlmaLinux:9', 'openssl-libs', '1-1', { installer });
    expect(vulnerabilityRemedy(item, 'CVE-1', '2-1')).toBe(
      `Rebuild on a newer base image, or bring openssl-libs to 2-1 or later: RUN ${command}`,
    );
  });

  test('name no command where no package manager is', () => {
    const distroless = { ...rpm('Debian:12', 'libssl3', '1'), type: 'deb' as const, path: 'var/lib/dpkg/status.d/libssl3' };
    for (const item of [rpm('Azure Linux:3', 'openssl-libs', '1-1'), distroless]) {
      expect(vulnerabilityRemedy(item, 'CVE-1', '2-1')).toMatch(/^Rebuild on a newer base image: there is no package manager/);
    }
  });
});
