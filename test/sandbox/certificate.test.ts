import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { describe, expect, it } from 'vitest';
import {
  createCertificateAuthority,
  createSigningChain,
  type KeyType,
  toChainPem,
  toPrivateKeyPem,
} from '../../src/sandbox/certificate.ts';
import { toTextAnswer } from '../../src/sandbox/exchange.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';

describe('the authority', () => {
  it('issues server certificates that a client trusts for 127.0.0.1 and localhost, and only with the authority', async () => {
    const authority = await createCertificateAuthority();
    const server = await startStandIn(() => toTextAnswer(200, 'hello'), { tls: await authority.issueTls() });
    try {
      expect(await get(server.url, authority.certificatePem)).toBe(200);
      expect(await get(server.url.replace('127.0.0.1', 'localhost'), authority.certificatePem)).toBe(200);
      const stranger = await createCertificateAuthority();
      await expect(get(server.url, stranger.certificatePem)).rejects.toThrow(/unable to verify|self-signed|signature/i);
    } finally {
      await server.close();
    }
  });

  it('dates certificates with the clock that it is given', async () => {
    const authority = await createCertificateAuthority(() => new Date('2030-05-05T00:00:00Z'));
    expect(new Date(authority.certificate.validFrom).toISOString()).toBe('2030-05-04T00:00:00.000Z');
  });
});

describe('a signing chain', () => {
  it.each<KeyType>(['P-256', 'P-384', 'P-521', 'RSA-2048'])(
    'of %s is leaf, intermediate, self-signed root, each signed by the next',
    async (keyType) => {
      const { certificates, keys } = await createSigningChain({ keyType });
      const [leaf, intermediate, root] = certificates as [X509Certificate, X509Certificate, X509Certificate];
      expect(certificates).toHaveLength(3);
      expect(leaf.verify(intermediate.publicKey)).toBe(true);
      expect(leaf.checkIssued(intermediate)).toBe(true);
      expect(intermediate.verify(root.publicKey)).toBe(true);
      expect(root.verify(root.publicKey)).toBe(true);
      expect(leaf.checkPrivateKey(keys.privateKey)).toBe(true);
      expect([leaf.ca, intermediate.ca, root.ca]).toEqual([false, true, true]);
      expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.3']);
    },
  );

  it('can be self-signed, out of order or without its root', async () => {
    const selfSigned = await createSigningChain({ length: 'self-signed', keyType: 'P-384' });
    expect(selfSigned.certificates).toHaveLength(1);
    expect(selfSigned.certificates[0]?.verify(selfSigned.keys.publicKey)).toBe(true);
    const turned = await createSigningChain({ flaw: 'wrong-order' });
    expect(turned.certificates.map((certificate) => certificate.ca)).toEqual([true, true, false]);
    const rootless = await createSigningChain({ flaw: 'no-root' });
    expect(rootless.certificates.map((certificate) => certificate.ca)).toEqual([false, true]);
  });

  it('is exported as PEM that reads back', async () => {
    const { certificates, keys } = await createSigningChain();
    expect(new X509Certificate(toChainPem(certificates)).fingerprint256).toBe(certificates[0]?.fingerprint256);
    expect(toPrivateKeyPem(keys.privateKey)).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });
});

function get(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
