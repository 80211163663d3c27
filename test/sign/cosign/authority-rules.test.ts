import { AsnConvert } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import { expect, test } from 'vitest';
import { verifyAuthority, verifySigner } from '../../../src/sign/cosign/authority-rules.ts';
import { authorityExtensions, extendedKeyUsage, leafExtensions, makeCertificate, makeKeys, rawExtension } from '../chain.ts';

const unknown = '1.3.6.1.4.1.311.21.7';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';
const toHex = (value: object) => Buffer.from(AsnConvert.serialize(value)).toString('hex');
const names = toHex(
  new asn.NameConstraints({
    permittedSubtrees: new asn.GeneralSubtrees([
      new asn.GeneralSubtree({ base: new asn.GeneralName({ uniformResourceIdentifier: 'github.com' }) }),
    ]),
  }),
);

const authority = (...extensions: readonly asn.Extension[]) =>
  makeCertificate({ name: 'authority', keys: makeKeys('P-384'), extensions: [...authorityExtensions, ...extensions] });

test.each([
  ['no further extension', []],
  ['the usage of those that sign code', [extendedKeyUsage(asn.id_kp_codeSigning)]],
  ['any usage', [extendedKeyUsage(anyUsage)]],
  ['an extension that need not be known', [rawExtension(unknown, false, '0500')]],
])('an authority with %s may certify signers', (_, extensions) => {
  expect(() => verifyAuthority(authority(...extensions))).not.toThrow();
});

test.each([
  ['another usage', [extendedKeyUsage(serverAuth)], /may not certify who signs code/],
  ['a critical extension that is not known', [rawExtension(unknown, true, '0500')], /critical extension/],
  ['constraints of names', [rawExtension(asn.id_ce_nameConstraints, true, names)], /some names alone/],
  ['constraints of names that claim not to matter', [rawExtension(asn.id_ce_nameConstraints, false, names)], /some names alone/],
])('an authority with %s may not', (_, extensions, reason) => {
  expect(() => verifyAuthority(authority(...extensions))).toThrow(reason);
});

test.each(['P-256', 'P-384', 'P-521', 'RSA-2048'] as const)('signatures by a key of %s count', (type) => {
  expect(() => verifySigner(makeCertificate({ name: 'signer', keys: makeKeys(type), extensions: leafExtensions }))).not.toThrow();
});

test.each(['RSA-1024', 'secp256k1'] as const)('signatures by a key of %s do not', (type) => {
  expect(() => verifySigner(makeCertificate({ name: 'signer', keys: makeKeys(type), extensions: leafExtensions }))).toThrow(/ key /);
});

test('a signer with a critical extension that is not known is none', () => {
  const extensions = [...leafExtensions, rawExtension(unknown, true, '0500')];
  expect(() => verifySigner(makeCertificate({ name: 'signer', keys: makeKeys('P-256'), extensions }))).toThrow(/critical extension/);
});
