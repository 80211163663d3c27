/** Signature algorithms of the Notary Project (signature-specification.md, "Signature Algorithm Requirements"), by JWA name. */
export type SignatureAlgorithm = 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** What a key can be asked for: besides, RSA with PKCS#1 v1.5 (RFC 7518, 3.3), the only form of RSA that cosign verifies. */
export type KeyAlgorithm = SignatureAlgorithm | 'RS256' | 'RS384' | 'RS512';

/** A private key that is used and never seen: a Key Vault key, a PEM file, or one that is made for the run. */
export interface KeySigner {
  /** For logs: `Key Vault key https://…` or `key file …`; no secret. */
  readonly description: string;
  /** Decides what a user is told when the certificate does not do. */
  readonly keptIn: 'key-vault' | 'file' | 'memory';
  /** The one that the Notary Project has for a key of this kind. */
  readonly algorithm: SignatureAlgorithm;
  /** DER of a SubjectPublicKeyInfo (RFC 5280, 4.1). */
  readonly publicKey: Uint8Array;
  /** DER, leaf first, root last. Not yet held against the Notary rules. */
  readonly certificateChain: readonly Uint8Array[];
  /**
   * Signs `message`, by its own `algorithm` unless another is asked for; the answer is as JWS has it (RFC 7518: ECDSA as r || s). Callers verify it with
   * `publicKey` before it is used.
   */
  sign(message: Uint8Array, form?: KeyAlgorithm): Promise<Uint8Array>;
}
