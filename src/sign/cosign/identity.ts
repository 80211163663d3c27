import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate,
  DirectoryString,
  ExtendedKeyUsage,
  type Extensions,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_kp_codeSigning,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import { signatureError } from '../signature-error.ts';

/** Who may have signed without a key of their own: what the issuer of tokens, and the subject in it, have to be. */
export interface CosignIdentity {
  readonly issuer: TextRule;
  readonly subject: TextRule;
}

export type TextRule =
  | { readonly kind: 'exact'; readonly text: string }
  /** Has to match the whole text. */
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

/** What a certificate of Fulcio says. */
export interface CertificateIdentity {
  readonly issuer: string;
  /** Subject alternative names: the URL of a workflow, an email address, or the name of a user. */
  readonly subjects: readonly string[];
}

/**
 * `ISSUER SUBJECT`, each the exact text, or a regular expression between slashes that has to match the whole of it. Throws a StepError of origin `input`.
 */
export function parseCosignIdentity(text: string): CosignIdentity {
  const [issuer, subject, ...rest] = text.trim().split(/\s+/);
  if (issuer === undefined || subject === undefined || rest.length > 0) throw refused(text, 'it is not two words');
  return { issuer: parseRule(text, issuer), subject: parseRule(text, subject) };
}

function parseRule(text: string, rule: string): TextRule {
  const source = /^\/(.+)\/$/s.exec(rule)?.[1];
  if (source === undefined) return { kind: 'exact', text: rule };
  try {
    return { kind: 'pattern', pattern: new RegExp(`^(?:${source})$`) };
  } catch (error) {
    throw refused(text, error instanceof Error ? error.message : 'its regular expression cannot be read');
  }
}

function refused(text: string, reason: string) {
  return signatureError(
    'cosign-identity',
    `Cannot read the identity ${JSON.stringify(text)}: ${reason}`,
    'Give the issuer and the subject, e.g. https://token.actions.githubusercontent.com ' +
      'https://github.com/OWNER/REPOSITORY/.github/workflows/FILE.yml@refs/heads/main; either may be a regular expression between slashes.',
  );
}

/** Longer names are none that Fulcio gives; nothing longer meets a regular expression. */
const maxTextLength = 2048;

export function isIdentity({ issuer, subject }: CosignIdentity, certificate: CertificateIdentity): boolean {
  return isText(issuer, certificate.issuer) && certificate.subjects.some((text) => isText(subject, text));
}

function isText(rule: TextRule, text: string): boolean {
  return rule.kind === 'exact' ? rule.text === text : text.length <= maxTextLength && rule.pattern.test(text);
}

/** https://github.com/sigstore/fulcio/blob/v1.8.7/docs/oid-info.md */
const issuerId = '1.3.6.1.4.1.57264.1.8';
const oldIssuerId = '1.3.6.1.4.1.57264.1.1';
const userNameId = '1.3.6.1.4.1.57264.1.7';

/** Throws an Error with a reason where the bytes are no certificate for signing code that says who it is for. */
export function readCertificateIdentity(der: Uint8Array): CertificateIdentity {
  const { extensions } = AsnConvert.parse(der, Certificate).tbsCertificate;
  if (extensions === undefined) throw new Error('the certificate says nothing of its use');
  const ids = extensions.map(({ extnID }) => extnID);
  if (new Set(ids).size !== ids.length) throw new Error('an extension of the certificate is there twice');
  const usage = findExtension(extensions, id_ce_extKeyUsage);
  if (usage === undefined || !AsnConvert.parse(usage, ExtendedKeyUsage).includes(id_kp_codeSigning))
    throw new Error('the certificate is not for signing code');
  const names = findExtension(extensions, id_ce_subjectAltName);
  const subjects = names === undefined ? [] : toSubjects(AsnConvert.parse(names, SubjectAlternativeName));
  const issuer = readIssuer(extensions);
  if (issuer === undefined || subjects.length === 0) throw new Error('the certificate does not say whose it is');
  return { issuer, subjects };
}

function readIssuer(extensions: Extensions): string | undefined {
  const value = findExtension(extensions, issuerId);
  if (value !== undefined) return AsnConvert.parse(value, DirectoryString).utf8String;
  const old = findExtension(extensions, oldIssuerId);
  return old === undefined ? undefined : Buffer.from(old).toString('utf8');
}

function toSubjects(names: SubjectAlternativeName): readonly string[] {
  return names
    .map(({ uniformResourceIdentifier, rfc822Name, otherName }) => {
      if (otherName?.typeId === userNameId) return AsnConvert.parse(otherName.value, DirectoryString).utf8String;
      return uniformResourceIdentifier ?? rfc822Name;
    })
    .filter((text) => text !== undefined);
}

function findExtension(extensions: Extensions, id: string): ArrayBuffer | undefined {
  return extensions.find(({ extnID }) => extnID === id)?.extnValue.buffer;
}
