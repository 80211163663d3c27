import { execFile } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createSigningChain, toChainPem } from '../../src/sandbox/certificate.ts';

describe('a signing chain of the sandbox', () => {
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
});

async function opensslVerify(certificates: readonly X509Certificate[]): Promise<string> {
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
