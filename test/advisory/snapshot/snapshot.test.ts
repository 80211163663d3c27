import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { magic, nameKey, trailerBytes } from '../../../src/advisory/snapshot/format.ts';
import { toSnapshotBytes } from '../../../src/advisory/snapshot/snapshot-bytes.ts';
import { SnapshotReader } from '../../../src/advisory/snapshot/snapshot-reader.ts';
import { writeSnapshot } from '../../../src/advisory/snapshot/snapshot-writer.ts';
import type { Advisory } from '../../../src/model/advisory.ts';
import { packageOf } from '../packages.ts';
import { created, makeSnapshot, recordOf, toSource } from './snapshots.ts';

const full = {
  ...recordOf('GHSA-1', 'npm', 'p'),
  aliases: ['CVE-2026-0001'],
  upstream: ['CVE-2026-0002'],
  summary: 'Bad thing',
  details: 'A long text that nobody matches.',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  references: [{ type: 'WEB', url: 'https://example.com/' }],
  database_specific: { severity: 'HIGH', cwe_ids: ['CWE-1'], source: 'https://example.com/'.padEnd(100, 'x') },
};

describe('what it answers', () => {
  test('a record keeps what is matched and reported, and only the entries of its package', async () => {
    const entry = {
      package: { ecosystem: 'npm', name: 'p' },
      ranges: [
        { type: 'GIT', repo: 'https://example.com/p', events: [{ introduced: '0' }, { fixed: 'c0ffee' }] },
        { type: 'SEMVER', events: [{ introduced: '1.0.0' }, { fixed: '1.5.0' }] },
      ],
      versions: ['1.0.0', '1.1.0', '1.3.0', '1.2.0'],
      ecosystem_specific: { urgency: 'low', binaries: [{}] },
    };
    const other = { ...entry, package: { ecosystem: 'npm', name: 'q' }, versions: ['9.9.9', '1.1.0'] };
    const { source } = await makeSnapshot({ npm: [{ ...full, affected: [entry, other] }] });
    const { matches, gaps } = await source.match([packageOf('npm', 'p', '1.2.0'), packageOf('npm', 'q', '9.9.9')]);
    expect(gaps).toEqual([]);
    expect(matches.map((match) => [match.package.name, match.fixedVersion])).toEqual([
      ['p', '1.5.0'],
      ['q', undefined],
    ]);
    const { details: _, references: __, ...kept } = full;
    const expected: Advisory = {
      ...kept,
      database_specific: { severity: 'HIGH', cwe_ids: ['CWE-1'] },
      affected: [
        {
          package: { ecosystem: 'npm', name: 'p' },
          ranges: [
            { type: 'GIT', events: [] },
            { type: 'SEMVER', events: [{ introduced: '1.0.0' }, { fixed: '1.5.0' }] },
          ],
          versions: entry.versions,
          ecosystem_specific: { urgency: 'low' },
        },
      ],
    };
    expect(JSON.parse(JSON.stringify(matches[0]?.advisory))).toEqual(expected);
    expect(matches[1]?.advisory.affected?.[0]?.versions).toEqual(['9.9.9', '1.1.0']);
  });

  test('the first sentence of the details stands for a summary', async () => {
    const { source } = await makeSnapshot({ npm: [recordOf('N-1', 'npm', 'p', { details: '# Title\nFirst. Second.' })] });
    const { matches } = await source.match([packageOf('npm', 'p', '1.0.0')]);
    expect(matches[0]?.advisory.summary).toBe('First.');
  });

  test('names are equal as their ecosystem says, whatever the key', async () => {
    const { source } = await makeSnapshot({
      PyPI: [recordOf('P-1', 'PyPI', 'Foo_.Bar')],
      npm: [recordOf('N-1', 'npm', 'JSONStream'), recordOf('N-2', 'npm', 'jsonstream')],
    });
    const { matches } = await source.match([packageOf('PyPI', 'foo-bar', '1.0'), packageOf('npm', 'JSONStream', '1.0.0')]);
    expect(matches.map(({ advisory }) => advisory.id)).toEqual(['P-1', 'N-1']);
    expect(nameKey('Foo_.Bar')).toBe('foo-bar');
  });

  test('withdrawn records say nothing, malicious packages are there', async () => {
    const { source, written } = await makeSnapshot({
      npm: [recordOf('MAL-2026-1', 'npm', 'p'), recordOf('N-1', 'npm', 'p', { withdrawn: '2026-02-01T00:00:00Z' })],
    });
    const { matches } = await source.match([packageOf('npm', 'p', '1.0.0')]);
    expect(matches.map(({ advisory }) => advisory.id)).toEqual(['MAL-2026-1']);
    expect(written.header.ecosystems[0]).toMatchObject({ name: 'npm', records: 1, packages: 1 });
  });

  test('a thousand packages over many blocks are each found once', async () => {
    const names = Array.from({ length: 3_000 }, (_, at) => `p${at}`);
    const { source, bytes } = await makeSnapshot({
      npm: names.map((name) => recordOf(`N-${name}`, 'npm', name, { summary: createHash('sha512').update(name).digest('hex') })),
    });
    const asked = names.filter((_, at) => at % 3 === 0);
    const { matches } = await source.match(asked.map((name) => packageOf('npm', name, '1.0.0')));
    expect(matches.map(({ advisory }) => advisory.id).sort()).toEqual(asked.map((name) => `N-${name}`).sort());
    const reader = await SnapshotReader.open(toSnapshotBytes(bytes), 'test');
    expect((await reader.readIndex(reader.header.ecosystems[0] as never)).length).toBeGreaterThan(5);
  });
});

describe('what it cannot answer is a gap', () => {
  test('an ecosystem or release that it does not have', async () => {
    const { source } = await makeSnapshot({ Debian: [recordOf('D-1', 'Debian:11', 'zlib')] });
    const { gaps } = await source.match([packageOf('npm', 'p', '1.0.0'), packageOf('Debian:12', 'zlib', '1')]);
    expect(gaps.map(({ code, reason }) => [code, reason])).toEqual([
      ['no-advisories', 'test.snapshot has no advisories of npm: no advisories for p'],
      ['no-advisories', 'test.snapshot has no record of Debian:12: no advisories for zlib'],
    ]);
  });

  test('a record that was not in OSV format, for the packages that its text names', async () => {
    const { source, written } = await makeSnapshot({
      npm: [
        recordOf('N-1', 'npm', 'p'),
        '{"id": 7, "affected": [{"package": {"name": "p"}}]}',
        '{"id": "N-2", "affected": [{"package": {"name": "\\u0071"',
      ],
    });
    const asked = (name: string) => source.match([packageOf('npm', name, '3.0.0')]);
    expect(written.header.ecosystems[0]?.damaged).toEqual([
      { file: '1.json', keys: ['p'] },
      { file: '2.json', keys: [] },
    ]);
    expect((await asked('p')).gaps.map(({ code }) => code)).toEqual(['damaged', 'damaged']);
    expect((await asked('q')).gaps.map(({ reason }) => reason)).toEqual([
      'test.snapshot: record 2.json is not in OSV format: no advisories for q',
    ]);
  });

  test('a version that cannot be compared', async () => {
    const { source } = await makeSnapshot({ npm: [recordOf('N-1', 'npm', 'p')] });
    const { gaps } = await source.match([packageOf('npm', 'p', 'latest')]);
    expect(gaps).toMatchObject([{ code: 'unsupported', reason: expect.stringContaining('N-1') }]);
  });
});

describe('what it says of itself', () => {
  const records = [
    recordOf('N-1', 'npm', 'p', { modified: '2026-03-01T00:00:00Z' }),
    recordOf('N-2', 'npm', 'q', { modified: '2099-01-01T00:00:00Z' }),
  ];

  test('of osv.dev it knows as much as was known when it was made, of a directory as much as the newest record; the future does not count', async () => {
    const fromService = await (await makeSnapshot({ npm: records })).source.match([packageOf('npm', 'p', '1.0.0')]);
    expect(fromService).toMatchObject({ created: created.toISOString(), asOf: created.toISOString(), newest: '2026-03-01T00:00:00.000Z' });
    const fromDirectory = await (await makeSnapshot({ npm: records }, { isCurrent: false })).source.match([packageOf('npm', 'p', '1.0.0')]);
    expect(fromDirectory).toMatchObject({ created: created.toISOString(), asOf: '2026-03-01T00:00:00.000Z' });
  });

  test('equal records give equal bytes, and the digest is that of the file', async () => {
    const [one, other] = [await makeSnapshot({ npm: records }), await makeSnapshot({ npm: records })];
    expect(one.bytes.equals(other.bytes)).toBe(true);
    expect(one.written.digest).toBe(`sha256:${createHash('sha256').update(one.bytes).digest('hex')}`);
  });
});

describe('hostile files', () => {
  const asked = [packageOf('npm', 'p', '1.0.0'), packageOf('npm', 'q', '1.0.0'), packageOf('PyPI', 'r', '1.0')];
  const database = { npm: [full, recordOf('N-2', 'npm', 'q')], PyPI: [recordOf('P-1', 'PyPI', 'r')] };

  test('every byte that is another makes one clear error', async () => {
    const { bytes } = await makeSnapshot(database);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const flip of [0x01, 0x80]) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        await expect(toSource(damaged).match(asked), `byte ${at}`).rejects.toMatchObject({
          code: 'damaged-snapshot',
          origin: 'advisories',
        });
      }
    }
  });

  test('every file that is cut off, or has something behind it, does too', async () => {
    const { bytes } = await makeSnapshot(database);
    for (let length = 0; length < bytes.length; length += 1) {
      await expect(toSource(bytes.subarray(0, length)).match(asked), `${length} bytes`).rejects.toMatchObject({ code: 'damaged-snapshot' });
    }
    await expect(toSource(Buffer.concat([bytes, Buffer.from([0])])).match(asked)).rejects.toMatchObject({ code: 'damaged-snapshot' });
    await expect(toSource(Buffer.concat([bytes, bytes])).match(asked)).rejects.toMatchObject({ code: 'damaged-snapshot' });
  });

  test('another version of the format is named', async () => {
    const { bytes } = await makeSnapshot(database);
    const newer = Buffer.concat([Buffer.from('\x89ICADV2\n', 'latin1'), bytes.subarray(magic.length)]);
    await expect(toSource(newer).match(asked)).rejects.toThrow(/version 2 of the format/);
  });

  test.each<[string, (header: Header) => void]>([
    [
      'sections that overlap',
      ({ ecosystems }) => {
        only(ecosystems).blocksBytes -= 1;
      },
    ],
    [
      'a section that runs into the header',
      ({ ecosystems }) => {
        only(ecosystems).index.length += 1;
      },
    ],
    [
      'a length beyond all numbers',
      ({ ecosystems }) => {
        only(ecosystems).blocksBytes = 2 ** 53;
      },
    ],
    [
      'an inflated length that is too small',
      ({ ecosystems }) => {
        only(ecosystems).index.inflatedBytes -= 1;
      },
    ],
    [
      'an inflated length that is too large',
      ({ ecosystems }) => {
        only(ecosystems).index.inflatedBytes += 1;
      },
    ],
    [
      'an inflated length above the limit',
      ({ ecosystems }) => {
        only(ecosystems).index.inflatedBytes = 2 ** 31;
      },
    ],
    [
      'another number of packages',
      ({ ecosystems }) => {
        only(ecosystems).packages += 1;
      },
    ],
    [
      'a member that is not known',
      (header) => {
        Object.assign(header, { more: 1 });
      },
    ],
    [
      'no time',
      (header) => {
        header.created = 'yesterday';
      },
    ],
  ])('a header with %s, rightly signed with its digest', async (_, change) => {
    const { bytes } = await makeSnapshot({ npm: [full] });
    await expect(toSource(withHeader(bytes, change)).match(asked)).rejects.toMatchObject({ code: 'damaged-snapshot' });
  });

  interface Header {
    created: string;
    ecosystems: { blocksBytes: number; packages: number; index: { length: number; inflatedBytes: number } }[];
  }

  function only(ecosystems: Header['ecosystems']): Header['ecosystems'][number] {
    const [ecosystem] = ecosystems;
    if (ecosystem === undefined) throw new Error('no ecosystem');
    return ecosystem;
  }

  function withHeader(bytes: Buffer, change: (header: Header) => void): Buffer {
    const end = bytes.length - trailerBytes;
    const start = end - bytes.readUInt32LE(end);
    const header = JSON.parse(bytes.toString('utf8', start, end));
    change(header);
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([bytes.subarray(0, start), text, length, createHash('sha256').update(text).digest(), magic]);
  }
});

test('what fails while it is written leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  const path = join(folder, 'advisories.snapshot');
  async function* feeds() {
    yield { name: 'npm', records: failing() };
  }
  async function* failing(): AsyncGenerator<never> {
    yield* [];
    throw new Error('cut off');
  }
  const origin = { created, source: 'osv.dev', isCurrent: true, program: 'test' };
  await expect(writeSnapshot(path, origin, feeds())).rejects.toThrow('cut off');
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(folder)).toEqual([]);
});
