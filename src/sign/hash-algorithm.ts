export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Hashes that signatures may be over, by their OIDs (RFC 8017, B.1). */
export const hashNames: Readonly<Record<string, HashName>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** How authorities sign certificates, lists and timestamps, by the OIDs of their algorithms (RFC 8017, C, and RFC 5758, 3.2). */
export const signatureKinds: Readonly<Record<string, { readonly key: 'rsa' | 'ec'; readonly hash: HashName }>> = {
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
};

/** RFC 8410, 3: of keys and of signatures. */
export const ed25519Id = '1.3.101.112';
