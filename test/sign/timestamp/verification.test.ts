import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { berTags, onlyChild, readBer, readChildren, toTagged } from '../../../src/lib/ber.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { type CertificateFields, extendedKeyUsages, keyUsages } from '../../../src/sandbox/certificate/x509.ts';
import { issueRevocationList } from '../../../src/sandbox/revocation/revocation-list.ts';
import { createTimestampChain, type TimestampChain, type TimestampChainOptions } from '../../../src/sandbox/timestamp/chain.ts';
import type { TokenOptions } from '../../../src/sandbox/timestamp/token.ts';
import { verifySignedInTime, verifyTimestamp } from '../../../src/sign/timestamp/verification.ts';
import { makeRoot } from '../revocation/authority.ts';
import { tokenOver } from './token.ts';

const signature = randomBytes(64);
const now = new Date('2026-03-01T12:00:00.250Z');
const authority = await createTimestampChain({ now: () => now });

function rootOf({ certificates }: TimestampChain): Uint8Array {
  return certificates.at(-1)?.raw ?? new Uint8Array();
}

function verifyOwn(token: Uint8Array, chain = authority) {
  return verifyTimestamp(token, signature, 'ES256', { trusted: [rootOf(chain)] });
}

/** Code and message of the error. */
function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('a timestamp', () => {
  it.each([
    ['nothing is said', undefined, undefined, 0],
    ['the baseline policy says a second', undefined, '0.4.0.2023.1.1', 1000],
    ['the authority says more than its policy', { seconds: 2 }, '0.4.0.2023.1.1', 2000],
    ['it is given in all parts, rounded up', { seconds: 1, millis: 20, micros: 1 }, undefined, 1021],
  ])('tells the time and how sure it is: %s', (_, accuracy, policy, accuracyMs) => {
    const verified = verifyOwn(tokenOver(signature, authority, { now, accuracy, policy }));
    expect(verified).toMatchObject({ time: now, accuracyMs });
    expect(verified.certificateChain).toStrictEqual(authority.certificates.map(({ raw }) => raw));
  });

  it.each(['RSA-2048', 'RSA-3072', 'P-256', 'P-384', 'P-521'] as const)('may be signed by %s', async (keyType) => {
    for (const length of ['self-signed', 'root', 'intermediate'] as const) {
      const chain = await createTimestampChain({ keyType, length, now: () => now });
      for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
        const { certificateChain } = verifyOwn(tokenOver(signature, chain, { now, hash }), chain);
        expect(certificateChain).toHaveLength({ 'self-signed': 1, root: 2, intermediate: 3 }[length]);
      }
    }
  });

  it.each(['sha256', 'sha384', 'sha512'] as const)('may be signed by RSA with PSS and %s', async (hash) => {
    const chain = await createTimestampChain({ keyType: 'RSA-2048', now: () => now });
    const token = tokenOver(signature, chain, { now, hash, isPss: true });
    expect(verifyOwn(token, chain).time).toStrictEqual(now);
    const forged = tokenOver(signature, chain, { now, hash, isPss: true, flaw: 'damaged-signature' });
    expect(refusalOf(() => verifyOwn(forged, chain))).toMatch(/^timestamp-signature/);
  });

  it('may be over a stronger hash than the signature, and not over a weaker one', () => {
    const verify = (imprintHash: 'sha256' | 'sha384' | 'sha512', algorithm: 'ES256' | 'PS384' | 'ES512') =>
      refusalOf(() =>
        verifyTimestamp(tokenOver(signature, authority, { now, imprintHash }), signature, algorithm, { trusted: [rootOf(authority)] }),
      );
    expect(verify('sha512', 'ES256')).toBe('none');
    expect(verify('sha384', 'PS384')).toBe('none');
    expect(verify('sha256', 'PS384')).toMatch(/^timestamp-imprint: .*weaker/);
    expect(verify('sha384', 'ES512')).toMatch(/^timestamp-imprint: .*weaker/);
  });

  it('may have longer lengths than it needs, and no other liberties of BER, as notation reads it', () => {
    const token = tokenOver(signature, authority, { now });
    const { tag, content } = readBer(token);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(content.length);
    expect(verifyOwn(Buffer.concat([Buffer.of(tag, 0x84), size, content])).time).toStrictEqual(now);
    const unending = Buffer.concat([Buffer.of(tag, 0x80), content, Buffer.of(0, 0)]);
    expect(refusalOf(() => verifyOwn(unending))).toMatch(/^timestamp-format: .*indefinite length, which notation does not read/);
    expect(refusalOf(() => verifyOwn(inPieces(token)))).toMatch(/^timestamp-format: .*in pieces, which notation does not read/);
  });

  it('may have revocation lists in it, and nothing else in their place', () => {
    const root = makeRoot();
    const list = issueRevocationList({ revocations: [], thisUpdate: now, number: 1 }, root);
    expect(refusalOf(() => verifyOwn(withLists(list)))).toBe('none');
    expect(refusalOf(() => verifyOwn(withLists(Buffer.of(0x30, 0))))).toMatch(/^timestamp-format: .*a field is missing/);
  });

  it.each<[NonNullable<TokenOptions['flaw']>, RegExp]>([
    ['other-imprint', /^timestamp-imprint: .*something else/],
    ['no-certificates', /^timestamp-certificate: .*is not in it/],
    ['no-signing-certificate', /^timestamp-format: .*SigningCertificateV2 of one value/],
    ['other-certificate-hash', /^timestamp-certificate: .*another hash/],
    ['other-issuer-serial', /^timestamp-certificate: .*is not in it/],
    ['damaged-signature', /^timestamp-signature: .*not one by its certificate's key/],
    ['other-content', /^timestamp-(signature: .*other content|format|imprint)/],
    ['no-signature', /^timestamp-format: .*0 signatures/],
    ['two-signatures', /^timestamp-format: .*2 signatures/],
  ])('with the flaw %s is refused', (flaw, reason) => {
    expect(refusalOf(() => verifyOwn(tokenOver(signature, authority, { now, flaw })))).toMatch(reason);
  });

  it('over another signature is refused', () => {
    expect(refusalOf(() => verifyOwn(tokenOver(randomBytes(64), authority, { now })))).toMatch(/^timestamp-imprint/);
  });

  it('of nobody whose root is trusted is refused, also where the names are the same', async () => {
    const stranger = await createTimestampChain({ now: () => now });
    const token = tokenOver(signature, stranger, { now });
    expect(refusalOf(() => verifyOwn(token))).toMatch(/^timestamp-untrusted/);
    expect(refusalOf(() => verifyTimestamp(token, signature, 'ES256', { trusted: [] }))).toMatch(/^timestamp-untrusted/);
  });

  it('is refused at every cut and with any of its bytes changed', async () => {
    const chain = await createTimestampChain({ length: 'root', now: () => now });
    const token = tokenOver(signature, chain, { now });
    const refusalWith = (bytes: Buffer) => refusalOf(() => verifyOwn(bytes, chain));
    const changes = [...token.keys()].map((at) => {
      const changed = Buffer.from(token);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      return changed;
    });
    for (const length of token.keys()) expect(refusalWith(token.subarray(0, length)), `cut at ${length}`).toMatch(/^timestamp-format/);
    // The hashes that SignedData announces (RFC 5652, 5.1) say nothing; they stand after its version, and may be anything.
    const announced = token.indexOf(Buffer.from('020103310d', 'hex')) + 5;
    const accepted = [...changes.entries()].filter(([, changed]) => refusalWith(changed) === 'none').map(([at]) => at);
    expect(accepted.filter((at) => at < announced || at >= announced + 13)).toStrictEqual([]);
  });

  it('is refused where bytes follow it', () => {
    const token = Buffer.concat([tokenOver(signature, authority, { now }), Buffer.of(0)]);
    expect(refusalOf(() => verifyOwn(token))).toMatch(/^timestamp-format: .*bytes follow/);
  });

  it('that is larger than any is not read', () => {
    expect(refusalOf(() => verifyOwn(Buffer.alloc(1024 * 1024 + 1, 0x30)))).toMatch(/^timestamp-format: .*more than/);
  });

  it('with elements in elements without end is refused', () => {
    let nested: Buffer = Buffer.of(0x05, 0);
    for (let depth = 0; depth < 10_000; depth += 1) nested = toTagged(0xa0, nested);
    const token = changed(tokenOver(signature, authority, { now }), (fields) => fields.toSpliced(-1, 1, toTagged(0x31, nested)));
    expect(refusalOf(() => verifyOwn(token))).toMatch(/^timestamp-format/);
  });
});

const any: Partial<CertificateFields> = { extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] };
const { digitalSignature, keyEncipherment, keyCertSign, cRLSign } = keyUsages;

describe("the chain of a timestamp's authority", () => {
  it.each<[string, TimestampChainOptions, RegExp]>([
    ['no critical purpose', { leaf: { isExtendedKeyUsageCritical: false } }, /extended key usage of .* is not critical/],
    ['another purpose', { leaf: { extendedKeyUsage: [extendedKeyUsages.codeSigning] } }, /has not timeStamping/],
    ['two purposes', { leaf: { extendedKeyUsage: [extendedKeyUsages.timeStamping, extendedKeyUsages.codeSigning] } }, /and nothing else/],
    ['no purpose', { leaf: { extendedKeyUsage: undefined } }, /has not timeStamping/],
    ['a leaf that is an authority', { leaf: { isAuthority: { value: true, critical: true } } }, /authority for certificates/],
    ['no key usage', { leaf: { keyUsage: undefined } }, /no key usage digitalSignature/],
    [
      'a surplus key usage',
      { leaf: { keyUsage: { flags: digitalSignature | keyEncipherment, critical: true } } },
      /key usage keyEncipherment/,
    ],
    ['a leaf signed with SHA-1', { leaf: { hash: 'sha1' } }, /not signed with SHA-256/],
    ['a root signed with SHA-1', { root: { hash: 'sha1' } }, /not signed with SHA-256/],
    ['an unknown critical extension', { leaf: any }, /critical extension 1\.2\.3\.4/],
    ['an unknown critical extension of the root', { root: any }, /critical extension 1\.2\.3\.4/],
    ['an intermediate that is no authority', { intermediate: { isAuthority: undefined } }, /cA is not set/],
    ['an intermediate that may not sign', { intermediate: { keyUsage: { flags: cRLSign, critical: true } } }, /no key usage keyCertSign/],
    [
      'an intermediate for other purposes',
      { intermediate: { extendedKeyUsage: [extendedKeyUsages.serverAuth] } },
      /leaves timeStamping out/,
    ],
    [
      'a root that allows no intermediate',
      { root: { isAuthority: { value: true, critical: true, pathLength: 0 } } },
      /allows 0 authorities/,
    ],
  ])('is refused with %s', async (_, options, reason) => {
    const chain = await createTimestampChain({ ...options, now: () => now });
    const refusal = refusalOf(() => verifyOwn(tokenOver(signature, chain, { now }), chain));
    expect(refusal).toMatch(/^timestamp-certificate: /);
    expect(refusal).toMatch(reason);
  });

  it.each<[string, TimestampChainOptions]>([
    [
      'key usages that are not critical',
      { leaf: { keyUsage: { flags: digitalSignature, critical: false } }, root: { keyUsage: { flags: keyCertSign, critical: false } } },
    ],
    ['an intermediate for timestamps alone', { intermediate: { extendedKeyUsage: [extendedKeyUsages.timeStamping] } }],
    ['a path length that is enough', { root: { isAuthority: { value: true, critical: true, pathLength: 1 } } }],
    ['an extension that is not critical', { leaf: { extensions: [{ oid: '1.2.3.4', critical: false, value: Buffer.of(5, 0) }] } }],
  ])('may have %s', async (_, options) => {
    const chain = await createTimestampChain({ ...options, now: () => now });
    expect(verifyOwn(tokenOver(signature, chain, { now }), chain).time).toStrictEqual(now);
  });

  it('has to end with a root that is trusted: neither the leaf nor an intermediate will do', () => {
    const token = tokenOver(signature, authority, { now });
    for (const [at, reason] of [
      [0, /^timestamp-(certificate|untrusted)/],
      [1, /^timestamp-certificate: .*trusted and not self-signed/],
    ] as const) {
      const trusted = [authority.certificates[at]?.raw ?? new Uint8Array()];
      expect(refusalOf(() => verifyTimestamp(token, signature, 'ES256', { trusted }))).toMatch(reason);
    }
  });

  const notBefore = new Date('2026-03-01T11:00:00Z');
  const notAfter = new Date('2026-03-01T13:00:00Z');
  const second = { seconds: 1 };
  it.each<[string, Date, TokenOptions['accuracy'], string]>([
    ['its first second', notBefore, undefined, 'none'],
    ['its last second', notAfter, undefined, 'none'],
    ['a second later than its first, give or take one', new Date(notBefore.getTime() + 1000), second, 'none'],
    ['a second earlier than its last, give or take one', new Date(notAfter.getTime() - 1000), second, 'none'],
    ['before it', new Date(notBefore.getTime() - 1), undefined, 'timestamp-validity'],
    ['after it', new Date(notAfter.getTime() + 1), undefined, 'timestamp-validity'],
    ['perhaps before it', new Date(notBefore.getTime() + 999), second, 'timestamp-validity'],
    ['perhaps after it', new Date(notAfter.getTime() - 999), second, 'timestamp-validity'],
  ])('has to be valid at the time of the timestamp: %s', async (_, time, accuracy, code) => {
    for (const length of ['self-signed', 'intermediate'] as const) {
      const chain = await createTimestampChain({ length, validity: { notBefore, notAfter } });
      const refusal = refusalOf(() => verifyOwn(tokenOver(signature, chain, { now: time, accuracy }), chain));
      expect(refusal.split(':')[0]).toBe(code);
    }
    const [signer] = (await createTimestampChain({ validity: { notBefore, notAfter } })).certificates;
    const accuracyMs = (accuracy?.seconds ?? 0) * 1000;
    const refusal = refusalOf(() => verifySignedInTime([signer?.raw ?? new Uint8Array()], { time, accuracyMs }));
    expect(refusal.split(':')[0]).toBe(code);
  });
});

/** The same with what is attested in two pieces (X.690, 8.7.3). */
function inPieces(token: Buffer): Buffer {
  return changed(token, ([version, hashes, encapsulated, ...rest]) => {
    const [contentType, content] = readChildren(readBer(encapsulated ?? token));
    const info = content === undefined ? Buffer.of() : onlyChild(content).content;
    const pieces = toTagged(0x24, Buffer.concat([toTagged(0x04, info.subarray(0, 10)), toTagged(0x04, info.subarray(10))]));
    return [version, hashes, toSequence(contentType?.raw, toTagged(0xa0, pieces)), ...rest];
  });
}

function withLists(lists: Buffer): Buffer {
  return changed(tokenOver(signature, authority, { now }), (fields) => fields.toSpliced(-1, 0, toTagged(0xa1, lists)));
}

/** With other fields of its SignedData. */
function changed(token: Buffer, change: (fields: readonly Buffer[]) => readonly (Buffer | undefined)[]): Buffer {
  const [type, explicit] = readChildren(readBer(token));
  const fields = explicit === undefined ? [] : readChildren(onlyChild(explicit)).map(({ raw }) => raw);
  return toSequence(type?.raw, toTagged(0xa0, toSequence(...change(fields))));
}

function toSequence(...parts: readonly (Buffer | undefined)[]): Buffer {
  return toTagged(berTags.sequence, Buffer.concat(parts.map((part) => part ?? Buffer.of())));
}
