import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { Http } from '../../lib/http.ts';
import type { RetryOptions } from '../../lib/retry.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { signatureForm } from '../../lib/signature-algorithm.ts';
import { verifyCertified } from '../cosign/certificate-verification.ts';
import { readCertificateIdentity } from '../cosign/identity.ts';
import type { TrustedRoot } from '../cosign/trusted-root.ts';
import type { Witness, WitnessedSigner } from '../cosign/witness.ts';
import { sigstoreAudience } from './audience.ts';
import { type KeyPair, requestCertificate } from './fulcio.ts';
import { logSignature } from './rekor.ts';

export interface KeylessOptions {
  /** URLs of the instance's certificate authority and log, without a slash at their end. */
  readonly fulcioUrl: string;
  readonly rekorUrl: string;
  /** What verifiers of the instance trust. */
  readonly root: TrustedRoot;
  /** Says who this run is, to whom asks for the audience. */
  readonly fetchIdentityToken: (audience: string) => Promise<SecretValue>;
  readonly http: Http;
  readonly retry: RetryOptions;
}

/** A certificate holds for ten minutes; the log's clock may go differently. */
const leastTimeLeftMs = 2 * 60_000;

/**
 * To be imported where it is needed alone, for it loads the verifier of Sigstore. Signs without a key that anybody keeps: by one that is made now and never leaves this process, for which Sigstore certifies whose run it was. Nothing is asked of
 * Sigstore before the first signature.
 */
export function openKeyless(options: KeylessOptions): WitnessedSigner {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    description: `the identity of this run, by ${options.fulcioUrl}`,
    keptIn: 'memory',
    algorithm: 'ES256',
    publicKey: keys.publicKey.export({ type: 'spki', format: 'der' }),
    certificateChain: [],
    sign: async (message, form = 'ES256') => sign('sha256', message, { key: keys.privateKey, ...signatureForm(form) }),
    witness: openWitness(options, keys),
  };
}

function openWitness({ fulcioUrl, rekorUrl, root, fetchIdentityToken, http, retry }: KeylessOptions, keys: KeyPair): Witness {
  const fulcio = { name: 'the certificate authority', url: fulcioUrl, http, retry };
  const rekor = { name: 'the log', url: rekorUrl, http, retry };
  const request = async () => requestCertificate(fulcio, await fetchIdentityToken(sigstoreAudience), keys);
  // All signatures of some minutes are by one certificate; several ask for it at once.
  let current: Promise<readonly Buffer[]> | undefined;
  const renew = async (previous: typeof current) => {
    const held = await previous;
    return held !== undefined && timeLeftMs(held, retry.now()) >= leastTimeLeftMs ? held : request();
  };
  return {
    certify: () => {
      current = renew(current);
      return current;
    },
    testify: (signed) => logSignature(rekor, signed),
    verify: async (certified) => {
      const { issuer, subjects } = readCertificateIdentity(certified.certificate);
      const identity = { issuer: { kind: 'exact', text: issuer }, subject: { kind: 'exact', text: subjects[0] ?? '' } } as const;
      verifyCertified(certified, [identity], root);
    },
  };
}

function timeLeftMs([leaf = Buffer.alloc(0)]: readonly Buffer[], now: Date): number {
  return Date.parse(new X509Certificate(leaf).validTo) - now.getTime();
}
