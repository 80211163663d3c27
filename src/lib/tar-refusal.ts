/**
 * Why a tar is not taken. `malformed-tar`: Go's archive/tar refuses it as well. `ambiguous-tar`: readers disagree on what it holds.
 * `unsupported`: no container runtime unpacks it. `limit`: larger than what is read.
 */
export type TarFault = 'malformed-tar' | 'ambiguous-tar' | 'unsupported' | 'limit';

/** Ends the reading of a tar with the caller's own error; `rule` says what is wrong, in lower case and without a full stop. */
export type RefuseTar = (fault: TarFault, rule: string) => never;
