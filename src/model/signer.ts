/** Signature algorithms of the Notary Project (signature-specification.md, "Signature Algorithm Requirements"), by JWA name. */
export type SignatureAlgorithm = 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** A private key that is used and never seen: a Key Vault key, or a PEM file. */
export interface KeySigner {
  /** For logs: `Key Vault key https://…` or `key file …`; no secret. */
  readonly description: string;
  /** Decides what a user is told when the certificate does not do. */
  readonly keptIn: 'key-vault' | 'file';
  readonly algorithm: SignatureAlgorithm;
  /** DER, leaf first, root last. Not yet held against the Notary rules. */
  readonly certificateChain: readonly Uint8Array[];
  /** Signs `message`; the answer is as JWS has it (RFC 7518: ECDSA as r || s). Callers verify it with the leaf's key before it is used. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
