import type { Digest } from './digest.ts';

/** What is said of an image: https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md */
export interface InTotoStatement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly StatementSubject[];
  readonly predicateType: string;
  /** A JSON object, of a form that `predicateType` names. */
  readonly predicate: object;
}

export interface StatementSubject {
  /** As its user calls it; says nothing about what it is. */
  readonly name?: string;
  /** In hexadecimal digits, by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
}

/** What a statement is about. */
export interface NamedDigest {
  readonly name: string;
  readonly digest: Digest;
}
