import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openAdvisoryDirectory } from '../../src/advisory/advisory-thread.ts';
import { readZip } from '../../src/advisory/zip.ts';
import type { Package } from '../../src/model/package.ts';
import { osvScanner } from './osv-scanner.ts';
import { inspectOnePlatform } from './own-inventory.ts';
import { shared } from './peers.ts';
import { makeImage, moduleFolder, rpmdbModule } from './rpm-images.ts';

/** What is found in packages of rpm, held against osv-scanner, which knows nothing of modules. The systems are rebuilds of one, so the database of one is like the other's. */
const folder = mkdtempSync(join(tmpdir(), 'rpm-findings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const alma8 = 'ID="almalinux"\nVERSION_ID="8.4"\nPRETTY_NAME="AlmaLinux 8.4"\n';
const alma9 = 'ID="almalinux"\nVERSION_ID="9.3"\nPRETTY_NAME="AlmaLinux 9.3"\n';
const rhel9 = 'ID="rhel"\nVERSION_ID="9.3"\nCPE_NAME="cpe:/o:redhat:enterprise_linux:9::baseos"\n';

describe.each([
  { name: 'AlmaLinux 8 with modules', file: 'centos8-modularitylabel/Packages', release: alma8, least: 1_400 },
  { name: 'AlmaLinux 9', file: 'rockylinux-9/rpmdb.sqlite', release: alma9, least: 190 },
  { name: 'Red Hat Enterprise Linux 9', file: 'rockylinux-9/rpmdb.sqlite', release: rhel9, least: 110 },
])('the findings of $name', ({ file, release, least }) => {
  test('are those of osv-scanner, without what is about another build of the module', async () => {
    const content = readFileSync(join(moduleFolder(rpmdbModule), 'pkg/testdata', file));
    const image = makeImage(folder, 'etc/os-release', release, `var/lib/rpm/${file.split('/')[1]}`, content);
    const { inventory } = await inspectOnePlatform(`docker-archive:${image}`);
    const { matches, gaps } = await openAdvisoryDirectory(shared('testdata/osv')).match(inventory.packages);
    const ours = new Set(matches.map((match) => key(match.package, match.advisory.id)));
    const scanned = osvScanner(['scan', 'image', '--archive', image, '--experimental-plugins', 'os/rpm']) ?? [];
    const theirs = new Set(scanned.flatMap(({ item, ids }) => ids.map((id) => key(item, id))));
    expect(gaps).toEqual([]);
    expect(ours.size).toBeGreaterThan(least);
    expect([...ours].filter((line) => !theirs.has(line))).toEqual([]);

    const records = await readRecords();
    const modules = new Map(inventory.packages.map((item) => [`${item.name} ${withoutEpoch(item.version)}`, item.module]));
    const others = [...theirs].filter((line) => !ours.has(line));
    expect(others.filter((line) => !isOfOtherBuild(line, records, modules))).toEqual([]);
  }, 80_000);
});

/** osv-scanner gives versions without the epoch, which it does compare. */
function key({ name, version }: Package, id: string): string {
  return `${name} ${withoutEpoch(version)} ${id}`;
}

function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, '');
}

interface RecordBuild {
  readonly stream: string | undefined;
  readonly isOfModule: boolean;
}

async function readRecords(): Promise<ReadonlyMap<string, RecordBuild>> {
  const records = new Map<string, RecordBuild>();
  for await (const { bytes } of readZip(join(shared('testdata/osv'), 'AlmaLinux/all.zip'))) {
    const text = bytes.toString();
    const { id, summary } = JSON.parse(text);
    const stream = /([a-z][\w-]*:[\w.]+)[ /]/.exec(`${summary.replace(/^\w+: /, '')} `)?.[1];
    records.set(id, { stream, isOfModule: text.includes('.module_el') });
  }
  return records;
}

/** By the module and stream that the summary names, and the package's label; or only one of both is of a module. */
function isOfOtherBuild(
  line: string,
  records: ReadonlyMap<string, RecordBuild>,
  modules: ReadonlyMap<string, string | undefined>,
): boolean {
  const [name, version, id = ''] = line.split(' ');
  const label = modules.get(`${name} ${version}`)?.split(':').slice(0, 2).join(':');
  const record = records.get(id);
  return record !== undefined && (record.isOfModule !== (label !== undefined) || (record.stream !== undefined && record.stream !== label));
}
