import type { SigningSettings, SigstoreSettings } from '../inputs/settings.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import type { TrustedRoot } from '../sign/cosign/trusted-root.ts';
import type { WitnessedSigner } from '../sign/cosign/witness.ts';
import { signatureError } from '../sign/signature-error.ts';
import { sigstoreAudience } from '../sign/sigstore/audience.ts';
import type { SigstoreServices } from '../sign/sigstore/signing-config.ts';
import { readBytes } from './resources.ts';
import type { Environment, World } from './world.ts';

/** What certificates and logs are held against: the file of the input trusted-root, else that of the public instance. Rejects with a StepError. */
export async function openSigstoreRoot(file: string | undefined, workspace: string): Promise<TrustedRoot> {
  const { openPublicRoot } = await import('../sign/sigstore/public-root.ts');
  const { parseTrustedRoot } = await import('../sign/cosign/trusted-root.ts');
  return file === undefined
    ? openPublicRoot()
    : parseTrustedRoot(JSON.stringify(file), await readBytes('trusted-root', file, workspace, true));
}

/** Who signs by the identity of the run. Asks for a token, so that a run that is given none ends before its work. Rejects with a StepError. */
export async function openIdentitySigner(
  { sigstore, cosignFormat }: Pick<SigningSettings, 'sigstore' | 'cosignFormat'>,
  workspace: string,
  { http, now, random, sleep, cancelled, environment }: World,
): Promise<WitnessedSigner> {
  const services = await openServices(sigstore, cosignFormat, workspace, now());
  const isPublic = new URL(services.fulcioUrl).host === publicFulcio;
  if (!isPublic && sigstore.trustedRoot === undefined)
    throw signatureError(
      'trusted-root',
      `Cannot sign without a key: ${services.fulcioUrl} is no service of the public instance, and there is no trusted root of another one`,
      'Give the trusted_root.json of the instance in the input trusted-root.',
    );
  const fetchIdentityToken = findTokens(sigstore, isPublic, environment);
  const root = await openSigstoreRoot(sigstore.trustedRoot, workspace);
  await fetchIdentityToken(sigstoreAudience);
  const { openKeyless } = await import('../sign/sigstore/keyless-signer.ts');
  return openKeyless({
    services,
    root,
    fetchIdentityToken,
    http: (request) => http({ ...request, signal: cancelled }),
    retry: { now, random, sleep },
  });
}

const publicFulcio = 'fulcio.sigstore.dev';

async function openServices(
  { services }: SigstoreSettings,
  format: SigningSettings['cosignFormat'],
  workspace: string,
  now: Date,
): Promise<SigstoreServices> {
  if (services.kind === 'urls') {
    const { fulcioUrl, rekorUrl } = services;
    return { fulcioUrl, logs: [{ url: rekorUrl, version: 1 }], timestampUrls: [] };
  }
  const { parseSigningConfig } = await import('../sign/sigstore/signing-config.ts');
  const bytes = await readBytes('signing-config', services.file, workspace, true);
  // Layers of cosign 2 have no place for entries of the second version.
  return parseSigningConfig(JSON.stringify(services.file), bytes, now, format === 'bundle' ? [1, 2] : [1]);
}

/** GitHub gives tokens for any audience. Those of a service connection are for Entra ID, which an instance of one's own may take as well. */
function findTokens(
  { serviceConnection }: SigstoreSettings,
  isPublic: boolean,
  { fetchIdentityToken, openServiceConnection }: Environment,
): (audience: string) => Promise<SecretValue> {
  if (fetchIdentityToken !== undefined) return fetchIdentityToken;
  if (openServiceConnection === undefined)
    throw noToken(
      'this run is given no identity token that Sigstore could certify',
      'On GitHub give the job `permissions: id-token: write`; pull requests from forks never get one. In a shell name a key in the input signing-key.',
    );
  if (isPublic)
    throw noToken(
      'the public instance of Sigstore takes no tokens of Azure Pipelines',
      'Name a key in the input signingKey, or an instance of your own that takes tokens of your service connection (fulcioUrl or signingConfig).',
    );
  const choice = serviceConnection === undefined ? undefined : openServiceConnection(serviceConnection).choice;
  if (choice?.kind === 'federated') return choice.fetchAssertion;
  throw noToken(
    'no service connection with workload identity federation is given',
    'Name one in the input azureServiceConnection: its token says who this run is.',
  );
}

function noToken(reason: string, hint: string) {
  return signatureError('no-identity-token', `Cannot sign without a key: ${reason}`, hint);
}
