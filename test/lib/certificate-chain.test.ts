import { X509Certificate } from 'node:crypto';
import * as cms from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import { expect, test } from 'vitest';
import { readCertificates } from '../../src/lib/certificate-bundle.ts';
import { completeChain } from '../../src/lib/certificate-chain.ts';
import { authorityExtensions, leafExtensions, makeCertificate, makeChain, makeKeys, toPem } from '../sign/chain.ts';

const { chain } = makeChain('P-256');
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];

/** A bundle of certificates and nothing else, as authorities hand them out (RFC 5652, 5.1: "degenerate"). */
function toBundle(certificates: readonly Buffer[]): Buffer {
  const choices = certificates.map((der) => new cms.CertificateChoices({ certificate: AsnConvert.parse(der, asn.Certificate) }));
  const signed = new cms.SignedData({
    version: cms.CMSVersion.v1,
    encapContentInfo: new cms.EncapsulatedContentInfo({ eContentType: cms.id_data }),
    certificates: new cms.CertificateSet(choices),
  });
  const info = new cms.ContentInfo({ contentType: cms.id_signedData, content: AsnConvert.serialize(signed) });
  return Buffer.from(AsnConvert.serialize(info));
}

const bundle = toBundle([leaf, intermediate, root]);
const pemBundle = (label: string) => `-----BEGIN ${label}-----\n${bundle.toString('base64')}\n-----END ${label}-----\n`;

test.each([
  ['PEM', `text between\n${toPem(leaf, intermediate, root)}`],
  ['PEM with a key', `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${toPem(leaf, intermediate, root)}`],
  ['PKCS#7 in DER', bundle],
  ['PKCS#7 in PEM', pemBundle('PKCS7')],
  ['CMS in PEM', pemBundle('CMS')],
])('reads certificates in %s', async (_, content) => {
  const read = await readCertificates(content);
  expect(read.map(({ raw }) => raw).sort(Buffer.compare)).toEqual([leaf, intermediate, root].sort(Buffer.compare));
});

test('reads one in DER, and none where there is none', async () => {
  expect((await readCertificates(leaf)).map(({ raw }) => raw)).toEqual([leaf]);
  expect(await readCertificates('')).toEqual([]);
  expect(await readCertificates('no certificate')).toEqual([]);
});

test.each([
  ['a cut certificate', leaf.subarray(0, 100)],
  ['a cut bundle', bundle.subarray(0, 100)],
  [
    'a bundle of something else',
    Buffer.from(AsnConvert.serialize(new cms.ContentInfo({ contentType: cms.id_data, content: AsnConvert.serialize(new OctetString(3)) }))),
  ],
  ['a damaged PEM block', toPem(leaf).replace('MII', '???')],
])('%s is an error', async (_, content) => {
  await expect(readCertificates(content)).rejects.toThrow();
});

/** A chain of which leaf and intermediate name their issuers. */
function makeNamingChain() {
  const [leafKeys, middleKeys, rootKeys] = [makeKeys('P-256'), makeKeys('P-256'), makeKeys('P-256')];
  const naming = (url: string) => {
    const description = new asn.AccessDescription({
      accessMethod: asn.id_ad_caIssuers,
      accessLocation: new asn.GeneralName({ uniformResourceIdentifier: url }),
    });
    const access = new asn.AuthorityInfoAccessSyntax([description]);
    return new asn.Extension({ extnID: asn.id_pe_authorityInfoAccess, extnValue: new OctetString(AsnConvert.serialize(access)) });
  };
  const authority = { name: 'Naming root', keys: rootKeys };
  const middle = { name: 'Naming middle', keys: middleKeys };
  return {
    root: makeCertificate({ ...authority, extensions: authorityExtensions }),
    middle: makeCertificate({ ...middle, extensions: [...authorityExtensions, naming('http://ca.example/root.der')] }, authority),
    leaf: makeCertificate(
      { name: 'Naming leaf', keys: leafKeys, extensions: [...leafExtensions, naming('http://ca.example/middle.p7c')] },
      middle,
    ),
  };
}

const named = makeNamingChain();
const first = new X509Certificate(named.leaf);

test('issuers that are not given are fetched where the certificates say, one after the other', async () => {
  const asked: string[] = [];
  const completed = await completeChain(first, [], async (url) => {
    asked.push(url.href);
    return url.pathname === '/root.der' ? named.root : toBundle([root, named.middle]);
  });
  expect(completed).toMatchObject({ complete: true, tried: '' });
  expect(completed.certificates.map(({ raw }) => raw)).toEqual([named.leaf, named.middle, named.root]);
  expect(asked).toEqual(['http://ca.example/middle.p7c', 'http://ca.example/root.der']);
});

test('what is given is not fetched', async () => {
  const given = [named.root, named.middle].map((der) => new X509Certificate(der));
  const fetchNothing = () => Promise.reject(new Error('asked'));
  expect(await completeChain(first, given, fetchNothing)).toMatchObject({ complete: true });
});

test.each([
  ['another certificate', async () => root, 'is not its certificate'],
  ['nothing', () => Promise.reject(new Error('the server answered 404')), 'the server answered 404'],
  ['no certificate', async () => Buffer.from('<html>'), 'is not its certificate'],
])('an authority that gives %s leaves the chain incomplete, and is told', async (_, fetchIssuer, reason) => {
  const { complete, tried } = await completeChain(first, [], fetchIssuer);
  expect(complete).toBe(false);
  expect(tried).toContain(reason);
  expect(tried).toContain('http://ca.example/middle.p7c');
});
