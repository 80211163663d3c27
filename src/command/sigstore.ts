import type { SigstoreSettings } from '../inputs/settings.ts';
import type { TrustedRoot } from '../sign/cosign/trusted-root.ts';
import type { WitnessedSigner } from '../sign/cosign/witness.ts';
import { signatureError } from '../sign/signature-error.ts';
import { readBytes } from './resources.ts';
import type { World } from './world.ts';

/** What certificates and logs are held against: the file of the input trusted-root, else that of the public instance. Rejects with a StepError. */
export async function openSigstoreRoot(file: string | undefined, workspace: string): Promise<TrustedRoot> {
  const { openPublicRoot } = await import('../sign/sigstore/public-root.ts');
  const { parseTrustedRoot } = await import('../sign/cosign/trusted-root.ts');
  return file === undefined
    ? openPublicRoot()
    : parseTrustedRoot(JSON.stringify(file), await readBytes('trusted-root', file, workspace, true));
}

/** Who signs by the identity of the run. Rejects with a StepError where the host gives a run none. */
export async function openIdentitySigner(
  { fulcioUrl, rekorUrl, trustedRoot }: SigstoreSettings,
  workspace: string,
  { http, now, random, sleep, cancelled, environment: { fetchIdentityToken } }: World,
): Promise<WitnessedSigner> {
  if (fetchIdentityToken === undefined) {
    throw signatureError(
      'no-identity-token',
      'Cannot sign without a key: this run is given no identity token that Sigstore could certify',
      'On GitHub give the job `permissions: id-token: write`; pull requests from forks never get one. Other hosts have none: name a key in the input signing-key there.',
    );
  }
  const root = await openSigstoreRoot(trustedRoot, workspace);
  const { openKeyless } = await import('../sign/sigstore/keyless-signer.ts');
  const retry = { now, random, sleep };
  return openKeyless({ fulcioUrl, rekorUrl, root, fetchIdentityToken, http: (request) => http({ ...request, signal: cancelled }), retry });
}
