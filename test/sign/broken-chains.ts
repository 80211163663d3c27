import { generateKeyPairSync } from 'node:crypto';
import * as asn from '@peculiar/asn1-x509';
import type { CertificateRule } from '../../src/sign/notary/certificate-rules.ts';
import {
  authorityExtensions,
  basicConstraints,
  type ChainParts,
  extendedKeyUsage,
  keyUsage,
  leafExtensions,
  makeCertificate,
  makeChain,
  makeKeys,
  rawExtension,
  usage,
} from './chain.ts';

export interface BrokenChain {
  readonly what: string;
  readonly rule: CertificateRule;
  readonly chain: readonly Buffer[];
  readonly keys: { readonly privateKey: import('node:crypto').KeyObject; readonly publicKey: import('node:crypto').KeyObject };
  /** Read strictly by the specification; notation 1.3 lets it pass. */
  readonly acceptedByNotation?: boolean;
}

/** One chain for each way to break a rule. */
export function brokenChains(): readonly BrokenChain[] {
  const digital = usage.digitalSignature;
  const leafUsages = [usage.keyEncipherment, usage.dataEncipherment, usage.keyAgreement, usage.keyCertSign, usage.cRLSign].map((flag) =>
    broken(`leaf with ${usage[flag]}`, 'key-usage', { leaf: { extensions: [keyUsage(digital | flag)] } }),
  );
  const purposes = [
    asn.id_kp_serverAuth,
    asn.id_kp_clientAuth,
    asn.id_kp_emailProtection,
    asn.id_kp_timeStamping,
    asn.id_kp_OCSPSigning,
  ].map((id) =>
    broken(`leaf for ${id}`, 'extended-key-usage', {
      leaf: { extensions: [keyUsage(digital), extendedKeyUsage(asn.id_kp_codeSigning, id)] },
    }),
  );
  return [
    ...leafUsages,
    ...purposes,
    {
      ...broken('leaf for any purpose', 'extended-key-usage', {
        leaf: { extensions: [keyUsage(digital), extendedKeyUsage('2.5.29.37.0')] },
      }),
      acceptedByNotation: true,
    },
    broken('leaf without key usage', 'key-usage', { leaf: { extensions: [extendedKeyUsage(asn.id_kp_codeSigning)] } }),
    broken('leaf with key usage not critical', 'key-usage', { leaf: { extensions: [keyUsage(digital, false)] } }),
    broken('leaf without digitalSignature', 'key-usage', { leaf: { extensions: [keyUsage(usage.nonRepudiation)] } }),
    broken('leaf that is an authority', 'basic-constraints', { leaf: { extensions: [...leafExtensions, basicConstraints(true)] } }),
    broken('leaf on secp256k1', 'encoding', { leaf: { keys: makeKeys('secp256k1') } }),
    broken('leaf with RSA 1024', 'key', { leaf: { keys: makeKeys('RSA-1024') } }),
    broken('leaf with an extension twice', 'encoding', {
      leaf: { extensions: [...leafExtensions, keyUsage(digital | usage.keyCertSign)] },
    }),
    broken('leaf signed with SHA-1', 'signature-hash', { leaf: { hash: 'sha1' } }),
    broken('root signed with SHA-1', 'signature-hash', { root: { hash: 'sha1' } }),
    broken('leaf expired', 'validity', { leaf: { to: new Date('2026-02-01T00:00:00Z') } }),
    broken('leaf from the future', 'validity', { leaf: { from: new Date('2045-01-01T00:00:00Z') } }),
    broken('intermediate expired', 'validity', { intermediate: { to: new Date('2026-02-01T00:00:00Z') } }),
    broken('root expired', 'validity', { root: { to: new Date('2026-02-01T00:00:00Z') } }),
    broken('intermediate without basic constraints', 'basic-constraints', { intermediate: { extensions: [keyUsage(usage.keyCertSign)] } }),
    broken('intermediate that is no authority', 'basic-constraints', {
      intermediate: { extensions: [basicConstraints(false), keyUsage(usage.keyCertSign)] },
    }),
    {
      ...broken('intermediate with basic constraints not critical', 'basic-constraints', {
        intermediate: { extensions: [basicConstraints(true, false), keyUsage(usage.keyCertSign)] },
      }),
      acceptedByNotation: true,
    },
    broken('intermediate that may not sign certificates', 'key-usage', {
      intermediate: { extensions: [basicConstraints(true), keyUsage(usage.cRLSign)] },
    }),
    broken('root without key usage', 'key-usage', { root: { extensions: [basicConstraints(true)] } }),
    broken('root with too short a path', 'path-length', {
      root: { extensions: [basicConstraints(true, true, 0), keyUsage(usage.keyCertSign)] },
    }),
    ...brokenOrders(),
    ...brokenEncodings(),
  ];
}

function broken(what: string, rule: CertificateRule, parts: ChainParts): BrokenChain {
  return { what, rule, ...makeChain('P-256', parts) };
}

function brokenOrders(): readonly BrokenChain[] {
  const { chain, keys } = makeChain('P-256');
  const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];
  const stranger = makeCertificate({ name: 'Stranger', keys: makeKeys('P-256'), extensions: authorityExtensions });
  const namesake = makeCertificate({ name: 'Root', keys: makeKeys('P-256'), extensions: authorityExtensions });
  const selfSigned = makeKeys('P-256');
  return [
    { what: 'no root', rule: 'chain', chain: [leaf, intermediate], keys },
    { what: 'only the leaf', rule: 'chain', chain: [leaf], keys },
    { what: 'intermediate left out', rule: 'chain', chain: [leaf, root], keys },
    { what: 'issuers in the wrong order', rule: 'chain', chain: [leaf, root, intermediate], keys },
    { what: 'a stray root at the end', rule: 'chain', chain: [leaf, intermediate, root, stranger], keys },
    { what: 'the root twice', rule: 'chain', chain: [leaf, intermediate, root, root], keys },
    { what: 'a root of the same name with another key', rule: 'chain', chain: [leaf, intermediate, namesake], keys },
    {
      what: 'a self-signed leaf with a stray root',
      rule: 'chain',
      chain: [makeCertificate({ name: 'Alone', keys: selfSigned, extensions: leafExtensions }), root],
      keys: selfSigned,
    },
    {
      what: 'a self-signed leaf that is an authority',
      rule: 'basic-constraints',
      chain: [makeCertificate({ name: 'Alone', keys: selfSigned, extensions: [...leafExtensions, basicConstraints(true)] })],
      keys: selfSigned,
    },
  ];
}

/** Certificates that OpenSSL reads and Go does not. */
function brokenEncodings(): readonly BrokenChain[] {
  const leaf = (what: string, from: string, to: string) =>
    broken(what, 'encoding', { leaf: { damage: (tbs) => replaced(tbs, Buffer.from(from, 'hex'), Buffer.from(to, 'hex')) } });
  const text = (what: string, from: string, to: string) => leaf(what, Buffer.from(from).toString('hex'), Buffer.from(to).toString('hex'));
  const extended = (what: string, oid: string, critical: boolean, value: string) =>
    broken(what, 'encoding', { leaf: { extensions: [...leafExtensions, rawExtension(oid, critical, value)] } });
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  const salted = { intermediate: { keys: makeKeys('RSA-2048') }, leaf: { saltLength: 20 } };
  return [
    leaf('leaf with a negative serial number', '02050102030404', '0205ff02030404'),
    leaf('leaf of version 2 with extensions', 'a003020102', 'a003020101'),
    leaf('leaf of version 4', 'a003020102', 'a003020103'),
    leaf('leaf with a BOOLEAN of 1', '0101ff', '010101'),
    leaf('leaf with key usages behind the last', '03020780', '030207ff'),
    text('leaf with a time of 60 seconds', '260101000000Z', '260101000060Z'),
    text('leaf of 30 February', '260101000000Z', '260230000000Z'),
    text('leaf with an @ in a PrintableString', '\x13\x02DE', '\x13\x02D@'),
    leaf('leaf with a name that is not UTF-8', '0c044c656166', '0c04ff656166'),
    broken('leaf on a curve without its name', 'encoding', { leaf: { keys: explicit } }),
    broken('leaf signed by RSA-PSS with a short salt', 'signature-hash', salted),
    extended('leaf with a critical subject key identifier', asn.id_ce_subjectKeyIdentifier, true, '04020102'),
    extended('leaf with a critical authority key identifier', asn.id_ce_authorityKeyIdentifier, true, '300480020102'),
    extended('leaf with critical addresses of its authority', asn.id_pe_authorityInfoAccess, true, '3000'),
    extended('leaf with a name that is not ASCII', asn.id_ce_subjectAltName, false, '30038201ff'),
    extended('leaf with an IP address of three bytes', asn.id_ce_subjectAltName, false, '30058703010203'),
    extended('leaf with a policy twice', asn.id_ce_certificatePolicies, false, '300c300406025504300406025504'),
    extended('leaf with a revocation list of another type', asn.id_ce_cRLDistributionPoints, false, '0500'),
    extended('leaf with empty name constraints', asn.id_ce_nameConstraints, true, '3000'),
    broken('intermediate with a path of less than nothing', 'encoding', {
      intermediate: { extensions: [rawExtension(asn.id_ce_basicConstraints, true, '30060101ff0201ff'), keyUsage(usage.keyCertSign)] },
    }),
  ];
}

/** The last place counts: names of issuers come before those of subjects. */
function replaced(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const at = bytes.lastIndexOf(from);
  if (at === -1) throw new Error('what is to be changed is not there');
  return Buffer.concat([bytes.subarray(0, at), to, bytes.subarray(at + from.length)]);
}
