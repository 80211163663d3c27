import { expect, test } from 'vitest';
import { parseSigningKey } from '../../src/sign/signing-key.ts';

const version = 'a1b2'.repeat(8);

test.each([
  [
    'release',
    { kind: 'key-vault', collection: 'certificates', vaultUrl: undefined, name: 'release', version: undefined, chain: undefined },
  ],
  [`release/${version}`, { name: 'release', version }],
  ['release,issuers.pem', { name: 'release', chain: { kind: 'file', path: 'issuers.pem' } }],
  [
    'https://v.vault.azure.net/certificates/release',
    { collection: 'certificates', vaultUrl: 'https://v.vault.azure.net', name: 'release' },
  ],
  [`https://v.vault.azure.net/certificates/release/${version}`, { version }],
  [
    `https://v.vault.azure.net/keys/release/${version} , chain.pem`,
    { collection: 'keys', version, chain: { kind: 'file', path: 'chain.pem' } },
  ],
  ['https://127.0.0.1:8443/certificates/release', { vaultUrl: 'https://127.0.0.1:8443' }],
  ['file:key.pem', { kind: 'file', keyFile: 'key.pem', chain: undefined }],
  ['https://v.vault.azure.net/keys/release', { collection: 'keys', chain: undefined }],
  ['release,secret: CHAIN', { chain: { kind: 'secret', name: 'CHAIN' } }],
  ['release,-----BEGIN CERTIFICATE-----\nAAAA', { chain: { kind: 'pem', text: '-----BEGIN CERTIFICATE-----\nAAAA' } }],
  [
    'file:C:\\keys\\key.pem,C:\\keys\\chain.pem',
    { kind: 'file', keyFile: 'C:\\keys\\key.pem', chain: { kind: 'file', path: 'C:\\keys\\chain.pem' } },
  ],
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
  ['release,secret:', 'no secret'],
  ['keyless,chain.pem', 'no chain'],
])('refuses %j', (text, reason) => {
  expect(() => parseSigningKey(text)).toThrow(
    expect.objectContaining({ code: 'bad-signing-key', origin: 'input', message: expect.stringContaining(reason) }),
  );
});
