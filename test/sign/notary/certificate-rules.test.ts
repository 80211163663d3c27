import { expect, test } from 'vitest';
import { berTags, readBer, readChildren, toTagged } from '../../../src/lib/ber.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { checkCertificateChain, keyVaultCertificatePolicy } from '../../../src/sign/notary/certificate-chain.ts';
import { brokenCertificateRules } from '../../../src/sign/notary/certificate-rules.ts';
import { brokenChains } from '../broken-chains.ts';
import { algorithms, end, keyUsage, leafExtensions, makeCertificate, makeChain, makeKeys, start, usage } from '../chain.ts';

const now = new Date('2026-06-01T00:00:00Z');

test.each(algorithms)('a sound chain with a leaf of %s breaks no rule', (keyType) => {
  expect(brokenCertificateRules(makeChain(keyType).chain, now)).toEqual([]);
});

test('a self-signed leaf alone breaks no rule', () => {
  const leaf = makeCertificate({ name: 'Alone', keys: makeKeys('P-256'), extensions: leafExtensions });
  expect(brokenCertificateRules([leaf], now)).toEqual([]);
});

test('the first and the last second of validity count as valid, those beside them do not', () => {
  const { chain } = makeChain('P-256');
  expect(brokenCertificateRules(chain, start)).toEqual([]);
  expect(brokenCertificateRules(chain, end)).toEqual([]);
  expect(brokenCertificateRules(chain, new Date(start.getTime() - 1000)).map(({ rule }) => rule)).toEqual([
    'validity',
    'validity',
    'validity',
  ]);
  expect(brokenCertificateRules(chain, new Date(end.getTime() + 1000)).map(({ rule }) => rule)).toEqual([
    'validity',
    'validity',
    'validity',
  ]);
});

test.each(brokenChains())('$what breaks the rule $rule', ({ rule, chain }) => {
  const rules = brokenCertificateRules(chain, now).map((broken) => broken.rule);
  expect(rules).toContain(rule);
  if (rule !== 'chain') expect(new Set(rules)).toEqual(new Set([rule]));
});

test('a certificate without a name breaks no rule', () => {
  const { chain } = makeChain('P-256', { leaf: { name: '', damage: withoutSubject } });
  expect(brokenCertificateRules(chain, now)).toEqual([]);
});

/** Puts an empty name where the subject is. */
function withoutSubject(tbs: Buffer): Buffer {
  const fields = readChildren(readBer(tbs)).map(({ raw }, at) => (at === 5 ? Buffer.of(0x30, 0) : raw));
  return toTagged(berTags.sequence, Buffer.concat(fields));
}

test('bytes that are no certificate, and bytes after one, are refused', () => {
  const { chain } = makeChain('P-256');
  expect(brokenCertificateRules([Buffer.from('no certificate')], now)[0]?.rule).toBe('encoding');
  expect(brokenCertificateRules([Buffer.concat([chain[0] ?? Buffer.of(), Buffer.of(0)])], now)[0]?.rule).toBe('encoding');
  expect(brokenCertificateRules([], now)[0]?.rule).toBe('chain');
});

test('one error names every broken rule, whose certificate it is, and the Key Vault policy that keeps them', () => {
  const { chain } = makeChain('RSA-3072', {
    leaf: { extensions: [keyUsage(usage.digitalSignature | usage.keyEncipherment, false)] },
    root: { to: new Date('2026-02-01T00:00:00Z') },
  });
  const signer = { certificateChain: chain, description: 'Key Vault certificate release', keptIn: 'key-vault' } as const;
  const error = catchError(() => checkCertificateChain(signer, now));
  expect(error.code).toBe('certificate-rules');
  expect(error.message).not.toContain('\n');
  expect(error.message).toContain('Key Vault certificate release');
  expect(error.message).toContain('key-usage of "C=DE, ST=Berlin, O=Tests, CN=Leaf": the extension must be critical');
  expect(error.message).toContain('keyEncipherment must not be set');
  expect(error.message).toContain('validity of "C=DE, ST=Berlin, O=Tests, CN=Root": it expired at 2026-02-01T00:00:00.000Z');
  const policy = JSON.parse(error.hint.slice(error.hint.indexOf('{')));
  expect(policy.keyProperties).toMatchObject({ keyType: 'RSA', keySize: 3072, exportable: false });
  expect(policy.x509CertificateProperties).toMatchObject({
    subject: 'CN=Leaf, O=Tests, ST=Berlin, C=DE',
    keyUsage: ['digitalSignature'],
    ekus: ['1.3.6.1.5.5.7.3.3'],
  });
});

test.each([
  ['Plain name', 'CN=Plain name, O='],
  ['Tests, Inc.', 'CN="Tests, Inc.", O='],
  ['A "B" + C', 'CN="A ""B"" + C", O='],
])('the policy has the name %s as Key Vault reads it', (name, start) => {
  const { chain } = makeChain('P-256', { leaf: { name } });
  const policy = keyVaultCertificatePolicy(chain);
  expect(policy.x509CertificateProperties.subject.slice(0, start.length)).toBe(start);
});

function catchError(action: () => void): StepError {
  try {
    action();
  } catch (error) {
    if (error instanceof StepError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
