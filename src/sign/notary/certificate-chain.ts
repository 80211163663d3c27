import { signatureAlgorithmOf, signatureAlgorithms } from '../../lib/signature-algorithm.ts';
import type { StepError } from '../../lib/step-error.ts';
import type { KeySigner } from '../../model/signer.ts';
import { type SignatureErrorCode, signatureError } from '../signature-error.ts';
import { parseCertificate } from './certificate.ts';
import { type BrokenRule, brokenCertificateRules } from './certificate-rules.ts';

/**
 * Holds a signer's chain against every rule of the Notary Project at `now`, so that nothing is signed that no verifier accepts. Throws one
 * StepError that names each broken rule and certificate, with the Key Vault certificate policy that satisfies them.
 */
export function checkCertificateChain(signer: Pick<KeySigner, 'certificateChain' | 'description' | 'keptIn'>, now: Date): void {
  const broken = brokenCertificateRules(signer.certificateChain, now);
  if (broken.length === 0) return;
  throw chainError(`Cannot sign with ${signer.description}`, broken, signer.keptIn === 'key-vault' ? policyHint(signer) : fileHint);
}

/** One error for all the rules that a chain breaks. */
export function chainError(action: string, broken: readonly BrokenRule[], hint: string): StepError<SignatureErrorCode> {
  const rules = broken.map(({ rule, subject, problem }) => `${rule} of "${subject}": ${problem}`);
  return signatureError(
    'certificate-rules',
    `${action}: its certificate chain breaks the rules of the Notary Project: ${rules.join('; ')}`,
    hint,
  );
}

const fileHint =
  'Have the certificate issued anew: keyUsage critical with digitalSignature only, extendedKeyUsage codeSigning or none, no cA, SHA-256 or stronger, ' +
  'and keep it with its issuers up to the root in one PEM file.';

function policyHint(signer: Pick<KeySigner, 'certificateChain'>): string {
  const policy = JSON.stringify(keyVaultCertificatePolicy(signer.certificateChain));
  return `Make a new version of the certificate with this policy (az keyvault certificate create --vault-name VAULT --name NAME --policy @policy.json), or have your authority issue it with the same key usage: ${policy}`;
}

/**
 * A policy of a Key Vault certificate that keeps every rule for a leaf, with the subject and kind of key of the chain's leaf.
 * https://learn.microsoft.com/azure/key-vault/certificates/about-certificates#certificate-policy
 */
export function keyVaultCertificatePolicy(chain: readonly Uint8Array[]) {
  const leaf = readLeaf(chain[0]);
  const algorithm = leaf && signatureAlgorithmOf(leaf.publicKey);
  const key = signatureAlgorithms[algorithm ?? 'PS256'];
  return {
    issuerParameters: { name: 'Self' },
    keyProperties: {
      exportable: false,
      reuseKey: false,
      ...(key.kind === 'rsa' ? { keyType: 'RSA', keySize: key.bits } : { keyType: 'EC', curve: jwkCurves[key.curve] }),
    },
    secretProperties: { contentType: 'application/x-pem-file' },
    x509CertificateProperties: {
      subject: leaf?.subject ? leaf.subject.split('\n').reverse().map(toQuoted).join(', ') : 'CN=NAME, O=ORGANISATION, ST=STATE, C=COUNTRY',
      keyUsage: ['digitalSignature'],
      ekus: ['1.3.6.1.5.5.7.3.3'],
      validityInMonths: 12,
    },
  };
}

/** Node escapes by backslashes (RFC 4514), which Key Vault does not know: it takes values with special characters in quotes. */
function toQuoted(attribute: string): string {
  const [, type = '', escaped = ''] = /^([^=]*)=(.*)$/s.exec(attribute) ?? [];
  const value = escaped.replace(/\\(.)/gs, '$1');
  return /[,+"\\<>;=#]|^ | $/.test(value) ? `${type}="${value.replaceAll('"', '""')}"` : attribute;
}

function readLeaf(der: Uint8Array | undefined) {
  try {
    return der && parseCertificate(der).x509;
  } catch {
    return undefined;
  }
}

const jwkCurves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
