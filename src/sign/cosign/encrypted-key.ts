import { createPrivateKey, type KeyObject, scryptSync } from 'node:crypto';
import nacl from 'tweetnacl';
import * as v from 'valibot';

const base64 = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text) => Buffer.from(text, 'base64')),
);
const nonceBytes = 24;
const memoryBytes = 256 * 1024 * 1024;

const encryptedKey = v.object({
  kdf: v.object({
    name: v.literal('scrypt'),
    // A file asks for no more work than cosign's own do, many times over.
    params: v.object({
      N: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(2 ** 20)),
      r: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
      p: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
    }),
    salt: base64,
  }),
  cipher: v.object({ name: v.literal('nacl/secretbox'), nonce: v.pipe(base64, v.length(nonceBytes)) }),
  ciphertext: base64,
});

/**
 * The private key in the JSON of a file that `cosign generate-key-pair` or `import-key-pair` wrote: PKCS#8 in a secretbox of NaCl, under a key that scrypt makes of
 * the password. Undefined where the password is another. Throws where it is no such JSON. https://github.com/secure-systems-lab/go-securesystemslib/tree/main/encrypted
 */
export function decryptCosignKey(json: string, password: string): KeyObject | undefined {
  const { kdf, cipher, ciphertext } = v.parse(encryptedKey, JSON.parse(json));
  const { N, r, p } = kdf.params;
  const key = scryptSync(password, kdf.salt, nacl.secretbox.keyLength, { N, r, p, maxmem: memoryBytes });
  const der = nacl.secretbox.open(ciphertext, cipher.nonce, key);
  return der === null ? undefined : createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
}
