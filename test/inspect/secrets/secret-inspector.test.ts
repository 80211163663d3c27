import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeSecretInspector } from '../../../src/inspect/secrets/secret-inspector.ts';
import { inspectFiles } from '../inspect-files.ts';
import { findSecrets } from './find-secrets.ts';
import { azureKey, githubToken, rsaPkcs8 } from './made-secrets.ts';

describe('secret inspector', () => {
  it('finds a secret wherever windows meet, once, with its line', () => {
    const token = githubToken('ghp_');
    for (const before of [0, 40, 8000, 8150, 8170, 8192, 8200, 12_000, 12_300, 16_390, 65_500, 131_072]) {
      const lines = 'a line of thirty characters..\n'.repeat(Math.floor(before / 30));
      const content = `${lines}${token}\n${'tail\n'.repeat(5000)}`;
      for (const partBytes of [4097, 8192, 10_007, 65_536]) {
        expect(findSecrets(content, 'srv/app/log', partBytes), `${before} ${partBytes}`).toMatchObject([
          { line: Math.floor(before / 30) + 1 },
        ]);
      }
    }
  });

  it('finds long keys wherever windows meet', () => {
    for (let before = 0; before < 9000; before += 301) {
      const content = `${'x'.repeat(before)}\n${rsaPkcs8}${'y'.repeat(9000)}`;
      expect(findSecrets(content, 'srv/app/log', 4097)).toMatchObject([{ rule: 'private-key', line: 2 }]);
    }
  });

  it('tells no line of a binary, and does not look into what is compressed', () => {
    const content = Buffer.concat([randomBytes(3000), Buffer.alloc(10), Buffer.from(`\n\nAccountKey=${azureKey};`)]);
    expect(findSecrets(content)).toMatchObject([{ rule: 'azure-storage-key', line: undefined }]);
    expect(findSecrets(gzipSync(content))).toEqual([]);
  });

  it('never tells the secret', () => {
    const told = JSON.stringify([findSecrets(rsaPkcs8), findSecrets(`AccountKey=${azureKey};`), findSecrets(githubToken('ghp_'))]);
    expect(told).not.toContain(azureKey.slice(0, 8));
    expect(told).not.toContain(githubToken('ghp_').slice(4, 10));
    expect(told).not.toContain(rsaPkcs8.split('\n')[3]);
  });

  it('forgets a file when the next begins', () => {
    const observations = inspectFiles([makeSecretInspector()], {
      a: `first\nsecond\n${'x'.repeat(5000)}\n`,
      b: `${githubToken('ghp_')}\n`,
      c: Buffer.alloc(9000),
      d: `\n${githubToken('ghp_')}\n`,
    });
    expect(observations).toMatchObject([
      { path: 'b', line: 1 },
      { path: 'd', line: 2 },
    ]);
  });

  it.each([
    ['headers', '-----BEGIN RSA PRIVATE KEY-----\n'],
    ['headers and bodies', `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(100)}\n`],
    ['backslashes', `-----BEGIN PRIVATE KEY-----${'\\'.repeat(3000)}`],
    ['spaces', `-----BEGIN PRIVATE KEY-----${' '.repeat(3000)}x`],
    ['quotes', `-----BEGIN PRIVATE KEY-----${'"\'+ '.repeat(800)}`],
    ['ids', 'AKIA2OGYBAH6TZ5XKQ3M '],
    ['ids and candidates', `AKIA2OGYBAH6TZ5XKQ3M ${'aB3'.repeat(13)}/ `],
    ['keys', 'storage_key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" '],
    ['signatures', '&sig='],
    ['queries', `?${'a=b&'.repeat(140)}&sig=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D`],
    ['tokens', 'ghs_1_eyJ'],
    ['stateless tokens', `ghs_1_eyJ${'a'.repeat(1400)}.`],
    ['secret keys', `${'aws_secret_key='.repeat(3)}aB3+`],
  ])('comes to an end with a megabyte of endless %s', (_, unit) => {
    findSecrets(Buffer.from(unit.repeat(Math.ceil(1_000_000 / unit.length))), 'srv/app/data');
  });

  it('stops, and tells of a gap, where a layer is made to take long', () => {
    const content = '-----BEGIN RSA PRIVATE KEY-----\n'.repeat(25_000);
    expect(inspectFiles([makeSecretInspector()], { 'srv/app/data': content })).toMatchObject([
      { kind: 'gap', code: 'too-large', path: 'srv/app/data' },
    ]);
  });
});
