import { acceptedKeys, keyText, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import { type Certificate, parseCertificate } from './certificate.ts';

/** https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#certificate-requirements */
export type CertificateRule =
  | 'encoding'
  | 'chain'
  | 'validity'
  | 'key'
  | 'signature-hash'
  | 'basic-constraints'
  | 'path-length'
  | 'key-usage'
  | 'extended-key-usage';

export interface BrokenRule {
  readonly rule: CertificateRule;
  /** Of the certificate that breaks it, on one line. */
  readonly subject: string;
  /** What is wrong and what the rule asks for. */
  readonly problem: string;
}

/**
 * Every rule for code signing that a chain (DER, leaf first) breaks at `time`, or whatever the time is; empty where it is sound. Whether it is
 * trusted is another question. Only the three extensions that the specification names are evaluated.
 */
export function brokenCertificateRules(chain: readonly Uint8Array[], time?: Date): readonly BrokenRule[] {
  const certificates: Certificate[] = [];
  for (const [index, der] of chain.entries()) {
    try {
      certificates.push(parseCertificate(der));
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unreadable';
      const problem = `it is no certificate that verifiers read (${toClipped(toVisibleLine(reason), 200)})`;
      return [{ rule: 'encoding', subject: `certificate ${index + 1} of the chain`, problem }];
    }
  }
  const [leaf, ...authorities] = certificates;
  if (leaf === undefined) return [{ rule: 'chain', subject: '', problem: 'the chain is empty' }];
  return [
    ...brokenByChain(certificates),
    ...certificates.flatMap((certificate) => [...(time ? brokenByTime(certificate, time) : []), ...brokenByAny(certificate)]),
    ...brokenByLeaf(leaf),
    ...authorities.flatMap((certificate, below) => brokenByAuthority(certificate, below)),
  ];
}

function brokenByChain(certificates: readonly Certificate[]): BrokenRule[] {
  return certificates.flatMap((certificate, index) => {
    const issuer = certificates[index + 1];
    const selfSigned = isIssuedBy(certificate, certificate);
    if (issuer === undefined) {
      return selfSigned ? [] : [broken('chain', certificate, `its issuer is missing: the chain must end with a self-signed root`)];
    }
    if (selfSigned) return [broken('chain', certificate, 'it is self-signed and not the last of the chain')];
    return isIssuedBy(certificate, issuer)
      ? []
      : [broken('chain', certificate, `it is not issued by "${issuer.subject}", which follows it`)];
  });
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.issuerBytes.equals(issuer.subjectBytes) && certificate.x509.verify(issuer.publicKey);
}

/** Whether it is valid then (RFC 5280, 4.1.2.5: both ends included). */
export function brokenByTime(certificate: Certificate, time: Date): BrokenRule[] {
  const { notBefore, notAfter } = certificate;
  if (time < notBefore) return [broken('validity', certificate, `it is valid only from ${notBefore.toISOString()}`)];
  if (time > notAfter) return [broken('validity', certificate, `it expired at ${notAfter.toISOString()}`)];
  return [];
}

function brokenByAny(certificate: Certificate): BrokenRule[] {
  const { signatureHash, repeatedExtensions } = certificate;
  const problems: BrokenRule[] = [];
  if (signatureHash === undefined) {
    problems.push(broken('signature-hash', certificate, 'it is not signed with SHA-256, SHA-384 or SHA-512 (SHA-1 and MD5 are refused)'));
  }
  for (const id of repeatedExtensions) problems.push(broken('encoding', certificate, `its extension ${id} is there twice`));
  return problems;
}

function brokenByLeaf(leaf: Certificate): BrokenRule[] {
  const problems: BrokenRule[] = [];
  const key = leaf.publicKey;
  if (signatureAlgorithmOf(key) === undefined) problems.push(broken('key', leaf, `its key is ${keyText(key)}; it must be ${acceptedKeys}`));
  if (leaf.basicConstraints?.ca) problems.push(broken('basic-constraints', leaf, 'cA must be false or absent'));
  problems.push(...brokenByKeyUsage(leaf));
  if (leaf.keyUsage && !leaf.keyUsage.usages.includes('digitalSignature')) {
    problems.push(broken('key-usage', leaf, 'digitalSignature must be set'));
  }
  const surplus = leaf.keyUsage?.usages.filter((usage) => !leafUsages.has(usage)) ?? [];
  if (surplus.length > 0) problems.push(broken('key-usage', leaf, `${surplus.join(', ')} must not be set`));
  const refused = leaf.extendedKeyUsage.flatMap((id) => refusedPurposes[id] ?? []);
  if (refused.length > 0) {
    problems.push(
      broken('extended-key-usage', leaf, `${refused.join(', ')} must not be there; codeSigning (1.3.6.1.5.5.7.3.3) alone is right`),
    );
  }
  return problems;
}

function brokenByAuthority(authority: Certificate, authoritiesBelow: number): BrokenRule[] {
  const problems = brokenByKeyUsage(authority);
  const constraints = authority.basicConstraints;
  if (!constraints?.ca || !constraints.critical) {
    problems.push(broken('basic-constraints', authority, 'basic constraints must be there, critical, with cA true'));
  }
  if (constraints?.pathLength !== undefined && constraints.pathLength < authoritiesBelow) {
    problems.push(
      broken('path-length', authority, `it allows ${constraints.pathLength} authorities below it, and there are ${authoritiesBelow}`),
    );
  }
  if (authority.keyUsage && !authority.keyUsage.usages.includes('keyCertSign')) {
    problems.push(broken('key-usage', authority, 'keyCertSign must be set'));
  }
  return problems;
}

function brokenByKeyUsage(certificate: Certificate): BrokenRule[] {
  if (certificate.keyUsage?.critical) return [];
  return [broken('key-usage', certificate, `the extension must be ${certificate.keyUsage ? 'critical' : 'there and critical'}`)];
}

function broken(rule: CertificateRule, certificate: Certificate, problem: string): BrokenRule {
  return { rule, subject: certificate.subject, problem };
}

const leafUsages: ReadonlySet<string> = new Set(['digitalSignature', 'nonRepudiation']);

/** The specification's list, and OCSPSigning, which notation-core-go refuses. */
const refusedPurposes: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'anyExtendedKeyUsage',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
};
