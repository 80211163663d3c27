import { describe, expect, it } from 'vitest';
import { apkReader } from '../../../src/inspect/inventory/apk.ts';
import { makeFileInspector } from '../../../src/inspect/inventory/file-inspector.ts';
import { inspectFiles } from '../inspect-files.ts';

const whole = `C:Q1/yf4mX3xP2N7VL8uZBfGpQPEBg4=
P:musl
V:1.2.4_git20230717-r4
A:x86_64
S:407278
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

C:Q1abc
P:py3-requests
V:2.31.0-r1
A:noarch
L:Apache-2.0
o:py3-requests
F:usr/lib/python3.11/site-packages/requests-2.31.0.dist-info
R:METADATA
R:RECORD

P:.build-deps
V:20240101.000000
A:noarch
`;

function read(text: string | Buffer, path = 'lib/apk/db/installed') {
  return inspectFiles([makeFileInspector(apkReader)], { [path]: text });
}

describe('apk installed database', () => {
  it('reads packages with origin, licence and architecture, virtual ones too', () => {
    expect(read(whole)[0]).toEqual({
      kind: 'packages',
      path: 'lib/apk/db/installed',
      packages: [
        {
          type: 'apk',
          name: 'musl',
          version: '1.2.4_git20230717-r4',
          source: { name: 'musl', version: '1.2.4_git20230717-r4' },
          architecture: 'x86_64',
          licence: 'MIT',
        },
        expect.objectContaining({ name: 'py3-requests', version: '2.31.0-r1' }),
        { type: 'apk', name: '.build-deps', version: '20240101.000000', architecture: 'noarch' },
      ],
    });
    expect(read(whole, 'usr/lib/apk/db/installed')).toHaveLength(3);
    expect(read(whole, 'opt/lib/apk/db/installed')).toEqual([]);
  });

  it('notes which language packages a package owns', () => {
    expect(read(whole)).toContainEqual({
      kind: 'package-note',
      path: 'lib/apk/db/installed',
      type: 'apk',
      package: 'py3-requests',
      languageFiles: ['usr/lib/python3.11/site-packages/requests-2.31.0.dist-info/METADATA'],
      fileList: expect.stringContaining('usr/lib/python3.11/site-packages/requests-2.31.0.dist-info/METADATA'),
    });
  });

  it.each([
    ['noise', 'this is no database\n'],
    ['a binary', Buffer.alloc(5000, 0x81)],
    ['an entry without a version', 'P:musl\nA:x86_64\n'],
    ['a name with a control character', 'P:mu\rsl\u0007\nV:1\n'],
  ])('tells of a gap for %s', (_, content) => {
    const observations = read(content);
    expect(observations).toContainEqual(expect.objectContaining({ kind: 'gap', code: 'damaged' }));
    expect(observations[0]).toMatchObject({ packages: [] });
  });

  it('keeps the packages around a damaged entry', () => {
    const observations = read(whole.replace('P:py3-requests', 'P:'));
    expect(observations[0]).toMatchObject({ packages: [{ name: 'musl' }, { name: '.build-deps' }] });
    expect(observations.at(-1)).toMatchObject({ kind: 'gap', reason: expect.stringContaining('1 of its entries') });
  });
});
