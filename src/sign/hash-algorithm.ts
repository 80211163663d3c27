export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Hashes that signatures may be over, by their OIDs (RFC 8017, B.1). */
export const hashNames: Readonly<Record<string, HashName>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
