import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { allInspectors } from '../../../../src/inspect/inspectors.ts';
import { makeFileInspector } from '../../../../src/inspect/inventory/file-inspector.ts';
import { toInventory } from '../../../../src/inspect/inventory/inventory.ts';
import { rpmDatabaseReader, rpmLogReader } from '../../../../src/inspect/inventory/rpm/rpm-database.ts';
import { rpmManifestReader } from '../../../../src/inspect/inventory/rpm/rpm-manifest.ts';
import type { Observation } from '../../../../src/model/observation.ts';
import { inspectFiles, placeLayers } from '../../inspect-files.ts';
import { type MadeRpm, makeBerkeleyDb, makeHeader, makeNdb, makeSqlite } from './made-databases.ts';

const requestsFile = '/usr/lib/python3.9/site-packages/requests-2.25.1-py3.9.egg-info/PKG-INFO';
const rpms: readonly MadeRpm[] = [
  {
    name: 'bind-libs',
    version: '9.11.36',
    release: '11.el8_9',
    epoch: 32,
    sourceRpm: 'bind-9.11.36-11.el8_9.src.rpm',
    vendor: 'AlmaLinux',
    licence: 'MPLv2.0',
  },
  { name: 'gpg-pubkey', version: '3abb34f8', release: '5ffd890e', architecture: '' },
  {
    name: 'nodejs',
    version: '18.19.0',
    release: '1.module_el8.9.0+3731+490e3ce7',
    epoch: 1,
    module: 'nodejs:18:8090020240101:a75119d5',
    vendor: 'AlmaLinux',
  },
  { name: 'python3-requests', version: '2.25.1', release: '8.el9', epoch: 0, vendor: 'AlmaLinux', files: ['/usr/bin/a', requestsFile] },
  { name: 'large', version: '1~rc1^git2', release: '1', files: Array.from({ length: 300 }, (_, at) => `/usr/share/large/file-${at}`) },
];
const headers = rpms.map(makeHeader);

const formats: Readonly<Record<string, readonly [path: string, content: Buffer]>> = {
  SQLite: ['var/lib/rpm/rpmdb.sqlite', makeSqlite(headers)],
  'SQLite with small pages': ['usr/share/rpm/rpmdb.sqlite', makeSqlite(headers, 512)],
  NDB: ['usr/lib/sysimage/rpm/Packages.db', makeNdb(headers)],
  'Berkeley DB': ['var/lib/rpm/Packages', makeBerkeleyDb(headers)],
  'Berkeley DB of a big-endian machine': ['var/lib/rpm/Packages', makeBerkeleyDb(headers, 'big')],
};

function read(path: string, content: Buffer): readonly Observation[] {
  return inspectFiles([makeFileInspector(rpmDatabaseReader)], { [path]: content });
}

const packages = [
  {
    type: 'rpm',
    name: 'bind-libs',
    version: '32:9.11.36-11.el8_9',
    source: { name: 'bind', version: '32:9.11.36-11.el8_9' },
    architecture: 'x86_64',
    maintainer: 'AlmaLinux',
    licence: 'MPLv2.0',
  },
  {
    type: 'rpm',
    name: 'nodejs',
    version: '1:18.19.0-1.module_el8.9.0+3731+490e3ce7',
    architecture: 'x86_64',
    maintainer: 'AlmaLinux',
    module: 'nodejs:18:8090020240101:a75119d5',
  },
  { type: 'rpm', name: 'python3-requests', version: '2.25.1-8.el9', architecture: 'x86_64', maintainer: 'AlmaLinux' },
  { type: 'rpm', name: 'large', version: '1~rc1^git2-1', architecture: 'x86_64' },
];

describe.each(Object.entries(formats))('an rpm database in %s', (_, [path, content]) => {
  const whole = read(path, content);

  it('gives packages without keys, and which language packages they brought', () => {
    expect(whole).toEqual([
      { kind: 'packages', path, packages },
      {
        kind: 'package-note',
        path,
        type: 'rpm',
        package: 'python3-requests',
        languageFiles: [requestsFile.slice(1)],
        fileList: `usr/bin/a\n${requestsFile.slice(1)}`,
      },
    ]);
  });

  it('is damaged wherever it is cut off', () => {
    for (let length = 1; length < content.length; length += 1 + Math.floor(content.length / 700)) {
      const cut = read(path, content.subarray(0, length));
      expect(cut, `cut at ${length}`).toContainEqual(expect.objectContaining({ kind: 'gap', path, code: 'damaged' }));
    }
  });

  it('has a gap or the right packages, whichever byte is another', () => {
    let told = 0;
    for (let at = 0; at < content.length; at += 1 + Math.floor(content.length / 4000)) {
      const damaged = Buffer.from(content);
      damaged[at] = (content[at] as number) ^ (at % 255 === 0 ? 255 : at % 255);
      const observations = read(path, damaged);
      if (observations.some(({ kind }) => kind === 'gap')) told += 1;
      else expect(observations, `byte ${at}`).toEqual(whole);
    }
    expect(told).toBeGreaterThan(content.length / 4000);
  });
});

describe('an rpm database', () => {
  it('that is empty holds no package, and one of another format is damaged', () => {
    expect(read('var/lib/rpm/Packages', Buffer.alloc(0))).toEqual([]);
    expect(read('var/lib/rpm/Packages', Buffer.from('noise'))).toEqual([
      expect.objectContaining({ kind: 'gap', code: 'damaged', reason: expect.stringContaining('none of the formats of rpm') }),
    ]);
    expect(read('srv/var/lib/rpm/Packages', Buffer.from('noise'))).toEqual([]);
  });

  it('keeps the packages around one whose name is none', () => {
    const hostile = makeHeader({ name: 'a\u0007b', version: '1', release: '1' });
    const [first, , gap] = read('var/lib/rpm/Packages.db', makeNdb([hostile, ...headers.slice(1)]));
    expect(first).toMatchObject({ packages: packages.slice(1) });
    expect(gap).toMatchObject({ code: 'damaged', reason: '"a\\u0007b" is no package name' });
  });

  it('whose pages lead in a circle is damaged', () => {
    const content = makeBerkeleyDb(headers);
    const last = content.length / 512 - 1;
    content.writeUInt32LE(last - 1, (last - 1) * 512 + 16);
    expect(read('var/lib/rpm/Packages', content)).toContainEqual(expect.objectContaining({ kind: 'gap', code: 'damaged' }));
  });

  it('survives many rows that were deleted and written anew', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rpmdb-'));
    const database = new DatabaseSync(join(folder, 'db'));
    database.exec("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)");
    const insert = database.prepare("INSERT INTO 'Packages' (blob) VALUES (?)");
    for (let at = 0; at < 2000; at += 1) insert.run(makeHeader({ name: `p${at}`, version: '1'.repeat(1 + (at % 90)), release: '1' }));
    database.exec("DELETE FROM 'Packages' WHERE hnum % 3 = 0");
    for (let at = 0; at < 50; at += 1) insert.run(headers[at % 2 === 0 ? 0 : 4] as Buffer);
    database.close();
    const observations = read('var/lib/rpm/rpmdb.sqlite', readFileSync(join(folder, 'db')));
    rmSync(folder, { recursive: true });
    expect(observations).toHaveLength(1);
    expect(observations[0]).toMatchObject({ packages: { length: 2000 - 666 + 50 } });
  });
});

describe('the log beside an rpm database', () => {
  it('is a gap while it holds a change, and none where it is empty or left over', () => {
    const path = 'var/lib/rpm/rpmdb.sqlite-wal';
    const ask = (content: Buffer) => inspectFiles([makeFileInspector(rpmLogReader)], { [path]: content });
    const folder = mkdtempSync(join(tmpdir(), 'rpmdb-'));
    const database = new DatabaseSync(join(folder, 'db'));
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
    const log = readFileSync(join(folder, 'db-wal'));
    database.close();
    rmSync(folder, { recursive: true });
    expect(ask(log)).toEqual([
      expect.objectContaining({ kind: 'gap', code: 'unsupported', reason: expect.stringContaining('rpm --rebuilddb') }),
    ]);
    expect(ask(Buffer.alloc(0))).toEqual([]);
    const reset = Buffer.from(log);
    reset.writeUInt32BE(7, 16);
    expect(ask(reset)).toEqual([]);
  });
});

describe('the package list of distroless Azure Linux', () => {
  const path = 'var/lib/rpmmanifest/container-manifest-2';
  const line =
    'openssl-libs\t1.1.1k-15.cm2\t1653816591\t1653631609\tMicrosoft Corporation\t(none)\t4365048\tx86_64\t0\topenssl-1.1.1k-15.cm2.src.rpm\n';
  const ask = (content: string) => inspectFiles([makeFileInspector(rpmManifestReader)], { [path]: content });

  it('gives packages, and a gap for lines that are none', () => {
    const record = {
      type: 'rpm',
      name: 'openssl-libs',
      version: '1.1.1k-15.cm2',
      source: { name: 'openssl', version: '1.1.1k-15.cm2' },
      architecture: 'x86_64',
      maintainer: 'Microsoft Corporation',
    };
    expect(ask(line)).toEqual([{ kind: 'packages', path, packages: [record] }]);
    expect(ask(`${line}noise\n`)).toEqual([
      { kind: 'packages', path, packages: [record] },
      { kind: 'gap', path, code: 'damaged', reason: '1 of its lines cannot be read: a line does not have ten fields' },
    ]);
  });
});

describe('packages of rpm in an image', () => {
  const almaLinux = { 'etc/os-release': 'ID="almalinux"\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4"\n' };
  const build = (...layers: readonly Readonly<Record<string, string | Buffer>>[]) =>
    toInventory(placeLayers(...layers.map((files) => inspectFiles(allInspectors(), files))));

  it('have a purl with the epoch apart, an ecosystem, and the layer that brought them, also where the database changed its format', () => {
    const { inventory, gaps } = build(
      { ...almaLinux, 'var/lib/rpm/Packages': makeBerkeleyDb(headers.slice(0, 2)) },
      { 'var/lib/rpm/rpmdb.sqlite': makeSqlite(headers), 'var/lib/rpm/Packages': '' },
    );
    expect(gaps).toEqual([]);
    expect(inventory.packages.map(({ purl, ecosystem, layer }) => [purl, ecosystem, layer])).toEqual([
      [
        'pkg:rpm/almalinux/bind-libs@9.11.36-11.el8_9?arch=x86_64&distro=almalinux-9.4&epoch=32&upstream=bind-9.11.36-11.el8_9.src.rpm',
        'AlmaLinux:9',
        0,
      ],
      ['pkg:rpm/almalinux/large@1~rc1%5Egit2-1?arch=x86_64&distro=almalinux-9.4', 'AlmaLinux:9', 1],
      ['pkg:rpm/almalinux/nodejs@18.19.0-1.module_el8.9.0%2B3731%2B490e3ce7?arch=x86_64&distro=almalinux-9.4&epoch=1', 'AlmaLinux:9', 1],
      ['pkg:rpm/almalinux/python3-requests@2.25.1-8.el9?arch=x86_64&distro=almalinux-9.4', 'AlmaLinux:9', 1],
    ]);
  });

  it('own the Python packages that they brought', () => {
    const metadata = { [requestsFile.slice(1)]: 'Name: requests\nVersion: 2.25.1\n' };
    const database = { 'var/lib/rpm/rpmdb.sqlite': makeSqlite(headers) };
    expect(build({ ...almaLinux, ...database, ...metadata }).inventory.packages.map(({ type }) => type)).not.toContain('pypi');
    expect(build({ ...almaLinux, ...metadata }).inventory.packages.map(({ type }) => type)).toEqual(['pypi']);
  });

  it.each([
    ['ID="rhel"\nVERSION_ID="9.5"\nPRETTY_NAME="Red Hat Enterprise Linux 9.5 (Plow)"', 'Red Hat:enterprise_linux:9', 'pkg:rpm/redhat/'],
    ['ID="rocky"\nVERSION_ID="8.10"\nPRETTY_NAME="Rocky Linux 8.10"', 'Rocky Linux:8', 'pkg:rpm/rocky/'],
    ['ID=mariner\nVERSION_ID="2.0.20240425"\nPRETTY_NAME="CBL-Mariner/Linux"', 'Azure Linux:2', 'pkg:rpm/mariner/'],
    ['ID=azurelinux\nVERSION_ID="3.0"\nPRETTY_NAME="Microsoft Azure Linux 3.0"', 'Azure Linux:3', 'pkg:rpm/azurelinux/'],
    ['ID=mageia\nVERSION_ID=9\nPRETTY_NAME="Mageia 9"', 'Mageia:9', 'pkg:rpm/mageia/'],
    ['ID=photon\nVERSION_ID=5.0\nPRETTY_NAME="VMware Photon OS/Linux"', 'Photon OS:5.0', 'pkg:rpm/photon/'],
    ['ID="openEuler"\nVERSION_ID="24.03"\nPRETTY_NAME="openEuler 24.03 (LTS-SP1)"', 'openEuler:24.03-LTS-SP1', 'pkg:rpm/openeuler/'],
    ['ID="opensuse-leap"\nVERSION_ID="15.6"\nPRETTY_NAME="openSUSE Leap 15.6"', 'openSUSE:Leap 15.6', 'pkg:rpm/opensuse/'],
    ['ID="opensuse-tumbleweed"\nVERSION_ID="20241101"\nPRETTY_NAME="openSUSE Tumbleweed"', 'openSUSE:Tumbleweed', 'pkg:rpm/opensuse/'],
    [
      'ID="sles"\nVERSION_ID="15.5"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"',
      'SUSE:Linux Enterprise Server 15 SP5',
      'pkg:rpm/sles/',
    ],
  ])('of %s have an ecosystem', (release, ecosystem, purl) => {
    const { inventory, gaps } = build({ 'etc/os-release': `${release}\n`, 'var/lib/rpm/Packages.db': makeNdb(headers.slice(0, 1)) });
    expect(inventory.packages[0]?.ecosystem).toBe(ecosystem);
    expect(inventory.packages[0]?.purl).toContain(purl);
    expect(gaps).toEqual([]);
  });

  it.each(['fedora', 'centos', 'amzn', 'ol'])('of %s are a gap: OSV has no advisories', (id) => {
    const { gaps } = build({ 'etc/os-release': `ID="${id}"\nVERSION_ID="9"\n`, 'var/lib/rpm/Packages.db': makeNdb(headers.slice(0, 1)) });
    expect(gaps).toEqual([expect.objectContaining({ code: 'no-release', reason: expect.stringContaining('1 rpm packages') })]);
  });

  it('whose database a later layer deletes are a gap', () => {
    const [first] = placeLayers(inspectFiles(allInspectors(), { 'var/lib/rpm/Packages.db': makeNdb(headers) }));
    const { gaps } = toInventory(first === undefined ? [] : [{ ...first, survives: false }]);
    expect(gaps).toEqual([
      expect.objectContaining({ code: 'damaged', reason: expect.stringContaining('deletes this database of 4 packages') }),
    ]);
  });
});
