import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { StepError } from '../../src/lib/step-error.ts';
import { itIsASource } from '../contract/source.ts';
import { endBlocks, file, gnuLong, hardLink, pax, symlink, type TarMember, tar } from '../layer/tar-writer.ts';
import { config, configHex, configOf, layers, legacyMembers, sha256 } from './image-fixture.ts';
import { openAt, openIn, readWhole, refusalOf, temporaryFolder } from './reading.ts';

const archive = tar(...legacyMembers());
const open = (bytes: Buffer, text = 'docker-archive:app.tar') => openIn({ 'app.tar': bytes }, text);

describe('docker save, classic', () => itIsASource(() => open(archive), { seekable: true }));

describe.each([
  ['gzip', gzipSync(archive)],
  ['zstd', zstdCompressSync(archive)],
])('docker save, compressed with %s', (_compression, bytes) => itIsASource(() => open(bytes), { seekable: false, planned: false }));

describe('docker save of Docker 25 and later', () => {
  const blob = (bytes: Buffer) => file(`blobs/sha256/${sha256(bytes)}`, bytes);
  const path = (bytes: Buffer) => `blobs/sha256/${sha256(bytes)}`;
  const manifest = [{ Config: path(config), RepoTags: null, Layers: [path(layers[0]), path(layers[1]), path(layers[1])] }];
  itIsASource(() => open(tar(blob(layers[0]), blob(layers[1]), blob(config), file('manifest.json', JSON.stringify(manifest)))), {
    seekable: true,
  });
});

describe('the image of a docker save archive', () => {
  it('has what its configuration says', async () => {
    const image = await readWhole(await open(archive));
    expect(image).toMatchObject({
      kind: 'made',
      configDigest: `sha256:${configHex}`,
      config: { platform: { os: 'linux', architecture: 'amd64' }, user: '1000', env: ['PATH=/bin', 'TOKEN=x'], labels: { a: 'b' } },
      layers: [{ key: 'aa/layer.tar', descriptor: undefined }, { key: 'bb/layer.tar' }, { key: 'bb/layer.tar' }],
    });
  });

  it('leaves out a history that does not fit the layers', async () => {
    const one = configOf({ diffIds: [sha256(layers[0])] });
    const manifest = [{ Config: 'c.json', Layers: ['aa/layer.tar'] }];
    const image = await readWhole(await open(tar(...legacyMembers({ manifest }), file('c.json', one))));
    expect(image).toMatchObject({ config: { history: [] } });
  });

  it.each([
    ['skopeo and kaniko names', `sha256:${configHex}`],
    ['names with ./', `./${configHex}.json`],
  ])('is found under %s', async (_what, name) => {
    const manifest = [{ Config: name, Layers: ['./aa/layer.tar', 'bb//layer.tar', 'cc/layer.tar'] }];
    const members = [...legacyMembers({ manifest }), file(`sha256:${configHex}`, config)];
    expect(await readWhole(await open(tar(...members)))).toMatchObject({ kind: 'made' });
  });

  it('is found behind GNU and PAX long names and hard links', async () => {
    const long = `${'d'.repeat(150)}/layer.tar`;
    const manifest = [{ Config: `${configHex}.json`, Layers: [long, 'hard.tar', 'cc/layer.tar'] }];
    for (const name of [gnuLong('L', long), pax({ path: long })]) {
      const members = [...legacyMembers({ manifest }), hardLink('hard.tar', 'bb/layer.tar'), name, file('short', layers[0])];
      expect(await readWhole(await open(tar(...members)))).toMatchObject({ layers: [{ key: long }, { key: 'bb/layer.tar' }, {}] });
    }
  });
});

describe('several images in one archive', () => {
  const entry = (tags: string[] | null) => ({
    Config: `${configHex}.json`,
    RepoTags: tags,
    Layers: ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar'],
  });
  const several = tar(
    ...legacyMembers({ manifest: [entry(['app:ci', 'localhost:5000/app:1']), entry(['docker.io/library/other:latest']), entry(null)] }),
  );

  it('are an error that lists them, unless one is chosen', async () => {
    const { error } = await refusalOf(() => open(several));
    expect(error).toMatchObject({ code: 'source-ambiguous', origin: 'input' });
    expect(error.hint).toContain('"app:ci", "localhost:5000/app:1", "docker.io/library/other:latest", "@2"');
  });

  it.each(['app:ci', 'localhost:5000/app:1', 'other', 'other:latest', 'docker.io/library/other', '@2'])(
    'are told apart by %s',
    async (tag) => {
      expect(await readWhole(await open(several, `docker-archive:app.tar:${tag}`))).toMatchObject({ kind: 'made' });
    },
  );

  it('do not have a tag that none has', async () => {
    expect((await refusalOf(() => open(several, 'docker-archive:app.tar:app:2'))).error).toMatchObject({
      code: 'source-not-found',
      origin: 'input',
    });
  });

  it('are told apart in a file whose name has a colon', async () => {
    expect(await readWhole(await openIn({ 'a:b.tar': several }, 'docker-archive:a:b.tar:app:ci'))).toMatchObject({ kind: 'made' });
  });
});

describe('an archive that is not sound', () => {
  const manifest = (fields: object) =>
    legacyMembers({ manifest: [{ Config: `${configHex}.json`, Layers: ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar'], ...fields }] });
  const without = (name: string) => legacyMembers().filter((member) => member.name !== name);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['is a single layer', layers[0], /neither a manifest.json nor an index.json/],
    ['lists no image', tar(...legacyMembers({ manifest: [] })), /lists no image/],
    ['lacks its configuration', tar(...without(`${configHex}.json`)), /lacks the configuration/],
    ['lacks a layer', tar(...without('bb/layer.tar')), /lacks the layer "bb\/layer.tar"|leads nowhere/],
    [
      'lists fewer layers than its configuration',
      tar(...manifest({ Layers: ['aa/layer.tar'] })),
      /lists 1 layer, but the image's configuration 3/,
    ],
    [
      'has another configuration than its name says',
      tar(...legacyMembers({ config: configOf({ os: 'plan9' }) })),
      /has the digest sha256:/,
    ],
    [
      'names a layer outside',
      tar(...manifest({ Layers: ['../../etc/passwd', 'bb/layer.tar', 'cc/layer.tar'] })),
      /lies outside of the archive/,
    ],
    ['names a configuration outside', tar(...manifest({ Config: '../c.json' })), /lies outside of the archive/],
    ['has an entry outside', tar(file('../evil', 'x'), ...legacyMembers()), /"\.\.\/evil" lies outside/],
    ['has a file twice', tar(...legacyMembers(), file('manifest.json', '[]')), /has "manifest.json" twice/],
    [
      'has a link in a circle',
      tar(...legacyMembers().filter(({ name }) => name !== 'bb/layer.tar'), symlink('bb/layer.tar', '../cc/layer.tar')),
      /leads nowhere/,
    ],
    [
      'has a link outside',
      tar(...manifest({ Layers: ['aa/layer.tar', 'bb/layer.tar', 'out'] }), symlink('out', '/etc/passwd')),
      /lacks the layer "out"/,
    ],
    ['has a key twice', tar(...without('manifest.json'), file('manifest.json', '[{"Config":"a","Config":"b"}]')), /is there twice/],
    ['has a key in another case', tar(...manifest({ layers: [] })), /case/],
    ['has no JSON', tar(...without('manifest.json'), file('manifest.json', '[{')), /not valid JSON/],
    ['has a manifest that is no list', tar(...legacyMembers({ manifest: {} })), /not a list/],
    ['has layers that are no names', tar(...manifest({ Layers: [1, 2, 3] })), /not a string/],
    [
      'has a symbolic link with content',
      tar({ name: 'l', type: '2', linkName: 'x', size: 512, content: 'y' }, ...legacyMembers()),
      /at byte 0 of the tar: a symlink with 512 bytes of content/,
    ],
    ['names an entry twice over', tar(gnuLong('L', 'a'), pax({ path: 'b' }), file('c'), ...legacyMembers()), /both a PAX and a GNU name/],
    ['renames all entries', tar(pax({ path: 'x' }, 'g'), ...legacyMembers()), /global header sets path/],
    ['has a sparse file', tar(pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }), ...legacyMembers()), /sparse/],
    ['goes on after a lone zero block', Buffer.concat([tar(file('a')).subarray(0, -512), tar(...legacyMembers())]), /lone block of zeros/],
    ['is compressed with bzip2', Buffer.from('425a68393141', 'hex'), /compressed with bzip2/],
    ['is compressed with xz', Buffer.from('fd377a585a000004', 'hex'), /compressed with xz/],
    ['is a zip', Buffer.from('504b030414000000', 'hex'), /compressed with zip/],
    ['is empty', Buffer.alloc(0), /neither a manifest.json nor an index.json/],
    [
      'has too many entries',
      Buffer.concat([...Array.from({ length: 17_000 }, () => tar(file('a', '')).subarray(0, 512)), endBlocks]),
      /more than 16384 entries/,
    ],
  ];

  it.each(cases)('that %s is refused before any layer is visited', async (_what, bytes, message) => {
    const { error, visits } = await refusalOf(() => open(bytes));
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^cannot read docker-archive:app\.tar: [^\n]+$/);
    expect(error.hint).not.toBe('');
    expect(error.origin).toBe('source');
    expect(visits).toBe(0);
  });

  it('is refused at every place where it can be cut', async () => {
    const small = tar(...shrink(legacyMembers()));
    const whole = small.length - endBlocks.length;
    for (let end = 0; end < whole - 512; end += 256) {
      const { visits } = await refusalOf(() => open(small.subarray(0, end)));
      expect(visits).toBe(0);
    }
    expect(await readWhole(await open(small.subarray(0, whole)))).toMatchObject({ kind: 'made' });
  });

  it('is read or refused with one error, whatever bit is flipped', async () => {
    const small = tar(...shrink(legacyMembers()));
    const folder = temporaryFolder();
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(small);
      const at = (round * 15_859) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
      writeFileSync(join(folder, 'a.tar'), bytes);
      const source = await openAt(folder, 'docker-archive:a.tar');
      await readWhole(source).catch((error: unknown) => expect(error).toBeInstanceOf(StepError));
    }
  });

  it.each([
    ['gzip', gzipSync, /gzip stream is damaged or cut/],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), /zstd data is cut/],
  ] as const)('is refused when its %s stream is cut or damaged, at its end too', async (_compression, compress, message) => {
    const packed = compress(archive);
    const damaged = Buffer.from(packed);
    damaged[packed.length >> 1] = (damaged[packed.length >> 1] ?? 0) ^ 0xff;
    for (const bytes of [packed.subarray(0, packed.length >> 1), packed.subarray(0, -1), packed.subarray(0, -9), damaged]) {
      const { error } = await refusalOf(() => open(bytes));
      expect(error).toMatchObject({ code: 'source-damaged', origin: 'source' });
      if (bytes !== damaged) expect(error.message).toMatch(message);
    }
  });

  it('is refused where more follows its end than any tool writes', async () => {
    const { error } = await refusalOf(() => open(gzipSync(Buffer.concat([archive, Buffer.alloc(17 * 1024 * 1024)]), { level: 1 })));
    expect(error.message).toMatch(/more than 16777216 bytes follow the end/);
  });

  it('is refused where its zstd needs a larger window than is given', async () => {
    const { error } = await refusalOf(() => open(Buffer.from('28b52ffd00ff010000', 'hex')));
    expect(error).toMatchObject({ code: 'source-unsupported', message: expect.stringMatching(/window of/) });
  });

  it('that inflates out of all proportion is refused', async () => {
    const huge = gzipSync(Buffer.alloc(16 * 1024 * 1024), { level: 9 });
    const head = gzipSync(tar({ name: 'zeros', size: 7 * 1024 ** 3 }).subarray(0, 512));
    const { error } = await refusalOf(() => open(Buffer.concat([head, ...Array.from({ length: 80 }, () => huge)])));
    expect(error.message).toMatch(/inflates to more than 100 times its size/);
  });
});

describe('a file that is not there', () => {
  it('is bad input', async () => {
    const { error } = await refusalOf(() => openIn({}, 'docker-archive:nope.tar'));
    expect(error).toMatchObject({ code: 'source-not-found', origin: 'input' });
    expect(error.message).toContain('nope.tar');
  });

  it('is not taken for a folder', async () => {
    expect((await refusalOf(() => openIn({ 'd/f': Buffer.alloc(0) }, 'docker-archive:d'))).error).toMatchObject({
      code: 'source-unreadable',
    });
  });
});

it('does not read a file again that was written to', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'app.tar'), archive);
  const source = await openAt(folder, 'docker-archive:app.tar');
  const image = await readWhole(source);
  appendFileSync(join(folder, 'app.tar'), Buffer.alloc(512));
  const [layer] = image.kind === 'made' ? image.layers : [];
  if (layer === undefined) throw new Error('no layer');
  await expect(source.reread(layer, async () => undefined)).rejects.toMatchObject({ code: 'source-changed' });
});

/** The same image with layers of a few bytes, so that every place of the archive can be tried. */
function shrink(members: readonly TarMember[]): TarMember[] {
  const tiny = tar(file('a', 'b'));
  const small = configOf({ diffIds: [sha256(tiny), sha256(layers[1]), sha256(layers[1])] });
  const manifest = JSON.stringify([{ Config: `${sha256(small)}.json`, Layers: ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar'] }]);
  return members
    .filter(({ name }) => name !== 'repositories')
    .map((member) => {
      if (member.name === 'aa/layer.tar') return file('aa/layer.tar', tiny);
      if (member.name === 'manifest.json') return file('manifest.json', manifest);
      return member.name === `${configHex}.json` ? file(`${sha256(small)}.json`, small) : member;
    });
}
