import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rpmDatabaseReader } from '../../src/inspect/inventory/rpm/rpm-database.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { PackageRecord } from '../../src/model/package.ts';
import { seededRandom } from '../seeded-random.ts';
import { peer } from './peers.ts';
import { makeImage, moduleFolder, rpmdbModule, scalibrModule } from './rpm-images.ts';
import { runProgram } from './step.ts';

/** Databases of rpm of every format, read beside rpm itself, syft and trivy. */
const folder = mkdtempSync(join(tmpdir(), 'rpm-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Real {
  readonly system: string;
  readonly module: string;
  readonly file: string;
  /** What rpm reads it with; Debian's rpm does not read NDB. */
  readonly backend?: 'bdb_ro' | 'sqlite';
  readonly packages: number;
  /** Held against syft and trivy as well, in an image of this release. */
  readonly release?: string;
}

const scalibr = 'extractor/filesystem/os/rpm/testdata';
const reals: readonly Real[] = [
  {
    system: 'CentOS 5',
    module: rpmdbModule,
    file: 'pkg/testdata/centos5-plain/Packages',
    backend: 'bdb_ro',
    packages: 110,
    release: 'ID="centos"\nVERSION_ID="5"',
  },
  { system: 'CentOS 6', module: rpmdbModule, file: 'pkg/testdata/centos6-plain/Packages', backend: 'bdb_ro', packages: 129 },
  { system: 'CentOS 7, many', module: rpmdbModule, file: 'pkg/testdata/centos7-many/Packages', backend: 'bdb_ro', packages: 395 },
  {
    system: 'CentOS 8 with modules',
    module: rpmdbModule,
    file: 'pkg/testdata/centos8-modularitylabel/Packages',
    backend: 'bdb_ro',
    packages: 517,
    release: 'ID="centos"\nVERSION_ID="8"',
  },
  { system: 'UBI 8, s390x', module: rpmdbModule, file: 'pkg/testdata/ubi8-s390x/Packages', backend: 'bdb_ro', packages: 181 },
  { system: 'Fedora 35', module: rpmdbModule, file: 'pkg/testdata/fedora35-plus-mongo/rpmdb.sqlite', backend: 'sqlite', packages: 141 },
  {
    system: 'Rocky Linux 9',
    module: rpmdbModule,
    file: 'pkg/testdata/rockylinux-9/rpmdb.sqlite',
    backend: 'sqlite',
    packages: 142,
    release: 'ID="rocky"\nVERSION_ID="9.3"',
  },
  {
    system: 'Mariner 2',
    module: rpmdbModule,
    file: 'pkg/testdata/cbl-mariner-2.0/rpmdb.sqlite',
    backend: 'sqlite',
    packages: 129,
    release: 'ID="mariner"\nVERSION_ID="2.0"',
  },
  {
    system: 'SLE 15, small',
    module: rpmdbModule,
    file: 'pkg/testdata/sle15-bci/Packages.db',
    packages: 35,
    release: 'ID="sles"\nVERSION_ID="15.4"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP4"',
  },
  {
    system: 'openSUSE Leap',
    module: scalibrModule,
    file: `${scalibr}/Packages.db`,
    packages: 132,
    release: 'ID="opensuse-leap"\nVERSION_ID="15.3"\nPRETTY_NAME="openSUSE Leap 15.3"',
  },
];

beforeAll(() => {
  if (existsSync('/usr/bin/rpmbuild')) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'pipe', env });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'rpm'], { stdio: 'pipe', env });
}, 300_000);

describe.each(reals)('the database of $system', (real) => {
  const content = () => readFileSync(join(moduleFolder(real.module), real.file));

  test('holds what rpm itself reads of it', () => {
    const database = copyDatabase(content(), dirname(real.file).split('/').at(-1) as string, real.file);
    const { packages, others } = split(rpmDatabaseReader.read('var/lib/rpm/Packages', content()));
    expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
    expect(packages).toHaveLength(real.packages);
    if (real.backend !== undefined) expect(packages.map(toLine).sort()).toEqual(askRpm(database, real.backend));
  });

  test.runIf(real.release !== undefined)(
    'in an image has the packages that syft and trivy find',
    async () => {
      const image = makeImage(folder, 'etc/os-release', `${real.release}\n`, `var/lib/rpm/${real.file.split('/').at(-1)}`, content());
      const { packages } = split(rpmDatabaseReader.read('var/lib/rpm/Packages', content()));
      const ours = packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).sort();
      expect(await askSyft(image)).toEqual(ours);
      expect(await askTrivy(image)).toEqual(ours);
    },
    120_000,
  );
});

describe('a database that rpm wrote', () => {
  const database = join(folder, 'written');
  const file = join(database, 'rpmdb.sqlite');

  beforeAll(() => {
    mkdirSync(database);
    const define = ['--define', '_db_backend sqlite', '--dbpath', database, '--nodeps', '--justdb', '--nosignature'];
    const rpms = buildRpms();
    execFileSync('rpm', [...define, '-i', ...rpms], { stdio: 'pipe' });
    execFileSync('rpm', [...define, '-e', 'shop-removed'], { stdio: 'pipe' });
  }, 60_000);

  test('holds what rpm reads of it, with what was removed gone, and who owns Python packages', () => {
    const { packages, others } = split(rpmDatabaseReader.read('var/lib/rpm/Packages', readFileSync(file)));
    expect(packages.map(toLine).sort()).toEqual(askRpm(database, 'sqlite'));
    expect(packages.map(({ name, version }) => `${name} ${version}`)).toContain('shop-epoch 7:1.0~rc1^git2-3.el9');
    expect(packages.find(({ name }) => name === 'shop-module')?.module).toBe('shop:2:20240101:abcd');
    expect(others).toEqual([
      expect.objectContaining({
        kind: 'package-note',
        package: 'python3-shop',
        languageFiles: ['usr/lib/python3.9/site-packages/shop-1.0.dist-info/METADATA'],
      }),
    ]);
  });

  test('has a gap or the right packages, whichever byte of it is another', () => {
    expectDamageTold(readFileSync(file), 3_000);
  });
});

describe.each(reals.filter(({ file }) => /sle15-bci|mariner|centos5/.test(file)))('the database of $system', ({ module, file }) => {
  test('has a gap or the right packages, whichever byte of it is another', () => {
    expectDamageTold(readFileSync(join(moduleFolder(module), file)), 1_000);
  });
});

function expectDamageTold(whole: Buffer, rounds: number): void {
  const right = rpmDatabaseReader.read('var/lib/rpm/Packages', whole);
  const random = seededRandom(20261124);
  let told = 0;
  for (let round = 0; round < rounds; round += 1) {
    const at = Math.floor(random() * whole.length);
    const byte = whole[at] as number;
    whole[at] = byte ^ (1 + Math.floor(random() * 255));
    const observations = readOrGap(whole);
    if (observations.some(({ kind }) => kind === 'gap')) told += 1;
    else expect(observations, `byte ${at}`).toEqual(right);
    whole[at] = byte;
  }
  expect(told).toBeGreaterThan(rounds / 100);
}

function readOrGap(content: Buffer): readonly Observation[] {
  try {
    return rpmDatabaseReader.read('var/lib/rpm/Packages', content);
  } catch (error) {
    expect((error as Error).constructor).toBe(Error);
    return [{ kind: 'gap', path: '', code: 'damaged', reason: String(error) }];
  }
}

function split(observations: readonly Observation[]) {
  const packages = observations.flatMap((observation) => (observation.kind === 'packages' ? observation.packages : []));
  return { packages, others: observations.filter(({ kind }) => kind !== 'packages') };
}

const tab = '\t';

function toLine({ name, version, architecture, source, maintainer, licence, module }: PackageRecord): string {
  const file = source === undefined ? '(none)' : `${source.name}-${source.version.replace(/^\d+:/, '')}.src.rpm`;
  return [name, version, architecture, file, maintainer ?? '(none)', licence, module ?? '(none)'].join(tab);
}

/** Without keys; an epoch of 0 is none. */
function askRpm(database: string, backend: NonNullable<Real['backend']>): string[] {
  const format = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR', 'LICENSE', 'MODULARITYLABEL'];
  const query = [
    '--define',
    `_db_backend ${backend}`,
    '--dbpath',
    database,
    '-qa',
    '--qf',
    `${format.map((tag) => `%{${tag}}`).join('\\t')}\\n`,
  ];
  const output = execFileSync('rpm', query, { stdio: 'pipe', maxBuffer: 64 * 1024 * 1024 }).toString();
  return output
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith(`gpg-pubkey${tab}`))
    .map((line) => {
      const [name, epoch, version, release, ...rest] = line.split(tab);
      return [name, `${epoch === '0' ? '' : `${epoch}:`}${version}-${release}`, ...rest].join(tab);
    })
    .sort();
}

/** syft's version has the epoch where the database states one, also 0. */
async function askSyft(image: string): Promise<string[]> {
  const { stdout } = await runProgram(peer('syft'), ['scan', `docker-archive:${image}`, '-q', '-o', 'json'], { env: process.env });
  const { artifacts } = JSON.parse(stdout) as {
    artifacts: readonly { name: string; version: string; type: string; metadata: { architecture: string } }[];
  };
  return artifacts
    .filter(({ type, name }) => type === 'rpm' && name !== 'gpg-pubkey')
    .map(({ name, version, metadata }) => `${name} ${version.replace(/^0:/, '')} ${metadata.architecture}`)
    .sort();
}

async function askTrivy(image: string): Promise<string[]> {
  const flags = ['image', '--quiet', '--input', image, '--format', 'cyclonedx', '--offline-scan', '--cache-dir', join(folder, 'trivy')];
  const { stdout, stderr } = await runProgram(peer('trivy'), flags, { env: process.env });
  if (stdout === '') throw new Error(stderr);
  const { components = [] } = JSON.parse(stdout) as { components?: readonly { purl?: string }[] };
  return components
    .flatMap(({ purl = '' }) => {
      const [, name = '', version = '', qualifiers = ''] = /^pkg:rpm\/[^/]+\/([^@]+)@([^?]+)\?(.*)$/.exec(purl) ?? [];
      const query = new URLSearchParams(qualifiers);
      const epoch = query.get('epoch');
      const text = [name, `${epoch === null || epoch === '0' ? '' : `${epoch}:`}${version}`].map(decodeURIComponent).join(' ');
      return name === '' || name === 'gpg-pubkey' ? [] : [`${text} ${query.get('arch')}`];
    })
    .sort();
}

function copyDatabase(content: Buffer, name: string, file: string): string {
  const copy = join(folder, name);
  mkdirSync(copy, { recursive: true });
  writeFileSync(join(copy, file.split('/').at(-1) as string), content);
  return copy;
}

/** Small packages with what a name and a version can hold. */
function buildRpms(): string[] {
  const specs: Readonly<Record<string, { readonly head: string; readonly file?: string }>> = {
    'shop-plain': { head: 'Version: 1.0\nRelease: 1.el9' },
    'shop-epoch': { head: 'Epoch: 7\nVersion: 1.0~rc1^git2\nRelease: 3.el9' },
    'shop-module': { head: 'Version: 2.0\nRelease: 1.module+el9+1+a\nModularityLabel: shop:2:20240101:abcd' },
    'shop-removed': { head: 'Version: 1.0\nRelease: 1.el9' },
    'python3-shop': { head: 'Version: 1.0\nRelease: 1.el9', file: '/usr/lib/python3.9/site-packages/shop-1.0.dist-info/METADATA' },
  };
  return Object.entries(specs).map(([name, { head, file }]) => {
    const top = join(folder, 'rpmbuild', name);
    const spec = join(folder, `${name}.spec`);
    if (existsSync(join(folder, `${name}.rpm`))) return join(folder, `${name}.rpm`);
    const install = file === undefined ? '' : `%install\nmkdir -p %{buildroot}${dirname(file)}\ntouch %{buildroot}${file}\n`;
    const fields = `Name: ${name}\n${head}\nSummary: test\nLicense: MIT and GPLv2+\nVendor: Example\nBuildArch: noarch\n`;
    writeFileSync(spec, `${fields}%description\ntest\n${install}%files\n${file ?? ''}\n`);
    execFileSync('rpmbuild', ['--quiet', '--define', `_topdir ${top}`, '--define', '_rpmfilename out.rpm', '-bb', spec], { stdio: 'pipe' });
    copyFileSync(join(top, 'RPMS/out.rpm'), join(folder, `${name}.rpm`));
    return join(folder, `${name}.rpm`);
  });
}
