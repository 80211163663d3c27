import { constants, type KeyObject, verify } from 'node:crypto';
import { type BerElement, BerFields, berTags, onlyChild, readInteger, readOid } from '../../lib/ber.ts';
import { ed25519Id, type HashName, hashNames, signatureKinds } from '../hash-algorithm.ts';

/** What an authority has signed: a revocation list (RFC 5280, 5.1.1) or an answer of OCSP (RFC 6960, 4.2.1) begin alike. */
export interface AuthorityStatement {
  /** The fields that are signed. */
  readonly content: BerElement;
  readonly algorithm: BerElement;
  readonly signature: Buffer;
}

/** Takes the three fields that such a statement begins with. */
export function takeStatement(fields: BerFields): AuthorityStatement {
  const content = fields.take(berTags.sequence);
  const algorithm = fields.take(berTags.sequence);
  return { content, algorithm, signature: readBits(fields.take(berTags.bitString)) };
}

/** Whether the statement is signed by the key, with SHA-256, SHA-384 or SHA-512. Throws where the algorithm is another one. */
export function isSignedBy(key: KeyObject, { content, algorithm, signature }: AuthorityStatement): boolean {
  const fields = new BerFields(algorithm);
  const oid = readOid(fields.takeAny());
  const parameters = fields.takeOptional(berTags.sequence);
  if (oid === ed25519Id) return key.asymmetricKeyType === 'ed25519' && verify(null, content.raw, key, signature);
  const known = signatureKinds[oid];
  const pss = oid === rsaPss ? readPss(parameters) : undefined;
  const hash = known?.hash ?? pss?.hash;
  if (hash === undefined)
    throw new Error(`it is signed with ${oid}, which is none of RSA, RSA-PSS, ECDSA and Ed25519 with SHA-256 or stronger`);
  if (key.asymmetricKeyType !== (known?.key ?? 'rsa')) return false;
  const form = pss
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength }
    : known?.key === 'ec'
      ? { dsaEncoding: 'der' as const }
      : { padding: constants.RSA_PKCS1_PADDING };
  return verify(hash, content.raw, { key, ...form }, signature);
}

/** A BIT STRING of whole octets. */
function readBits({ content }: BerElement): Buffer {
  if (content[0] !== 0) throw new Error('a signature that is not of whole octets');
  return content.subarray(1);
}

/** RFC 4055, 3.1; defaults are SHA-1, which is refused. */
function readPss(parameters: BerElement | undefined): { readonly hash: HashName; readonly saltLength: number } | undefined {
  if (parameters === undefined) return undefined;
  const fields = new BerFields(parameters);
  const hashField = fields.takeOptional(0xa0);
  fields.takeOptional(0xa1);
  const saltField = fields.takeOptional(0xa2);
  const hash = hashField && hashNames[readOid(new BerFields(onlyChild(hashField)).takeAny())];
  const saltLength = saltField === undefined ? 20n : readInteger(onlyChild(saltField));
  return hash === undefined || saltLength < 0n || saltLength > 512n ? undefined : { hash, saltLength: Number(saltLength) };
}

const rsaPss = '1.2.840.113549.1.1.10';
