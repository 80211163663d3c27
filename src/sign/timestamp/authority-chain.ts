import { keyText, signatureAlgorithmOf } from '../../lib/signature-algorithm.ts';
import { toTimeText } from '../../lib/time-text.ts';
import { type Certificate, parseCertificate } from '../notary/certificate.ts';
import { type TimestampErrorCode, timestampError } from './timestamp-error.ts';

/** When something was signed: at `time`, give or take `accuracyMs`. */
export interface TimeSpan {
  readonly time: Date;
  readonly accuracyMs: number;
}

/** As Go's crypto/x509 does: a token cannot have it check signatures of certificates without end. */
const maxSignatureChecks = 100;
const maxDepth = 8;

/**
 * The authority's chain, leaf first: from `leaf` by certificates of the token to a trusted root, that keeps the rules for timestamping and was valid
 * at `span`. Throws a StepError `timestamp-untrusted` where there is no way to a root, else with what is wrong with the first one.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#certificate-requirements, in the reading of notation-core-go
 */
export function findAuthorityChain(leaf: Certificate, others: readonly Certificate[], roots: readonly Certificate[], span: TimeSpan) {
  const search = { others, roots, checksLeft: maxSignatureChecks };
  let problem: ChainProblem | undefined;
  for (const chain of chainsFrom([leaf], search)) {
    const found = problemOf(chain, span);
    if (found === undefined) return chain;
    problem ??= found;
  }
  if (problem !== undefined) throw timestampError(problem.code, `Cannot trust the timestamp's authority: ${problem.text}`);
  throw timestampError(
    'timestamp-untrusted',
    `Cannot trust the timestamp's authority: no root that is trusted has issued the certificate "${leaf.subject}"`,
  );
}

interface ChainSearch {
  readonly others: readonly Certificate[];
  readonly roots: readonly Certificate[];
  checksLeft: number;
}

/** Every way from the end of `chain` to a root; a root ends it, whoever else has signed for it. */
function* chainsFrom(chain: readonly Certificate[], search: ChainSearch): Generator<readonly Certificate[]> {
  const last = chain[chain.length - 1];
  if (last === undefined) return;
  if (search.roots.some((root) => root.x509.raw.equals(last.x509.raw))) {
    yield chain;
    return;
  }
  if (chain.length >= maxDepth) return;
  for (const issuer of [...search.roots, ...search.others]) {
    if (!issuer.subjectBytes.equals(last.issuerBytes) || chain.some(({ x509 }) => x509.raw.equals(issuer.x509.raw))) continue;
    search.checksLeft -= 1;
    if (search.checksLeft < 0) return;
    if (last.x509.verify(issuer.publicKey)) yield* chainsFrom([...chain, issuer], search);
  }
}

interface ChainProblem {
  readonly code: TimestampErrorCode;
  readonly text: string;
}

function problemOf(chain: readonly Certificate[], span: TimeSpan): ChainProblem | undefined {
  const [leaf, ...authorities] = chain;
  const broken = [
    ...chain.flatMap((certificate, at) => problemsOfAny(certificate, at === chain.length - 1)),
    ...(leaf === undefined ? [] : problemsOfLeaf(leaf)),
    ...authorities.flatMap((authority, below) => problemsOfAuthority(authority, below)),
  ];
  if (broken.length > 0) return { code: 'timestamp-certificate', text: broken.join('; ') };
  const outside = chain.find((certificate) => !isValidAt(certificate, span));
  return outside && { code: 'timestamp-validity', text: validityText(outside, span) };
}

/** Whether a certificate was valid at each time of the span. */
export function isValidAt({ notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>, { time, accuracyMs }: TimeSpan): boolean {
  return time.getTime() - accuracyMs >= notBefore.getTime() && time.getTime() + accuracyMs <= notAfter.getTime();
}

export function validityText({ subject, notBefore, notAfter }: Certificate, { time, accuracyMs }: TimeSpan): string {
  return `the certificate "${subject}" is valid from ${toTimeText(notBefore)} to ${toTimeText(notAfter)}, and the timestamp is of ${time.toISOString()} ± ${accuracyMs} ms`;
}

function problemsOfAny(certificate: Certificate, isRoot: boolean): string[] {
  const { subject, signatureHash, repeatedExtensions, criticalExtensions } = certificate;
  const isSelfSigned = certificate.issuerBytes.equals(certificate.subjectBytes) && certificate.x509.verify(certificate.publicKey);
  const problems = repeatedExtensions.map((id) => `"${subject}" has its extension ${id} twice`);
  if (signatureHash === undefined) problems.push(`"${subject}" is not signed with SHA-256, SHA-384 or SHA-512`);
  if (isRoot !== isSelfSigned) problems.push(`"${subject}" is ${isRoot ? 'trusted and not self-signed' : 'self-signed and not trusted'}`);
  for (const id of criticalExtensions) {
    if (!knownExtensions.has(id)) problems.push(`"${subject}" has the critical extension ${id}, which is not known`);
  }
  return problems;
}

function problemsOfLeaf({ subject, publicKey, basicConstraints, keyUsage, extendedKeyUsage, criticalExtensions }: Certificate): string[] {
  const problems: string[] = [];
  if (signatureAlgorithmOf(publicKey) === undefined) problems.push(`the key of "${subject}" is ${keyText(publicKey)}`);
  if (basicConstraints?.ca) problems.push(`"${subject}" is the certificate of an authority for certificates`);
  if (!keyUsage?.usages.includes('digitalSignature')) problems.push(`"${subject}" has no key usage digitalSignature`);
  const surplus = keyUsage?.usages.filter((usage) => usage !== 'digitalSignature' && usage !== 'nonRepudiation') ?? [];
  if (surplus.length > 0) problems.push(`"${subject}" has the key usage ${surplus.join(', ')}`);
  // RFC 3161, 2.3: this purpose and no other, critical.
  if (extendedKeyUsage.length !== 1 || extendedKeyUsage[0] !== purposes.timeStamping)
    problems.push(`"${subject}" has not timeStamping, and nothing else, for its extended key usage`);
  else if (!criticalExtensions.includes(extendedKeyUsageId)) problems.push(`the extended key usage of "${subject}" is not critical`);
  return problems;
}

function problemsOfAuthority(authority: Certificate, authoritiesBelow: number): string[] {
  const { subject, basicConstraints, keyUsage, extendedKeyUsage } = authority;
  const problems: string[] = [];
  if (!basicConstraints?.ca) problems.push(`"${subject}" may issue no certificates: cA is not set`);
  if (basicConstraints?.pathLength !== undefined && basicConstraints.pathLength < authoritiesBelow)
    problems.push(`"${subject}" allows ${basicConstraints.pathLength} authorities below it, and there are ${authoritiesBelow}`);
  if (!keyUsage?.usages.includes('keyCertSign')) problems.push(`"${subject}" has no key usage keyCertSign`);
  if (extendedKeyUsage.length > 0 && !extendedKeyUsage.some((id) => id === purposes.timeStamping || id === purposes.any))
    problems.push(`the extended key usage of "${subject}" leaves timeStamping out`);
  return problems;
}

/** The certificates that can be read; Go's reader takes all or none. */
export function parseAuthorityCertificates(ders: readonly Uint8Array[]): readonly Certificate[] {
  return ders.map((der) => {
    try {
      return parseCertificate(der);
    } catch {
      throw timestampError('timestamp-certificate', 'Cannot read the timestamp: a certificate in it cannot be read');
    }
  });
}

const extendedKeyUsageId = '2.5.29.37';

/** Which crypto/x509 of Go knows, but for name constraints (2.5.29.30), which are not evaluated here. */
const knownExtensions: ReadonlySet<string> = new Set([
  '2.5.29.14',
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.19',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.35',
  '2.5.29.36',
  extendedKeyUsageId,
  '2.5.29.54',
]);

/** RFC 5280, 4.2.1.12. */
const purposes = { timeStamping: '1.3.6.1.5.5.7.3.8', any: '2.5.29.37.0' } as const;
