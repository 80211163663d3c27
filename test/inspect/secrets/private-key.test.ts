import { describe, expect, it } from 'vitest';
import { findSecrets, rulesIn } from './find-secrets.ts';
import { ec, ed25519, made, rsa, rsaPkcs8 } from './made-secrets.ts';

const rsaPkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** OpenSSH's format (PROTOCOL.key), as far as its header goes. */
function openSsh(cipher: string): string {
  const string = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), string(cipher), string('none'), string(''), Buffer.alloc(300, 7)]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe('private keys', () => {
  it.each([
    ['PKCS #8', rsaPkcs8, 'PKCS #8 private key', 'high'],
    ['RSA', rsaPkcs1, 'RSA private key', 'high'],
    ['EC', ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString(), 'EC private key', 'high'],
    ['Ed25519', ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'PKCS #8 private key', 'high'],
    [
      'encrypted PKCS #8',
      ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      'PKCS #8 private key, encrypted',
      'medium',
    ],
    [
      'encrypted RSA',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString(),
      'RSA private key, encrypted',
      'medium',
    ],
    ['OpenSSH', openSsh('none'), 'OpenSSH private key', 'high'],
    ['encrypted OpenSSH', openSsh('aes256-ctr'), 'OpenSSH private key, encrypted', 'medium'],
    [
      'OpenPGP',
      `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n${Buffer.concat([Buffer.from([0x95, 1, 0xfe, 4]), Buffer.alloc(200, 9)])
        .toString('base64')
        .replace(/(.{64})/g, '$1\n')}\n=Ab1/\n-----END PGP PRIVATE KEY BLOCK-----\n`,
      'PGP private key',
      'high',
    ],
  ])('finds %s', (_, pem, title, severity) => {
    expect(findSecrets(`# comment\n${pem}`, 'root/.ssh/id_rsa')).toMatchObject([
      { title, severity, line: 2, preview: expect.stringMatching(/^.{4}…$/) },
    ]);
  });

  it('finds keys that are longer than what is read at once', () => {
    const content = Buffer.concat([Buffer.from([0x02, 0x01, 0x00, 0x30]), Buffer.from(made('8192 bits', 4700, 'ABCDEFGHIJKLMNOP'))]);
    const der = Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 255]), content]);
    const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`;
    expect(pem.length).toBeGreaterThan(6000);
    expect(rulesIn(pem)).toEqual(['private-key']);
  });

  it.each([
    ['CRLF', rsaPkcs8.replaceAll('\n', '\r\n')],
    ['a JSON string', JSON.stringify({ key: rsaPkcs8 })],
    ['JSON in JSON', JSON.stringify({ inner: JSON.stringify({ private_key: rsaPkcs8 }) })],
    ['one line with spaces', rsaPkcs8.replaceAll('\n', ' ')],
    ['indented YAML', `key: |\n${rsaPkcs8.replace(/^/gm, '    ')}`],
    [
      'a concatenated literal',
      `const key =\n${rsaPkcs8
        .trim()
        .split('\n')
        .map((line) => `  '${line}\\n'`)
        .join(' +\n')};`,
    ],
    ['a variable', `KEY="${rsaPkcs8.replaceAll('\n', '\\n')}"`],
    ['a binary', Buffer.concat([Buffer.alloc(3000), Buffer.from(rsaPkcs8), Buffer.alloc(3000)])],
  ])('finds a key in %s, with the same fingerprint', (_, content) => {
    const [plain] = findSecrets(rsaPkcs8);
    expect(findSecrets(content).map(({ fingerprint }) => fingerprint)).toEqual([plain?.fingerprint]);
  });

  it.each([
    ['a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['a certificate', rsaPkcs8.replaceAll('PRIVATE KEY', 'CERTIFICATE')],
    ['a header in code', "if (pem.startsWith('-----BEGIN RSA PRIVATE KEY-----')) { return parse(pem, '-----END RSA PRIVATE KEY-----'); }"],
    ['a header among strings of a binary', Buffer.from('-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0'.repeat(3))],
    [
      'documentation',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA04up8hoqzS1+APIB0RhjXyObwHQnOzhAk5Bd7mhkSbPkyhP1\n...\n-----END RSA PRIVATE KEY-----',
    ],
    [
      'a cut example',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA04up8hoqzS1+APIB0RhjXyObwHQnOzhAk5Bd7mhkSbPkyhP1\n-----END RSA PRIVATE KEY-----',
    ],
    ['a template', '-----BEGIN PRIVATE KEY-----\n{{ .Values.key | indent 4 }}\n-----END PRIVATE KEY-----'],
    ['words', `-----BEGIN PRIVATE KEY-----\n${'this is not a key '.repeat(30)}\n-----END PRIVATE KEY-----`],
    ['a key without a sequence', `-----BEGIN PRIVATE KEY-----\n${Buffer.alloc(300, 0x41).toString('base64')}\n-----END PRIVATE KEY-----`],
  ])('passes over %s', (_, content) => {
    expect(findSecrets(content)).toEqual([]);
  });

  it('passes over published test keys and system libraries, and tells of other tests and packages as what they are', () => {
    for (const path of [
      'srv/app/node_modules/jsonwebtoken/test/priv.pem',
      'usr/lib/python3.11/test/certdata/keycert.pem',
      'usr/lib/x86_64-linux-gnu/libgnutls.so.30',
      'usr/share/doc/openssl/README',
    ]) {
      expect(rulesIn(rsaPkcs8, path), path).toEqual([]);
    }
    expect(findSecrets(rsaPkcs8, 'srv/app/test/fixtures/key.pem')).toMatchObject([
      { severity: 'low', title: expect.stringContaining('test') },
    ]);
    expect(findSecrets(rsaPkcs8, 'srv/app/node_modules/a/ssl/server.pem')).toMatchObject([
      { severity: 'medium', title: expect.stringContaining('package') },
    ]);
    expect(findSecrets(rsaPkcs8, 'usr/lib/systemd/private.pem')).toMatchObject([{ severity: 'high' }]);
  });

  it('finds each of several keys of a file, one copy of each', () => {
    const other = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(findSecrets(`${rsaPkcs8}${other}${rsaPkcs8}`)).toHaveLength(2);
  });
});
