import { expect, test } from 'vitest';
import { parseSigningKey } from '../../src/sign/signing-key.ts';

const version = 'a1b2'.repeat(8);

test.each([
  [
    'release',
    { kind: 'key-vault', collection: 'certificates', vaultUrl: undefined, name: 'release', version: undefined, chainFile: undefined },
  ],
  [`release/${version}`, { name: 'release', version }],
  ['release,issuers.pem', { name: 'release', chainFile: 'issuers.pem' }],
  [
    'https://v.vault.azure.net/certificates/release',
    { collection: 'certificates', vaultUrl: 'https://v.vault.azure.net', name: 'release' },
  ],
  [`https://v.vault.azure.net/certificates/release/${version}`, { version }],
  [`https://v.vault.azure.net/keys/release/${version} , chain.pem`, { collection: 'keys', version, chainFile: 'chain.pem' }],
  ['https://127.0.0.1:8443/certificates/release', { vaultUrl: 'https://127.0.0.1:8443' }],
  ['file:key.pem', { kind: 'file', keyFile: 'key.pem', chainFile: undefined }],
  ['file:C:\\keys\\key.pem,C:\\keys\\chain.pem', { kind: 'file', keyFile: 'C:\\keys\\key.pem', chainFile: 'C:\\keys\\chain.pem' }],
])('reads %s', (text, expected) => {
  expect(parseSigningKey(text)).toMatchObject(expected);
});

test.each([
  ['', 'empty'],
  ['file:', 'no file'],
  ['file:key.pem,', 'empty or surplus'],
  ['file:a,b,c', 'empty or surplus'],
  ['my_key', 'no name'],
  ['release/1', 'no name'],
  ['http://v.vault.azure.net/certificates/release', 'form'],
  ['https://v.vault.azure.net/secrets/release', 'form'],
  ['https://v.vault.azure.net/certificates/release/not-a-version', 'form'],
  ['https://user@v.vault.azure.net/certificates/release', 'form'],
  ['https://v.vault.azure.net/certificates/release?x=1', 'form'],
  ['https://v.vault.azure.net/keys/release', 'chain file'],
  ['keyless', 'not supported'],
])('refuses %j', (text, reason) => {
  expect(() => parseSigningKey(text)).toThrow(
    expect.objectContaining({ code: 'bad-signing-key', origin: 'input', message: expect.stringContaining(reason) }),
  );
});
