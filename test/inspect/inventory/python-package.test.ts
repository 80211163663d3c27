import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { pythonPackageReader } from '../../../src/inspect/inventory/python-package.ts';
import { inspectFiles } from '../inspect-files.ts';

function read(path: string, text: string | Buffer) {
  return inspectFiles([makeFileInspector(pythonPackageReader)], { [path]: text });
}

const site = 'usr/local/lib/python3.12/site-packages';

describe('Python packages', () => {
  it.each([
    `${site}/zope.interface-5.4.0.dist-info/METADATA`,
    `${site}/zope.interface-5.4.0-py3.12.egg-info/PKG-INFO`,
    `${site}/zope.interface-5.4.0.egg-info`,
    `${site}/zope.interface-5.4.0-py3.12-linux-x86_64.egg/EGG-INFO/PKG-INFO`,
  ])('reads %s', (path) => {
    const text = 'Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.4.0\nLicense: ZPL 2.1\nClassifier: A :: B\n\nName: not-this\n';
    expect(read(path, text)).toEqual([
      { kind: 'packages', path, packages: [{ type: 'pypi', name: 'zope-interface', version: '5.4.0', licence: 'ZPL 2.1' }] },
    ]);
  });

  it('prefers the licence expression, and takes classifiers where the licence is a text', () => {
    const header = 'Name: a\nVersion: 1\n';
    const path = `${site}/a-1.dist-info/METADATA`;
    expect(read(path, `${header}License: long\nLicense-Expression: MIT\n`)).toMatchObject([{ packages: [{ licence: 'MIT' }] }]);
    const text = `${header}License: Copyright\n        all rights\nClassifier: License :: OSI Approved :: BSD License\nClassifier: Topic :: X\n`;
    expect(read(path, text)).toMatchObject([{ packages: [{ licence: 'BSD License' }] }]);
    expect(read(path, header)).toMatchObject([{ packages: [{ name: 'a', version: '1' }] }]);
  });

  it('takes name and version from the folder where the metadata leave them out', () => {
    expect(read(`${site}/six-1.16.0.dist-info/METADATA`, '')).toMatchObject([{ packages: [{ name: 'six', version: '1.16.0' }] }]);
    expect(read(`${site}/PyYAML-6.0-py3.12.egg-info`, '\u0000')).toMatchObject([{ packages: [{ name: 'pyyaml', version: '6.0' }] }]);
  });

  it.each([[`${site}/METADATA`], [`${site}/a-1.dist-info/RECORD`], ['app/a.egg-info/SOURCES.txt']])('passes over %s', (path) => {
    expect(read(path, 'Name: a\nVersion: 1\n')).toEqual([]);
  });

  it('tells of a gap where nothing says which package it is', () => {
    expect(read('app/a.egg-info/PKG-INFO', 'Metadata-Version: 1.0\n')).toEqual([expect.objectContaining({ kind: 'gap', code: 'damaged' })]);
    expect(read('app/a.egg-info/PKG-INFO', 'Name: a\nVersion: 1 ##vso[task.complete]\n')).toEqual([
      expect.objectContaining({ kind: 'gap' }),
    ]);
  });
});
