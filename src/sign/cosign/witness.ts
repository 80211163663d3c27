import type { TransparencyLogEntry } from '@sigstore/bundle';
import type { KeySigner } from '../../model/signer.ts';
import type { CertifiedSignature } from './certificate-verification.ts';

/** Who signs for cosign: a key that verifiers know, or one that they need not know, since others vouch for whose it was, and when. */
export type CosignSigner = KeySigner | WitnessedSigner;

export interface WitnessedSigner extends KeySigner {
  readonly witness: Witness;
}

/** Those who vouch: an authority of certificates, logs and authorities of time. Everything rejects with a StepError where one of them refuses or is not there. */
export interface Witness {
  /** DER, leaf first: for the signer's key, and valid for some minutes more. */
  certify(): Promise<readonly Uint8Array[]>;
  /** Enters the signature in the logs, and has its time told; what it is and by whom is public from then on. */
  testify(signed: WitnessedSignature): Promise<Testimony>;
  /** Resolves where verifiers will accept what the others vouched for. */
  verify(certified: CertifiedSignature): Promise<void>;
}

export interface WitnessedSignature {
  /** DER. */
  readonly certificate: Uint8Array;
  /** What the signature is over. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** In JSON, where that is one of DSSE. */
  readonly envelope?: Uint8Array;
  /** What timestamps are to be over, where that is not the signature. */
  readonly stamped?: Uint8Array;
}

export interface Testimony {
  readonly tlogEntries: TransparencyLogEntry[];
  /** TimeStampResp of RFC 3161. */
  readonly timestamps: readonly Buffer[];
}

export function isWitnessed(signer: CosignSigner): signer is WitnessedSigner {
  return 'witness' in signer;
}
