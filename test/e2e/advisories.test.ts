import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toAdvisory } from '../../src/advisory/advisory-record.ts';
import { openAdvisoryDirectory } from '../../src/advisory/advisory-thread.ts';
import { supportedEcosystems, toBase, toSubject } from '../../src/advisory/ecosystem.ts';
import { evaluateAdvisory } from '../../src/advisory/evaluation.ts';
import { openOsvService } from '../../src/advisory/osv-service.ts';
import { readZip } from '../../src/advisory/zip.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import type { Advisory, AdvisoryMatch } from '../../src/model/advisory.ts';
import type { Package } from '../../src/model/package.ts';
import { boundaryPackages, type RecordedQuery, recordedQueries } from './advisory-packages.ts';
import { osvScannerOf, theirLines, toLine, toLines } from './osv-scanner.ts';
import { shared } from './peers.ts';

async function matchesOf(packages: readonly Package[]) {
  await using source = openAdvisoryDirectory(shared('testdata/osv'));
  return await source.match(packages);
}

describe('agreement with osv-scanner, offline, on the same database, at and beside the boundaries of its records', () => {
  /** Of theirs that is not ours. */
  const wrong: Readonly<Record<string, string>> = {
    'Maven org.apache.tomcat:tomcat-catalina 9.0.0.M7 GHSA-wmwf-9ccg-fff5':
      'introduced in 9.0.0-M11, which comes after 9.0.0.M7 to Maven 3.9',
    'Packagist drupal/drupal 7.65 CVE-2019-6341':
      '7.65 is 7.65.0 to Composer, in which it is fixed; osv-scanner goes by version_compare without normalising',
  };

  /** Of ours that is not theirs; undefined where it is to be explained. */
  function reasonOf({ package: item, advisory }: AdvisoryMatch): string | undefined {
    const names = (advisory.affected ?? []).map((affected) => affected.package?.name);
    if (!names.includes(item.name) && item.type === 'nuget') return 'the record has the name in another case';
    if (item.type === 'maven' && item.version === '9.0.0-M1') return '9.0.0-M1 is 9.0.0.M1 to Maven 3.9';
    if (item.type === 'composer' && /^[0-9]+(?:\.[0-9]+)?$/.test(item.version)) return '7.0 is 7.0.0 to Composer';
    if (item.type === 'composer' && /-(?:alpha|beta|RC)[0-9]+$/.test(item.version))
      return 'a pre-release of the version that introduced it';
    return isMissedByThem(item, advisory) ? 'they stop at a range of commits, and do not know 1.0.0 for 1.0 in a list' : undefined;
  }

  test.each([
    ['Debian', 900],
    ['Alpine', 600],
    ['npm', 400],
    ['PyPI', 500],
    ['Go', 400],
    ['Maven', 400],
    ['RubyGems', 400],
    ['Packagist', 400],
    ['crates.io', 400],
    ['NuGet', 100],
  ] as const)('%s', async (base, count) => {
    const packages = await boundaryPackages(base, count);
    const theirs = osvScannerOf(packages.map((item) => ({ ...item, purl: purlOf(item) })));
    expect(theirs.length).toBeGreaterThan(packages.length * 0.9);
    const answer = await matchesOf(theirs.map(({ item }) => (item.type === 'pypi' ? { ...item, name: item.name.toLowerCase() } : item)));
    const [ours, expected] = [new Set(toLines(answer.matches)), new Set(theirLines(theirs))];
    expect([...expected].filter((line) => !ours.has(line) && !Object.hasOwn(wrong, line))).toEqual([]);
    const extra = answer.matches.filter((match) => !expected.has(toLine(match.package, match.advisory.id)));
    expect(extra.filter((match) => reasonOf(match) === undefined).map((match) => toLine(match.package, match.advisory.id))).toEqual([]);
  });
});

describe('recorded traffic of api.osv.dev', () => {
  const recorded = recordedQueries().filter(({ item }) => supportedEcosystems.includes(toBase(item.ecosystem ?? '')));
  const questions = new Map(recorded.map((query) => [keyOf(query.item), query]));
  const records = new Map<string, Advisory>();
  let server: Server;

  beforeAll(async () => {
    for await (const { bytes } of readZip(shared('testdata/osv-api/vulns.zip'))) {
      const advisory = toAdvisory(JSON.parse(bytes.toString()));
      if (advisory !== undefined) records.set(advisory.id, advisory);
    }
    server = createServer((request, response) => void replay(request.url ?? '', request, response)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));

    async function replay(url: string, request: AsyncIterable<Buffer>, response: import('node:http').ServerResponse): Promise<void> {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const record = records.get(decodeURIComponent(url.replace('/v1/vulns/', '')));
      if (url !== '/v1/querybatch') {
        response.writeHead(record === undefined ? 404 : 200).end(JSON.stringify(record ?? { code: 5, message: 'Bug not found.' }));
        return;
      }
      const { queries } = JSON.parse(Buffer.concat(chunks).toString());
      const results = queries.map(({ package: named, version }: { package: { ecosystem: string; name: string }; version: string }) => {
        const found = questions.get(JSON.stringify([named.ecosystem, named.name, version]))?.ids;
        if (found === undefined) throw new Error(`never asked: ${JSON.stringify(named)}`);
        return found.length === 0 ? {} : { vulns: found.map((id) => ({ id, modified: '2026-06-15T18:18:09.521511Z' })) };
      });
      response.writeHead(200).end(JSON.stringify({ results }));
    }
  });
  afterAll(() => server.close());

  test('each recorded question, asked again, gives the recorded ids', async () => {
    const http = createHttp({ userAgent: 'image-custody-test' });
    const retry = { now: () => new Date(), random: Math.random, sleep: async () => {} };
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const answer = await openOsvService({ url, http, retry }).match(recorded.map(({ item }) => item));
    http.close();
    expect(recorded.length).toBeGreaterThan(500);
    expect(answer.gaps).toEqual([]);
    const ours = new Set(answer.matches.map((match) => `${keyOf(match.package)} ${match.advisory.id}`));
    expect([...ours].sort()).toEqual(recorded.flatMap(({ item, ids }) => ids.map((id) => `${keyOf(item)} ${id}`)).sort());
  });

  test('where the shared database has the record, our own matching gives each question the recorded answer, or there is a reason', async () => {
    const database = await databaseRecords();
    const answer = await matchesOf(recorded.map(({ item }) => item));
    const ours = new Map<Package, Set<string>>();
    for (const { package: item, advisory } of answer.matches) ours.set(item, (ours.get(item) ?? new Set()).add(advisory.id));
    const named = new Set(recorded.flatMap(({ ids }) => ids));
    const seen = new Map<string, number>();
    let agreed = 0;
    const unexplained = recorded.flatMap((query) => {
      const found = ours.get(query.item) ?? new Set();
      const expected = query.ids.filter((id) => database.has(id));
      agreed += expected.filter((id) => found.has(id)).length;
      const differing = [...expected.filter((id) => !found.has(id)), ...[...found].filter((id) => !query.ids.includes(id))];
      return differing.flatMap((id) => {
        const reason = reasonOf(id, query, named, database);
        if (reason !== undefined) seen.set(reason, (seen.get(reason) ?? 0) + 1);
        return reason === undefined ? [`${keyOf(query.item)} ${id}: ${found.has(id) ? 'only ours' : 'only recorded'}`] : [];
      });
    });
    console.table([['the same', agreed], ...seen]);
    expect(unexplained).toEqual([]);
    expect(agreed).toBeGreaterThan(650);
  });
});

/** Records that say something else since the database's copy was made. */
const revised: Readonly<Record<string, string>> = {
  'GHSA-crjg-w57m-rqqf': 'of 2024 in the database; since then only from 3.5.0 on, with which DNSSEC came to dnsjava',
  'PYSEC-2021-108': 'of 2021 in the database; an older recording of the same question has it, the newer ones do not',
  'GHSA-mmwx-rj87-vfgr': 'of 2024 in the database; since then only from 3.5.0 on, with which DNSSEC came to dnsjava',
};

/** Why a question's recorded answer and ours differ in one record. */
function reasonOf(
  id: string,
  query: RecordedQuery,
  named: ReadonlySet<string>,
  database: ReadonlyMap<string, Advisory>,
): string | undefined {
  const record = database.get(id);
  if (Object.hasOwn(revised, id)) return revised[id];
  if (record?.database_specific?.converted_from !== undefined && id.startsWith('x_'))
    return 'converted from a list that osv.dev does not have';
  // It names the versions that were asked for in the newest recording, and no others.
  if (query.ids.includes(id))
    return record?.database_specific?.derived_note === undefined ? undefined : 'derived from later answers than this one';
  if (!named.has(id)) return isNewer(record) ? 'in no recorded answer, and newer than the recordings' : undefined;
  return query.isOld ? 'newer than the last recording of this question' : undefined;
}

/** Than the oldest recording that counts, of AlmaLinux and Red Hat. Go's records in the database have lost their dates. */
function isNewer(record: Advisory | undefined): boolean {
  const { id = '', modified = '' } = record ?? {};
  return modified > '2026-06-18' || (modified.startsWith('0001') && id.startsWith('GO-2026-'));
}

function keyOf({ ecosystem, name, version }: Package): string {
  return JSON.stringify([ecosystem, name, version]);
}

async function databaseRecords(): Promise<ReadonlyMap<string, Advisory>> {
  const found = new Map<string, Advisory>();
  const archives = supportedEcosystems.map((ecosystem) => join(ecosystem, 'all.zip'));
  for (const archive of archives) {
    const path = join(shared('testdata/osv'), archive);
    try {
      for await (const { bytes } of readZip(path)) {
        const advisory = toAdvisory(JSON.parse(bytes.toString()));
        if (advisory !== undefined) found.set(advisory.id, advisory);
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'unreadable-archive') throw error;
    }
  }
  return found;
}

/** It goes by the last part of the name only, and by listed versions as they stand; ranges after one of commits are not looked at. */
function isMissedByThem(item: Package, advisory: Advisory): boolean {
  const affected = (advisory.affected ?? [])
    .filter((entry) => entry.package?.name === item.name)
    .map((entry) => {
      const git = (entry.ranges ?? []).findIndex(({ type }) => type === 'GIT');
      const versions = (entry.versions ?? []).filter((version) => version === item.version);
      return { ...entry, versions, ranges: git < 0 ? (entry.ranges ?? []) : (entry.ranges ?? []).slice(0, git) };
    });
  const subject = toSubject(item);
  return subject !== undefined && evaluateAdvisory({ ...advisory, affected }, subject).kind === 'unaffected';
}

function purlOf({ ecosystem = '', name, version }: Package): string {
  const [base = '', release = ''] = ecosystem.split(':');
  const path = (text: string, separator: string) => text.split(separator).map(encodeURIComponent).join('/');
  const at = `@${encodeURIComponent(version)}`;
  switch (base) {
    case 'Debian':
      return `pkg:deb/debian/${path(name, '/')}${at}?arch=source&distro=debian-${release}`;
    case 'Alpine':
      return `pkg:apk/alpine/${path(name, '/')}${at}?distro=alpine-${release.slice(1)}`;
    case 'Go':
      return `pkg:golang/${path(name, '/')}@v${encodeURIComponent(version)}`;
    case 'Maven':
      return `pkg:maven/${path(name, ':')}${at}`;
    default:
      return `pkg:${purlTypes[base] ?? base.toLowerCase()}/${path(name, '/')}${at}`;
  }
}

const purlTypes: Readonly<Record<string, string>> = { RubyGems: 'gem', Packagist: 'composer', 'crates.io': 'cargo' };
