import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, valid } from 'semver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alpineVersionOrder } from '../../src/advisory/alpine-version.ts';
import { debianVersionOrder } from '../../src/advisory/debian-version.ts';
import { npmVersionOrder } from '../../src/advisory/npm-version.ts';
import { pypiVersionOrder } from '../../src/advisory/pypi-version.ts';
import type { VersionOrder } from '../../src/advisory/version-order.ts';
import { readZip } from '../../src/advisory/zip.ts';
import { shared } from './peers.ts';

type Pair = readonly [a: string, b: string];
/** `<`, `=`, `>`, or `!` where the program refuses one of the two. */
type Answer = '<' | '=' | '>' | '!';

const folder = mkdtempSync(join(tmpdir(), 'version-order-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('Debian versions, against dpkg --compare-versions', () => {
  const script =
    'while read -r a b; do dpkg --compare-versions "$a" lt "$b" 2>/dev/null; r=$?; if [ $r = 0 ]; then echo "<"; elif [ $r != 1 ]; then echo "!"; elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then echo "="; else echo ">"; fi; done';

  test('neighbours and strangers of the OSV database', async () => {
    expectAgreement(debianVersionOrder, await databasePairs('Debian', 600), (pairs) => shellAnswers('sh', ['-c', script], pairs));
  });

  test('random texts', () => {
    // A version that begins with a hyphen is an option to dpkg.
    const parts = ['0', '1', '09', '10', 'a', 'Z', '.', '+', '~', '~~', '-', ':', '_'];
    expectAgreement(
      debianVersionOrder,
      randomPairs(
        1_000,
        parts,
        parts.filter((part) => part !== '-'),
      ),
      (pairs) => shellAnswers('sh', ['-c', script], pairs),
    );
  });
});

describe('Alpine versions, against the apk of an Alpine image', () => {
  const script =
    'while read -r a b; do r=$("$1/lib/ld-musl-x86_64.so.1" --library-path "$1/lib" "$1/sbin/apk" version -t "$a" "$b"); echo "$r"; done';
  const apk = (pairs: readonly Pair[]) => shellAnswers('sh', ['-c', script, 'sh', folder], pairs);

  beforeAll(() => {
    const archive = shared('testdata/images/containerd-archives/alpine.tar');
    const [manifest] = JSON.parse(execFileSync('tar', ['-xOf', archive, 'manifest.json']).toString());
    execFileSync('sh', ['-c', 'tar -xOf "$1" "$2" | tar -xz -C "$3" sbin/apk lib', 'sh', archive, manifest.Layers[0], folder]);
  });

  test('neighbours and strangers of the OSV database', async () => {
    expectAgreement(alpineVersionOrder, await databasePairs('Alpine', 700), apk);
  });

  test('random versions', () => {
    const parts = [
      '.0',
      '.1',
      '.10',
      '.2',
      'a',
      'b',
      '_alpha',
      '_beta2',
      '_rc1',
      '_pre',
      '_p',
      '_p1',
      '_git20200101',
      '_cvs',
      '-r0',
      '-r1',
      '-r10',
    ];
    const pairs = randomPairs(1_500, parts, ['1', '0', '10']).filter((pair) => pair.every((text) => alpineVersionOrder.isVersion(text)));
    expect(pairs.length).toBeGreaterThan(200);
    expectAgreement(alpineVersionOrder, pairs, apk);
  });
});

describe("Python versions, against python's packaging", () => {
  const script = `
import sys
try: from packaging.version import Version, InvalidVersion
except ImportError: from pip._vendor.packaging.version import Version, InvalidVersion
for line in sys.stdin:
    try: a, b = map(Version, line.rstrip("\\n").split(" "))
    except InvalidVersion: print("!"); continue
    print("<" if a < b else ">" if a > b else "=")
`;
  const python = (pairs: readonly Pair[]) => shellAnswers('python3', ['-c', script], pairs);

  test('neighbours and strangers of the OSV database', async () => {
    expectAgreement(pypiVersionOrder, await databasePairs('PyPI', 8_000), python);
  });

  test('random texts', () => {
    const parts = [
      '.0',
      '.1',
      '.10',
      'a',
      'b1',
      'rc2',
      'c',
      '-',
      '_',
      '.',
      'post',
      '.post1',
      '-1',
      'rev2',
      'dev',
      '.dev3',
      '+',
      '+ubuntu.1',
      '+1.a',
      '!',
      'Alpha',
      'preview4',
      'v',
    ];
    expectAgreement(pypiVersionOrder, randomPairs(20_000, parts, ['1', '0', '2!1', 'v1', '01']), python);
  });
});

describe('npm versions, against node-semver where they are strict', () => {
  test('neighbours and strangers of the OSV database', async () => {
    expectAgreement(npmVersionOrder, await databasePairs('npm', 4_000), (pairs) =>
      pairs.map(([a, b]) => (valid(a) && valid(b) ? toAnswer(compare(a, b)) : '!')),
    );
  });
});

/** Where the program gives an order we give the same; where it refuses we may still read a loose form, but a refused package is none of our versions. */
function expectAgreement(order: VersionOrder, pairs: readonly Pair[], ask: (pairs: readonly Pair[]) => readonly Answer[]): void {
  const answers = ask(pairs);
  expect(answers).toHaveLength(pairs.length);
  const wrong = pairs.flatMap(([a, b], index) => {
    const ours = toAnswer(order.compare(a, b));
    const theirs = answers[index];
    if (theirs === '!') {
      const refused = order !== npmVersionOrder && order.isVersion(a) && order.isVersion(b);
      return refused ? [`${a} ? ${b}: refused, ours ${ours}`] : [];
    }
    return ours === theirs ? [] : [`${a} ${theirs} ${b}, ours ${ours}`];
  });
  expect(wrong).toEqual([]);
  expect(answers.filter((answer) => answer !== '!').length).toBeGreaterThan(pairs.length / 20);
}

function toAnswer(difference: number | undefined): Answer {
  return difference === undefined ? '!' : difference < 0 ? '<' : difference > 0 ? '>' : '=';
}

function shellAnswers(command: string, args: readonly string[], pairs: readonly Pair[]): Answer[] {
  const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
  const output = execFileSync(command, args, { input, maxBuffer: 64 * 1024 * 1024 }).toString();
  return output.trimEnd().split('\n') as Answer[];
}

/** Versions that one record names together, and versions of unrelated records. */
async function databasePairs(ecosystem: string, count: number): Promise<Pair[]> {
  const groups: string[][] = [];
  for await (const { bytes } of readZip(join(shared('testdata/osv'), ecosystem, 'all.zip'))) {
    for (const affected of JSON.parse(bytes.toString()).affected ?? []) {
      const ranges = (affected.ranges ?? []).filter((range: { type: string }) => range.type !== 'GIT');
      const events = ranges.flatMap((range: { events: object[] }) => range.events);
      const versions = [...events.flatMap((event: object) => Object.values(event)), ...(affected.versions ?? [])];
      groups.push(versions.filter((version) => /^[!-~]+$/.test(version) && version !== '0'));
    }
  }
  const random = generator(20261123);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const filled = groups.filter((group) => group.length > 0);
  return Array.from({ length: count }, (_, index): Pair => {
    const group = pick(filled) ?? [];
    return [pick(group) ?? '1', pick(index % 2 === 0 ? group : (pick(filled) ?? [])) ?? '1'];
  });
}

function randomPairs(count: number, parts: readonly string[], starts: readonly string[] = parts): Pair[] {
  const random = generator(7);
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const text = () => pick(starts) + Array.from({ length: Math.floor(random() * 5) }, () => pick(parts)).join('');
  return Array.from({ length: count }, () => [text(), text()] as const);
}

/** mulberry32: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
