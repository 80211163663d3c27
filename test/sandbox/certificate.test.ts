import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { promisify } from 'node:util';
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

  it('is accepted by openssl for code signing', async () => {
    const { certificates } = await createSigningChain();
    expect(await opensslVerify(certificates)).toMatch(/: OK/);
  });

  it('is read by openssl with the extensions that the Notary Project asks for', async () => {
    const { certificates } = await createSigningChain();
    const text = await openssl(['x509', '-noout', '-text'], toChainPem(certificates.slice(0, 1)));
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Subject: C ?= ?US, ST ?= ?WA, O ?= ?Image Custody sandbox, CN ?= ?image-custody-sandbox/);
  });

  it.each([
    ['no-key-usage', /^(?![\s\S]*X509v3 Key Usage)/],
    ['key-usage-not-critical', /Key Usage: *\n\s+Digital Signature\n/],
    ['key-encipherment', /Digital Signature, Key Encipherment/],
    ['server-auth', /TLS Web Server Authentication/],
    ['time-stamping', /Time Stamping/],
    ['leaf-is-authority', /CA:TRUE/],
    ['sha1', /Signature Algorithm: ecdsa-with-SHA1/],
  ] as const)('with the flaw %s has it', async (flaw, expected) => {
    const { certificates } = await createSigningChain({ flaw });
    expect(await openssl(['x509', '-noout', '-text'], toChainPem(certificates.slice(0, 1)))).toMatch(expected);
  });

  it.each(['expired', 'not-yet-valid', 'foreign-root', 'root-not-authority', 'root-without-cert-sign'] as const)(
    'with the flaw %s is refused by openssl',
    async (flaw) => {
      const { certificates } = await createSigningChain({ flaw });
      await expect(opensslVerify(certificates)).rejects.toThrow(/verification failed/);
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

async function opensslVerify(certificates: readonly X509Certificate[]): Promise<string> {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = await mkdtemp(join(tmpdir(), 'chain-'));
  try {
    const files = ['leaf', 'intermediate', 'root'].map((name) => join(folder, `${name}.pem`)) as [string, string, string];
    await Promise.all(certificates.map((certificate, index) => writeFile(files[index] ?? '', certificate.toString())));
    return await openssl(['verify', '-x509_strict', '-CAfile', files[2], '-untrusted', files[1], files[0]]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openssl(args: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)('openssl', [...args]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}
