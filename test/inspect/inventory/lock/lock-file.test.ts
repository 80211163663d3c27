import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../../src/inspect/inventory/file-inspector.ts';
import { lockFileReader } from '../../../../src/inspect/inventory/lock/lock-file.ts';
import { inspectFiles } from '../../inspect-files.ts';

function read(path: string, content: string | Buffer) {
  return inspectFiles([makeFileInspector(lockFileReader)], { [path]: content });
}

function list(path: string, content: string | Buffer): readonly string[] {
  return read(path, content).flatMap((item) =>
    item.kind === 'packages' ? item.packages.map(({ type, name, version }) => `${type} ${name} ${version}`).sort() : [`gap ${item.path}`],
  );
}

function sample(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'samples', name));
}

function names(type: string, text: string): readonly string[] {
  return text
    .trim()
    .split(/\s+/)
    .map((id) => `${type} ${id.slice(0, id.lastIndexOf('@'))} ${id.slice(id.lastIndexOf('@') + 1)}`);
}

/**
 * One project of two workspaces, with an alias (`lodash-four`), an optional and peer dependencies, written to a lock file by each tool. The addresses of registries are
 * replaced.
 */
const shipped = names(
  'npm',
  `@babel/code-frame@7.0.0 @babel/helper-validator-identifier@7.29.7 @babel/highlight@7.25.9 ansi-styles@3.2.1 chalk@2.4.2 color-convert@1.9.3
  color-name@1.1.3 debug@2.6.0 escape-string-regexp@1.0.5 fsevents@2.3.2 has-flag@3.0.0 js-tokens@4.0.0 lodash@4.17.15 loose-envify@1.4.0 ms@0.7.2 ms@2.1.0
  object-assign@4.1.1 picocolors@1.1.1 prop-types@15.8.1 react-dom@16.14.0 react-is@16.13.1 react@16.14.0 scheduler@0.19.1 supports-color@5.5.0`,
);
const forDevelopment = names('npm', '@types/babel__code-frame@7.0.2 abbrev@1.0.9 nopt@4.0.1 os-homedir@1.0.2 os-tmpdir@1.0.2 osenv@0.1.5');
const nodeGyp = names(
  'npm',
  `@isaacs/fs-minipass@4.0.1 abbrev@5.0.0 chownr@3.0.0 env-paths@2.2.1 exponential-backoff@3.1.3 fdir@6.5.0 graceful-fs@4.2.12 isexe@4.0.0 minipass@7.1.3
  minizlib@3.1.0 node-gyp@13.1.0 nopt@10.0.1 picomatch@4.0.7 proc-log@7.0.0 semver@7.8.6 tar@7.5.23 tinyglobby@0.2.17 undici@8.13.1 which@7.0.0 yallist@5.0.0`,
);
const python = names('pypi', 'pysocks@1.7.1 python-dateutil@2.8.2 six@1.17.0 urllib3@1.26.18 zope-event@5.0');

const samples: readonly (readonly [file: string, path: string, expected: readonly string[]])[] = [
  ['package-lock-1.golden.json', 'app/package-lock.json', shipped],
  ['package-lock-2.golden.json', 'app/package-lock.json', shipped],
  ['package-lock-3.golden.json', 'app/npm-shrinkwrap.json', shipped],
  ['yarn-1.golden.lock', 'app/yarn.lock', [...shipped, ...forDevelopment, ...names('npm', 'abbrev@1.1.1')]],
  ['yarn-4.golden.lock', 'yarn.lock', [...shipped, ...forDevelopment, ...nodeGyp, ...names('npm', 'abbrev@1.1.1')]],
  ['pnpm-6.golden.yaml', 'app/pnpm-lock.yaml', shipped],
  ['pnpm-8.golden.yaml', 'app/pnpm-lock.yaml', shipped],
  ['pnpm-9.golden.yaml', 'app/pnpm-lock.yaml', shipped],
  ['pnpm-11.golden.yaml', 'app/pnpm-lock.yaml', shipped],
  ['bun.golden.lock', 'app/bun.lock', shipped],
  ['deno.golden.lock', 'app/deno.lock', [...shipped.filter((id) => !id.includes('fsevents')), ...forDevelopment]],
  ['poetry.golden.lock', 'srv/poetry.lock', [...python, ...names('pypi', 'setuptools@82.0.1')]],
  ['pdm.golden.lock', 'srv/pdm.lock', [...python, ...names('pypi', 'cachetools@5.3.0 colorama@0.4.6 setuptools@82.0.1')]],
  ['uv.golden.lock', 'srv/uv.lock', [...python, ...names('pypi', 'cachetools@5.3.0 colorama@0.4.6 setuptools@82.0.1 setuptools@84.2.1')]],
  [
    'pylock.golden.toml',
    'srv/pylock.toml',
    [...python, ...names('pypi', 'colorama@0.4.6 iniconfig@1.1.1 setuptools@82.0.1 setuptools@84.2.1')],
  ],
  ['pipfile.golden.lock', 'srv/Pipfile.lock', [...python, ...names('pypi', 'setuptools@84.2.1')]],
  ['requirements.golden.txt', 'srv/requirements.txt', python],
  ['gemfile.golden.lock', 'srv/Gemfile.lock', names('gem', 'rake@13.0.6 webrick@1.8.1')],
  ['composer.golden.lock', 'srv/composer.lock', names('composer', 'acme/event@2.0.1 acme/log@v1.2.3')],
  [
    'cargo.golden.lock',
    'src/Cargo.lock',
    names(
      'cargo',
      `itoa@1.0.19 proc-macro2@1.0.107 quote@1.0.47 ryu@1.0.23 serde@1.0.229 serde_core@1.0.229 serde_derive@1.0.229 serde_json@1.0.100 smallvec@1.6.0
      syn@3.0.10 unicode-ident@1.0.27`,
    ),
  ],
];

describe('lock files as their tools write them', () => {
  it.each(samples)('%s states what is shipped', (file, path, expected) => {
    expect(list(path, sample(file))).toEqual([...expected].sort());
  });

  it.each(samples)('%s, cut anywhere, gives packages of the whole and a gap at most', (file, path) => {
    const content = sample(file);
    const whole = new Set(list(path, content));
    for (let length = 0, step = Math.ceil(content.length / 500); length < content.length; length += step) {
      const observed = list(path, content.subarray(0, length));
      const strange = observed.filter((id) => !whole.has(id) && id !== `gap ${path}`);
      if (strange.length > 1) expect(observed, `${length} bytes: ${strange.join(', ')}`).toContain(`gap ${path}`);
      if (/\.json$|\.toml$|bun|deno|pipfile|composer/.test(file)) expect(strange).toEqual([]);
    }
  });

  it.each(samples)('%s with carriage returns says the same', (file, path, expected) => {
    expect(list(path, sample(file).toString().replaceAll('\n', '\r\n'))).toEqual([...expected].sort());
  });

  it('keep licences where they state them', () => {
    expect(read('package-lock.json', sample('package-lock-3.golden.json'))).toMatchObject([
      { packages: expect.arrayContaining([{ type: 'npm', name: 'react', version: '16.14.0', licence: 'MIT' }]) },
    ]);
    expect(read('composer.lock', sample('composer.golden.lock'))).toMatchObject([
      { packages: [{ licence: 'MIT' }, { licence: 'LGPL-2.1-or-later OR GPL-3.0-or-later' }] },
    ]);
  });
});

describe('places of lock files', () => {
  it.each([
    'app/node_modules/a/package-lock.json',
    'usr/lib/python3/site-packages/a/poetry.lock',
    'usr/lib/python3/dist-packages/a/requirements.txt',
    'var/www/vendor/a/b/composer.lock',
    'usr/local/bundle/gems/rack-2.2.3/Gemfile.lock',
    'root/.cargo/registry/src/index/a-1.0.0/Cargo.lock',
    'usr/local/cargo/registry/src/index/a-1.0.0/Cargo.lock',
    'go/pkg/mod/a@v1/package-lock.json',
    'app/test/fixtures/yarn.lock',
    'app/docs/requirements.txt',
    'app/requirements-dev.txt',
    'app/requirements/test.txt',
    'app/test_requirements.txt',
    'app/notes.txt',
    'app/go.mod',
    'app/my-package-lock.json',
  ])('%s is of no project of the image', (path) => {
    expect(lockFileReader.isWanted(path)).toBe(false);
  });

  it.each(['yarn.lock', 'requirements.txt', 'usr/src/app/requirements-prod.txt', 'app/requirements/base.txt', 'app/prod-requirements.txt'])(
    '%s is',
    (path) => expect(lockFileReader.isWanted(path)).toBe(true),
  );
});
