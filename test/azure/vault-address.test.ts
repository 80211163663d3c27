import { describe, expect, test } from 'vitest';
import { cloudOf } from '../../src/azure/cloud.ts';
import { parseVaultAddress, toVaultResource } from '../../src/azure/vault-address.ts';

describe('the address of a vault', () => {
  const addressOf = (text: string, authority?: string) => {
    const cloud = cloudOf(authority);
    if (cloud === undefined) throw new Error('no cloud');
    return parseVaultAddress(text, cloud);
  };

  test.each([
    ['contoso', undefined, 'https://contoso.vault.azure.net'],
    ['Contoso-1', undefined, 'https://contoso-1.vault.azure.net'],
    ['contoso', 'https://login.microsoftonline.us', 'https://contoso.vault.usgovcloudapi.net'],
    ['contoso', 'https://login.chinacloudapi.cn', 'https://contoso.vault.azure.cn'],
    ['https://contoso.vault.azure.net/', undefined, 'https://contoso.vault.azure.net'],
    ['contoso.vault.azure.net', undefined, 'https://contoso.vault.azure.net'],
    ['https://contoso.vault.azure.cn', undefined, 'https://contoso.vault.azure.cn'],
    ['https://contoso.vault.azure.net:443', undefined, 'https://contoso.vault.azure.net'],
    ['https://localhost:8443', undefined, 'https://localhost:8443'],
  ])('%s (authority %s) is %s', (text, authority, url) => {
    expect(addressOf(text, authority)).toMatchObject({ url, loopback: url.includes('localhost') });
  });

  test.each([
    'http://contoso.vault.azure.net',
    'http://127.0.0.1:8443',
    'https://contoso.vault.azure.net.evil.example',
    'https://vault.azure.net',
    'https://evil.example/contoso.vault.azure.net',
    'https://a.b.vault.azure.net',
    'https://contoso.vault.azure.net/secrets/x',
    'https://user:password@contoso.vault.azure.net',
    'https://contoso.vault.azure.net:8443',
    'https://contoso.managedhsm.azure.net',
    'ab',
    '1contoso',
    'con--toso',
    'contoso-',
    'a b c',
    '',
    'https://',
  ])('%j is refused', (text) => {
    expect(() => addressOf(text)).toThrow(expect.objectContaining({ code: 'bad-vault', origin: 'input' }));
  });

  test('a Managed HSM is refused with what does in its place', () => {
    for (const host of ['contoso.managedhsm.azure.net', 'contoso.managedhsm.usgovcloudapi.net']) {
      const refusal = expect.objectContaining({
        code: 'bad-vault',
        message: expect.stringContaining('it is a Managed HSM'),
        hint: expect.stringContaining('tier premium'),
      });
      expect(() => addressOf(`https://${host}`)).toThrow(refusal);
      expect(() => addressOf(host)).toThrow(refusal);
    }
  });

  test.each([
    ['https://contoso.vault.azure.cn', undefined, 'https://vault.azure.cn'],
    ['contoso', 'https://login.microsoftonline.us', 'https://vault.usgovcloudapi.net'],
    ['https://localhost:8443', undefined, 'https://vault.azure.net'],
  ])('tokens for %s (authority %s) are issued for %s', (text, authority, resource) => {
    const cloud = cloudOf(authority);
    expect(cloud && toVaultResource(addressOf(text, authority), cloud)).toBe(resource);
  });
});
