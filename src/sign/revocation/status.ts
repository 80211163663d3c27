/** What is known of one certificate's revocation. */
export interface RevocationStatus {
  /** On one line. */
  readonly subject: string;
  /** `not-checkable`: the certificate names no place to ask at, or is a root. */
  readonly status: 'good' | 'revoked' | 'unknown' | 'not-checkable';
  /** Why it is unknown; where it is revoked what the authority says. */
  readonly reason?: string;
}

export interface RevocationContext {
  /** Only where an authority has vouched for it: a revocation that has effect from a later date on does not count then. */
  readonly signingTime?: Date | undefined;
  /** Default true. What a chain names that nobody trusts is not asked: it may be any address. */
  readonly isTrusted?: boolean;
}

/**
 * Asks for each certificate of a chain (DER, leaf first, root last, verified). Rejects only when the run is cancelled: what cannot be found out is
 * `unknown`.
 */
export type CheckRevocation = (chain: readonly Uint8Array[], context?: RevocationContext) => Promise<readonly RevocationStatus[]>;
