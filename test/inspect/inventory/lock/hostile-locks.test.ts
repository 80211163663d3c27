import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../../src/inspect/inventory/file-inspector.ts';
import { lockFileReader } from '../../../../src/inspect/inventory/lock/lock-file.ts';
import { inspectFiles } from '../../inspect-files.ts';

function read(path: string, content: string) {
  return inspectFiles([makeFileInspector(lockFileReader)], { [path]: content });
}

function names(path: string, content: string): readonly string[] {
  return read(path, content).flatMap((item) =>
    item.kind === 'packages' ? item.packages.map(({ name, version }) => `${name} ${version}`) : [],
  );
}

const broken = expect.objectContaining({ kind: 'gap', code: 'damaged' });

describe('lock files with one damaged entry', () => {
  it.each([
    ['package-lock.json', '{"packages": {"node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "latest"}}}'],
    ['package-lock.json', '{"packages": {"node_modules/a": {"version": "1.0.0"}, "node_modules/b": 1}}'],
    ['package-lock.json', '{"dependencies": {"a": {"version": "1.0.0"}, "b": {"version": "1.0.0", "dependencies": []}}}'],
    ['yarn.lock', 'a@^1:\n  version "1.0.0"\n\nb@^1:\n  resolved "x"\n'],
    ['yarn.lock', 'a@^1:\n  version "1.0.0"\n<<<<<<< HEAD\n'],
    ['pnpm-lock.yaml', "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    dev: false\n  /b:\n    dev: false\n"],
    ['pnpm-lock.yaml', "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    dev: false\n  noise\n"],
    ['bun.lock', '{"workspaces": {"": {"dependencies": {"a": "1", "b": "1"}}}, "packages": {"a": ["a@1.0.0"], "b": [7],}}'],
    ['deno.lock', '{"version": "5", "npm": {"a@1.0.0": {}, "b": {}}}'],
    ['poetry.lock', '[[package]]\nname = "a"\nversion = "1.0.0"\n[[package]]\nname = "b"\n'],
    ['uv.lock', '[[package]]\nname = "a"\nversion = "1.0.0"\n[[package]]\nname = "b c"\nversion = "1"\n'],
    ['pylock.toml', '[[packages]]\nname = "a"\nversion = "1.0.0"\n[[packages]]\nname = "b"\n'],
    ['Pipfile.lock', '{"default": {"a": {"version": "==1.0.0"}, "b": 1}}'],
    ['requirements.txt', 'a==1.0.0\nb==${VERSION}\n'],
    ['Gemfile.lock', 'GEM\n  specs:\n    a (1.0.0)\n    b (x)\n'],
    ['composer.lock', '{"packages": [{"name": "v/a", "version": "1.0.0"}, "b"]}'],
    ['Cargo.lock', '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "r"\n[[package]]\nname = "b"\nversion = "1"\nsource = "r"\n'],
    ['packages.lock.json', '{"dependencies": {"net8.0": {"a": {"resolved": "1.0.0"}, "b": {"resolved": 1}}}}'],
  ])('%s keeps the rest: %s', (path, content) => {
    expect(names(`app/${path}`, content)[0]).toMatch(/^(?:v\/)?[ab] 1\.0\.0$/);
    expect(read(`app/${path}`, content)).toContainEqual(broken);
  });
});

describe('lock files in other forms', () => {
  it.each<[string, string, readonly string[], number]>([
    ['yarn.lock', '"a@^1":\n  "resolved" "x"\n  "version" "1.0.0"\n', ['a 1.0.0'], 0],
    ['yarn.lock', 'x@npm:a@^1, a@^1:\n  version "1.0.0"\n', ['a 1.0.0'], 0],
    ['yarn.lock', '"a@patch:a@npm%3A1.0.0#./p":\n  version: 1.0.0\n  resolution: "a@patch:a@npm%3A1.0.0#./p"\n', ['a 1.0.0'], 0],
    ['yarn.lock', `? "${'a@1, '.repeat(400)}a@2"\n:\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n`, ['a 1.0.0'], 0],
    ['yarn.lock', '"a@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "a@workspace:."\n  linkType: soft\n', [], 0],
    ['package-lock.json', '{"dependencies": {"x": {"version": "npm:@s/a@1.0.0"}, "b": {"version": "git+ssh://x"}}}', ['@s/a 1.0.0'], 0],
    ['package-lock.json', '{"packages": {"node_modules/p": {"optional": true, "peer": true}, "tool": {"version": "1.0.0"}}}', [], 0],
    ['pnpm-lock.yaml', 'lockfileVersion: 5.4\ndependencies:\n  a: 1.0.0\n', [], 1],
    ['pnpm-lock.yaml', 'lockfileVersion: 5.4\ndependencies:\n  a: link:../a\n', [], 0],
    [
      'pnpm-lock.yaml',
      'lockfileVersion: 5.4\npackages:\n\n  /@types/babel__core/7.1.9_react@16:\n    dev: false\n',
      ['@types/babel__core 7.1.9'],
      0,
    ],
    [
      'pnpm-lock.yaml',
      "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0(b@2.0.0(c@3.0.0)):\n    deprecated: |-\n      no: longer\n      /b@6.6.6:\n",
      ['a 1.0.0'],
      0,
    ],
    ['pnpm-lock.yaml', "lockfileVersion: '6.0'\npackages:\n  github.com/o/a/0123:\n    name: a\n    version: 1.0.0\n", ['a 1.0.0'], 0],
    ['deno.lock', '{"version": "2", "npm": {"packages": {"@s/a@1.0.0_b@2.0.0": {}}}}', ['@s/a 1.0.0'], 0],
    ['deno.lock', '{"version": "3", "packages": {"npm": {"a@1.0.0": {}}}}', ['a 1.0.0'], 0],
    ['deno.lock', '{"version": "5", "jsr": {"@std/path@1.0.0": {}}}', [], 0],
    [
      'poetry.lock',
      '[[package]]\nname = "A_b"\nversion = "1.0.0"\ncategory = "main"\n[[package]]\nname = "c"\nversion = "1"\ncategory = "dev"\n',
      ['a-b 1.0.0'],
      0,
    ],
    ['poetry.lock', "package = [{ name = 'a', version = '''1.0.0''' }]\n", ['a 1.0.0'], 0],
    ['poetry.lock', '[[package]]\nname = "a"\nversion = "1.0.0"\n[package.source]\ntype = "directory"\nurl = "lib"\n', [], 0],
    [
      'requirements.txt',
      'a [x, y] == 1.0.0 ; python_version < "3"  # why\n-r b.txt\nb>=1,<2\nc==1.*\nd @ https://x/d-1==2.zip\n',
      ['a 1.0.0'],
      0,
    ],
    [
      'requirements.txt',
      "a==1.0.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nw==1; sys_platform == 'win32'\n# b==1\n",
      ['a 1.0.0'],
      0,
    ],
    ['requirements.txt', Buffer.from('\uFEFFa==1.0.0\r\n', 'utf16le').toString('latin1'), ['a 1.0.0'], 0],
    [
      'Gemfile.lock',
      'GIT\n  remote: x\n  specs:\n    a (1.0.0)\n      b (>= 1)\n\nGEM\n  specs:\n    n (1.2-x86_64-linux)\n    n (1.2-java)\n',
      ['a 1.0.0', 'n 1.2'],
      0,
    ],
    ['Gemfile.lock', 'GEM\n  specs:\n    a (1.0.0)\n<<<<<<< HEAD\n    b (1)\n', ['a 1.0.0'], 1],
  ])('%s: %j', (path, content, expected, gaps) => {
    const observed = inspectFiles([makeFileInspector(lockFileReader)], {
      [`app/${path}`]: Buffer.from(content, content.startsWith('\u00ff') ? 'latin1' : 'utf8'),
    });
    expect(
      observed.flatMap((item) => (item.kind === 'packages' ? item.packages.map(({ name, version }) => `${name} ${version}`) : [])),
    ).toEqual(expected);
    expect(observed.filter(({ kind }) => kind === 'gap')).toHaveLength(gaps);
  });
});

describe('lock files that are none', () => {
  it.each([
    'package-lock.json',
    'pnpm-lock.yaml',
    'bun.lock',
    'deno.lock',
    'poetry.lock',
    'uv.lock',
    'pylock.toml',
    'Pipfile.lock',
    'composer.lock',
    'Cargo.lock',
    'packages.lock.json',
  ])('%s is a gap', (path) => {
    for (const text of ['noise\u0000', '['.repeat(100_000), '[1, 2', '"a"'])
      expect(read(`app/${path}`, text), text.slice(0, 10)).toEqual([broken]);
  });

  it('take the keys of prototypes for names', () => {
    const text =
      '{"__proto__": {"packages": {"node_modules/x": {"version": "6.6.6"}}}, "packages": {"node_modules/constructor": {"version": "1.0.0"}}}';
    expect(names('package-lock.json', text)).toEqual(['constructor 1.0.0']);
    expect(
      names('Pipfile.lock', '{"__proto__": {"default": {"x": {"version": "==6"}}}, "default": {"toString": {"version": "==1"}}}'),
    ).toEqual(['tostring 1']);
    expect(names('poetry.lock', '[[package]]\nname = "a"\nversion = "1"\n[package.__proto__]\nversion = "2"\n')).toEqual(['a 1']);
    expect(names('pnpm-lock.yaml', "lockfileVersion: '6.0'\n__proto__:\n  packages:\n    /x@6.6.6:\n")).toEqual([]);
    expect(names('packages.lock.json', '{"dependencies": {"__proto__": {"a": {"resolved": "1.0.0"}}}}')).toEqual(['a 1.0.0']);
  });

  it('name no more of an entry than a line holds', () => {
    const [gap] = read('package-lock.json', `{"packages": {"node_modules/${'x'.repeat(10_000)}": {"version": "1.0.0"}}}`);
    expect(gap?.kind === 'gap' && gap.reason.length).toBeLessThan(200);
  });
});

describe('lock files of any size', () => {
  const many = (count: number, line: (at: number) => string): string => Array.from({ length: count }, (_, at) => line(at)).join('');
  it.each([
    ['package-lock.json', `{"packages": {${many(100_000, (at) => `"node_modules/p${at}": {"version": "1.0.${at}"},`)}"": {}}}`],
    ['package-lock.json', `${'{"dependencies": {"a": '.repeat(50_000)}{}${'}}'.repeat(50_000)}`],
    ['yarn.lock', many(100_000, (at) => `p${at}@^1:\n  version "1.0.${at}"\n`)],
    ['yarn.lock', `${'a@1, '.repeat(300_000)}:\n  version "1.0.0"\n`],
    ['yarn.lock', `a@1:\n${'  version "1.0.0"\n'.repeat(100_000)}`],
    [
      'pnpm-lock.yaml',
      `lockfileVersion: '9.0'\npackages:\n${many(50_000, (at) => `  p@1.0.${at}: {}\n`)}snapshots:\n${many(50_000, (at) => `  p@1.0.${at}:\n    dependencies:\n      p: 1.0.${at + 1}\n`)}`,
    ],
    ['pnpm-lock.yaml', `lockfileVersion: '9.0'\n${many(5000, (at) => `${' '.repeat(at % 3000)}a:\n`)}`],
    ['pnpm-lock.yaml', `lockfileVersion: '9.0'\n${"'".repeat(1_000_000)}`],
    ['bun.lock', `{"packages": {${','.repeat(500_000)}`],
    ['bun.lock', `{"packages": ${'"\\"'.repeat(300_000)}`],
    [
      'bun.lock',
      `{"workspaces": {"": {"dependencies": {"p0": "1"}}}, "packages": {${many(50_000, (at) => `"p${at}": ["p${at}@1.0.0", "", {"dependencies": {"p${at + 1}": "1"}}, ""],`)}}}`,
    ],
    ['poetry.lock', many(30_000, (at) => `[[package]]\nname = "p${at}"\nversion = "1"\n`)],
    ['uv.lock', many(20_000, (at) => `[[package]]\nname = "p"\nversion = "1.${at}"\ndependencies = [{ name = "p" }]\n`)],
    ['Cargo.lock', `a = ${'['.repeat(1_000_000)}`],
    ['requirements.txt', many(100_000, (at) => `p${at}==1.0.${at}\n`)],
    ['requirements.txt', 'a\\\n'.repeat(300_000)],
    ['requirements.txt', `a${' '.repeat(1_000_000)}==1`],
    ['requirements.txt', `a[${'['.repeat(1_000_000)}`],
    ['Gemfile.lock', `GEM\n${many(100_000, (at) => `    p${at} (1.0.${at})\n`)}`],
    ['composer.lock', `{"packages": [${many(50_000, (at) => `{"name": "v/p${at}", "version": "1.0"},`)}{}]}`],
    ['composer.lock', `{"packages": [${many(2000, () => `{"name": "${'a-'.repeat(120)}/!", "version": "1.0"},`)}{}]}`],
    ['packages.lock.json', `{"dependencies": {${many(50_000, (at) => `"net${at}": {"p": {"resolved": "1.0.${at}"}},`)}"a": {}}}`],
  ])('%s is read to its end', (path, content) => {
    read(`app/${path}`, content);
  });
});
