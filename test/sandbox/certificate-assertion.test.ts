import { createHash, generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSigningChain, type SigningChain } from '../../src/sandbox/certificate.ts';
import { findCertificateFault, isOwnAssertion } from '../../src/sandbox/entra/certificate-assertion.ts';

const clientId = '22222222-2222-4222-8222-222222222222';
const tokenUrl = 'https://login.example/tenant/oauth2/v2.0/token';
const now = new Date();
let chain: SigningChain;
let certificate: X509Certificate;

beforeAll(async () => {
  chain = await createSigningChain({ keyType: 'RSA-2048', length: 'self-signed' });
  [certificate] = chain.certificates as [X509Certificate];
});

interface Change {
  readonly alg?: 'PS256' | 'RS256' | 'PS384';
  readonly key?: KeyObject;
  readonly audience?: string;
  readonly subject?: string;
  readonly header?: object;
  readonly from?: number;
}

/** Signed by an independent writer. */
function assertion({ alg = 'PS256', key = chain.keys.privateKey, audience = tokenUrl, subject = clientId, header, from = 0 }: Change = {}) {
  const start = Math.floor(now.getTime() / 1000) + from;
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  return new SignJWT({})
    .setProtectedHeader({ alg, ...(header ?? { 'x5t#S256': thumbprint }) })
    .setIssuer(clientId)
    .setSubject(subject)
    .setAudience(audience)
    .setNotBefore(start)
    .setExpirationTime(start + 600)
    .sign(key);
}

const codeOf = async (change?: Change) =>
  findCertificateFault(await assertion(change), { clientId, tokenUrls: [tokenUrl], certificates: [certificate] }, now)?.code;

describe('an assertion that a certificate signs', () => {
  it('holds with either thumbprint and padding', async () => {
    const sha1 = { x5t: createHash('sha1').update(certificate.raw).digest('base64url') };
    expect([await codeOf(), await codeOf({ alg: 'RS256' }), await codeOf({ header: sha1 })]).toEqual([undefined, undefined, undefined]);
    expect([isOwnAssertion(await assertion(), clientId), isOwnAssertion(await assertion(), 'another')]).toEqual([true, false]);
  });

  it.each<[string, () => Change, number]>([
    ['by another key', () => ({ key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }), 700027],
    ['by an unknown certificate', () => ({ header: { 'x5t#S256': 'AAAA' } }), 700027],
    ['by another algorithm', () => ({ alg: 'PS384' }), 700027],
    ['for another endpoint', () => ({ audience: 'https://login.example/other/oauth2/v2.0/token' }), 700023],
    ['about somebody else', () => ({ subject: 'another' }), 50027],
    ['an hour ago', () => ({ from: -3600 }), 700024],
    ['from the future', () => ({ from: 3600 }), 700024],
  ])('%s is refused', async (_, change, code) => {
    expect(await codeOf(change())).toBe(code);
  });
});
