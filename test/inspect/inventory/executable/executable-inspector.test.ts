import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeExecutableInspector } from '../../../../src/inspect/inventory/executable/executable-inspector.ts';
import type { Observation } from '../../../../src/model/observation.ts';
import type { PackageRecord } from '../../../../src/model/package.ts';
import { inspectFiles } from '../../inspect-files.ts';
import { elf } from './elf-writer.ts';
import { inlineInfo, pointerProgram } from './go-program.ts';

function inspect(program: Buffer, partBytes?: number): readonly Observation[] {
  return inspectFiles([makeExecutableInspector()], { 'app/program': program }, partBytes);
}

function packagesOf(program: Buffer): readonly PackageRecord[] {
  const observations = inspect(program);
  expect(observations.filter(({ kind }) => kind === 'gap')).toEqual([]);
  return observations.flatMap((observation) => (observation.kind === 'packages' ? observation.packages : []));
}

function textOf({ name, version, ...rest }: PackageRecord): string {
  return `${name} ${version}${'ecosystem' in rest ? ' unmatched' : ''}`;
}

function goPackages(modules: string, goVersion = 'go1.22.4'): readonly string[] {
  return packagesOf(elf({ data: inlineInfo(goVersion, modules) })).map(textOf);
}

const modules = 'path\texample.com/app\nmod\texample.com/app\tv1.2.3\th1:x\ndep\tgithub.com/a/b\tv0.1.0\th1:y\n';
const expected = ['github.com/a/b v0.1.0', 'example.com/app v1.2.3', 'stdlib 1.22.4'];

describe('a Go program', () => {
  it('states its modules, also without a table of sections, in any width and byte order', () => {
    for (const isWide of [true, false]) {
      for (const isBigEndian of [true, false]) {
        const data = inlineInfo('go1.22.4', modules);
        expect(packagesOf(elf({ data, isWide, isBigEndian })).map(textOf)).toEqual(expected);
        expect(packagesOf(pointerProgram('go1.22.4', modules, isWide, isBigEndian)).map(textOf)).toEqual(expected);
      }
    }
    const sections = [{ name: '.go.buildinfo', of: 'rodata' }] as const;
    expect(packagesOf(elf({ rodata: inlineInfo('go1.22.4', modules), sections })).map(textOf)).toEqual(expected);
  });

  it('states them however its bytes are cut', () => {
    const program = elf({ data: Buffer.concat([Buffer.alloc(160_000), inlineInfo('go1.22.4', modules)]), codeBytes: 30_000 });
    for (const partBytes of [5000, 8192, 10_001, 65_536]) expect(inspect(program, partBytes)).toEqual(inspect(program, 1e9));
    expect(packagesOf(program)).toHaveLength(3);
  });

  it('has the replacement in the place of what is replaced, unless that is a folder', () => {
    expect(
      goPackages(
        `${modules}dep\tgithub.com/c/d\tv1.0.0\n=>\tgithub.com/fork/d\tv1.0.1\th1:z\ndep\tgithub.com/e/f\tv2.0.0\n=>\t../f\t(devel)\t\n`,
      ),
    ).toEqual([
      'github.com/a/b v0.1.0',
      'github.com/fork/d v1.0.1',
      'github.com/e/f (devel) unmatched',
      'example.com/app v1.2.3',
      'stdlib 1.22.4',
    ]);
  });

  it('has the version of the main module that is sure', () => {
    const main = (version: string, ...settings: readonly string[]) =>
      goPackages(`mod\ta.b/c\t${version}\n${settings.map((setting) => `build\t${setting}\n`).join('')}`)[0];
    const vcs = ['vcs.revision=0123456789abcdef0123456789abcdef01234567', 'vcs.time=2024-01-02T03:04:05Z'];
    expect(main('(devel)')).toBe('a.b/c (devel) unmatched');
    expect(main('(devel)', ...vcs)).toBe('a.b/c v0.0.0-20240102030405-0123456789ab unmatched');
    expect(main('(devel)', ...vcs, '-ldflags="-s -w -X main.version=1.2.3"')).toBe('a.b/c v1.2.3');
    expect(main('(devel)', `-ldflags=-X 'a.b/c/cmd.Version=v1.2.3-rc.1' -X main.commit=9.9.9`)).toBe('a.b/c v1.2.3-rc.1');
    expect(main('(devel)', '-ldflags=-X main.version=1.2.3 -X a.b/c/x.version=2.0.0')).toBe('a.b/c (devel) unmatched');
    expect(main('(devel)', '-ldflags=-X other.com/d.version=1.2.3')).toBe('a.b/c (devel) unmatched');
    expect(main('v1.0.1-0.20240102030405-0123456789ab', '-ldflags=-X main.version=1.2.3')).toBe('a.b/c v1.2.3');
    expect(main('v0.0.0-20240102030405-0123456789ab')).toBe('a.b/c v0.0.0-20240102030405-0123456789ab');
    expect(main('v1.0.0', '-ldflags=-X main.version=1.2.3')).toBe('a.b/c v1.0.0');
  });

  it('has the version of the toolchain in any spelling, and needs no modules', () => {
    const spellings = ['go1.21rc2', 'go1.22.4 X:boringcrypto', 'go1.26.1-X:foo', 'devel go1.23-0123456 Tue', 'go1.20 (Red Hat 1.20-1.el9)'];
    expect(spellings.flatMap((goVersion) => goPackages('', goVersion))).toEqual(
      ['1.21rc2', '1.22.4', '1.26.1', '1.23', '1.20'].map((version) => `stdlib ${version}`),
    );
  });

  it('takes no name or version that none can be', () => {
    expect(goPackages('dep\t<b>\tv1.0.0\ndep\ta.b/c\tv1 0\ndep\t\tv1.0.0\nmod\n=>\n\x1b[31m\n', 'nonsense')).toEqual([]);
  });

  it('is a gap where its information is damaged', () => {
    const cut = inlineInfo('go1.22.4', modules).subarray(0, 60);
    expect(inspect(elf({ data: cut }))).toMatchObject([{ kind: 'gap', path: 'app/program', code: 'damaged' }]);
    const program = pointerProgram('go1.17.1', modules);
    program.writeBigUInt64LE(0x99_9999n, program.indexOf('\xff Go buildinf:', 0, 'latin1') + 16);
    expect(inspect(program)).toMatchObject([{ kind: 'gap', code: 'damaged' }]);
  });

  it('is a gap where it has no information, or is packed', () => {
    const old = elf({ note: '\x04\0\0\0\x10\0\0\0\x04\0\0\0Go\0\0a build id' });
    expect(inspect(old)).toMatchObject([{ kind: 'gap', code: 'unsupported', reason: expect.stringContaining('Go program') }]);
    const packed = elf({});
    packed.write('UPX!', 300, 'latin1');
    expect(inspect(packed)).toMatchObject([{ kind: 'gap', code: 'unsupported', reason: expect.stringContaining('UPX') }]);
  });

  it('is a gap where its data are more than is kept', () => {
    const data = Buffer.concat([Buffer.alloc(33 * 1024 * 1024), inlineInfo('go1.22.4', modules)]);
    expect(inspect(elf({ data, sections: [{ name: '.go.buildinfo', of: 'data' }] }))).toMatchObject([{ kind: 'gap', code: 'too-large' }]);
  });
});

describe('a Rust program', () => {
  const list = {
    packages: [
      { name: 'app', version: '1.0.0', source: 'local', root: true },
      { name: 'serde', version: '1.0.150', source: 'crates.io' },
      { name: 'cc', version: '1.0.1', source: 'crates.io', kind: 'build' },
    ],
  };
  const program = (section: Buffer) => elf({ rodata: section, sections: [{ name: '.dep-v0', of: 'rodata' }] });

  it('states its crates but for those that only built it', () => {
    expect(packagesOf(program(deflateSync(JSON.stringify(list)))).map(textOf)).toEqual(['app 1.0.0', 'serde 1.0.150']);
  });

  it.each([
    ['cut', deflateSync(JSON.stringify(list)).subarray(0, 20)],
    ['no JSON', deflateSync('crates')],
    ['not the list', deflateSync('{"packages": {}}')],
    ['an entry without a version', deflateSync('{"packages": [{"name": "a"}]}')],
    ['a bomb', deflateSync(Buffer.alloc(64 * 1024 * 1024))],
  ])('is a gap where its list is %s', (_, section) => {
    expect(inspect(program(section))).toMatchObject([{ kind: 'gap', path: 'app/program', code: 'damaged' }]);
  });
});

describe('other files', () => {
  it('are none of its business', () => {
    const noise = Buffer.alloc(5000, 0xff);
    noise.set([0x7f, 0x45, 0x4c, 0x46]);
    expect(inspect(noise)).toEqual([]);
    expect(inspect(Buffer.from('MZ'.repeat(3000)))).toEqual([]);
    expect(inspect(elf({}))).toEqual([]);
    const script = Buffer.from('#!/bin/sh\n'.repeat(500));
    const entry = { path: 'a', type: 'file', sizeBytes: script.length, mode: 0o755, linkName: '' } as const;
    expect(makeExecutableInspector().inspect().magic(entry, script.subarray(0, 16))).toBe('none');
  });

  it('give no exception wherever a program is cut or changed', () => {
    const whole = pointerProgram('go1.17.1', modules);
    for (let length = 1024; length < whole.length; length += 7) expect(() => inspect(whole.subarray(0, length))).not.toThrow();
    for (let at = 0; at < 240; at++) {
      const changed = Buffer.from(whole);
      changed[at] = 0xff;
      expect(() => inspect(changed)).not.toThrow();
    }
  });
});
