import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { TransparencyLogEntry } from '@sigstore/bundle';
import type { Http } from '../../lib/http.ts';
import type { RetryOptions } from '../../lib/retry.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { signatureForm } from '../../lib/signature-algorithm.ts';
import { StepError } from '../../lib/step-error.ts';
import { verifyCertified } from '../cosign/certificate-verification.ts';
import { readCertificateIdentity } from '../cosign/identity.ts';
import type { TrustedRoot } from '../cosign/trusted-root.ts';
import type { Witness, WitnessedSignature, WitnessedSigner } from '../cosign/witness.ts';
import { signatureError } from '../signature-error.ts';
import { requestTimestamp } from '../timestamp/authority.ts';
import { sigstoreAudience } from './audience.ts';
import { type KeyPair, requestCertificate } from './fulcio.ts';
import { logSignature } from './rekor.ts';
import type { SigstoreLog, SigstoreServices } from './signing-config.ts';
import { logTiled } from './tiled-log.ts';

export interface KeylessOptions {
  readonly services: SigstoreServices;
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
    description: `the identity of this run, by ${options.services.fulcioUrl}`,
    keptIn: 'memory',
    algorithm: 'ES256',
    publicKey: keys.publicKey.export({ type: 'spki', format: 'der' }),
    certificateChain: [],
    sign: async (message, form = 'ES256') => sign('sha256', message, { key: keys.privateKey, ...signatureForm(form) }),
    witness: openWitness(options, keys),
  };
}

function openWitness(options: KeylessOptions, keys: KeyPair): Witness {
  const { services, root, fetchIdentityToken, http, retry } = options;
  const fulcio = { name: 'the certificate authority', url: services.fulcioUrl, http, retry };
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
    testify: async (signed) => {
      const [tlogEntries, timestamps] = await Promise.all([
        Promise.all(services.logs.map((log) => enterInLog(log, signed, options))),
        Promise.all(services.timestampUrls.map((url) => stamp(new URL(url), signed, options))),
      ]);
      return { tlogEntries, timestamps };
    },
    verify: async (certified) => {
      const { issuer, subjects } = readCertificateIdentity(certified.certificate);
      const identity = { issuer: { kind: 'exact', text: issuer }, subject: { kind: 'exact', text: subjects[0] ?? '' } } as const;
      const { passedOver } = verifyCertified(certified, [identity], root);
      if (passedOver > 0)
        throw signatureError(
          'certified-signature',
          'Cannot attach the signature: the trusted root does not name each log and authority of time that vouches for it',
          'Give the trusted root of the same Sigstore instance as the signing configuration.',
        );
    },
  };
}

function enterInLog(
  { url, version }: SigstoreLog,
  signed: WitnessedSignature,
  { http, retry }: KeylessOptions,
): Promise<TransparencyLogEntry> {
  const service = { name: 'the log', url, http, retry };
  return version === 1 ? logSignature(service, signed) : logTiled(service, signed);
}

async function stamp(url: URL, { signature, stamped = signature }: WitnessedSignature, session: KeylessOptions): Promise<Buffer> {
  const { answer } = await requestTimestamp(url, stamped, 'ES256', session).catch((error: unknown) => {
    if (!(error instanceof StepError)) throw error;
    throw signatureError(
      'sigstore-refused',
      error.message,
      'Nothing was attached. Run the step again, or name another authority in the signing configuration.',
    );
  });
  return answer;
}

function timeLeftMs([leaf = Buffer.alloc(0)]: readonly Buffer[], now: Date): number {
  return Date.parse(new X509Certificate(leaf).validTo) - now.getTime();
}
