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
    broken('leaf on secp256k1', 'key', { leaf: { keys: makeKeys('secp256k1') } }),
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
