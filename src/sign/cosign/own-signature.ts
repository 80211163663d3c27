import { verify } from 'node:crypto';
import { hashOf, toPublicKey } from '../../lib/signature-algorithm.ts';
import { StepError } from '../../lib/step-error.ts';
import type { KeySigner } from '../../model/signer.ts';
import { isSameMetadata } from '../metadata.ts';
import { type BundleContent, parseBundle, parseEnvelope } from './bundle.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { cosignAlgorithmOf } from './key-signature.ts';
import { type CosignRequest, signPredicateType } from './signature.ts';
import { parseStatementAbout } from './statement.ts';

/** Whether a bundle is a signature as `signBundle` makes it: by the same key, of the same manifest, with the same metadata. */
export function isOwnBundle(bytes: Uint8Array, { signer, subject, metadata }: CosignRequest): boolean {
  const content = openOwnBundle(bytes, signer);
  const statement = content && attempt(() => parseStatementAbout(subject.digest, content, 'bundle'));
  return statement?.predicateType === signPredicateType && isSameMetadata(statement.annotations, metadata);
}

/** The statement in a bundle that names a key, where it is signed with this one as `attestBundle` does it; undefined where it is another's, or damaged. */
export function openOwnBundle(bytes: Uint8Array, signer: KeySigner): Buffer | undefined {
  const bundle = attempt(() => parseBundle(bytes));
  return bundle?.signer.kind === 'key' ? openEnvelope(bundle.content, signer) : undefined;
}

/** The same of a layer of `attestLayer`. */
export function openOwnEnvelope(bytes: Uint8Array, signer: KeySigner): Buffer | undefined {
  const envelope = attempt(() => parseEnvelope(bytes));
  return envelope && openEnvelope(envelope, signer);
}

function openEnvelope(content: BundleContent, signer: KeySigner): Buffer | undefined {
  if (content.kind !== 'dsse' || content.payloadType !== statementMediaType) return undefined;
  const { payloadType, payload, signature } = content;
  return isBySigner(signer, toPreAuthentication(payloadType, payload), signature) ? payload : undefined;
}

/** What cannot be read is nobody's own. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StepError && error.origin === 'signature') return undefined;
    throw error;
  }
}

/** Whether a signature is by the key, in the form that cosign has: in DER where it is ECDSA, and PKCS#1 v1.5 where it is RSA. */
export function isBySigner(signer: KeySigner, message: Uint8Array, signature: Uint8Array): boolean {
  // node:crypto's own defaults.
  return verify(hashOf(cosignAlgorithmOf(signer)), message, toPublicKey(signer.publicKey), signature);
}
