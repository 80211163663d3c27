import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { type AzureCredential, type CredentialOptions, openCredential } from '../../src/azure/credential.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type Entra, startEntra } from '../../src/sandbox/entra.ts';
import { signToken, type TokenKey } from '../../src/sandbox/json-web-token.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const clientId = '22222222-2222-4222-8222-222222222222';
export const objectId = '33333333-3333-4333-8333-333333333333';
export const unfederatedId = '44444444-4444-4444-8444-444444444444';
export const expiredId = '55555555-5555-4555-8555-555555555555';
export const clientSecret = 'correct horse/battery+staple';
export const subject = "repo:contoso/shop:ref:refs/heads/it's; rm -rf ~";

/** Entra ID with one tenant and an issuer of pipeline tokens, over TLS on loopback. */
export interface Directory {
  readonly authority: CertificateAuthority;
  readonly entra: Entra;
  readonly issuer: string;
  readonly options: CredentialOptions;
  /** A token of the pipeline's issuer. */
  assertion(claims?: object): string;
  close(): Promise<void>;
}

export async function startDirectory(): Promise<Directory> {
  const authority = await createCertificateAuthority();
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key: TokenKey = { kid: 'k', privateKey, publicJwk: { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' } };
  const issuer = await startStandIn(
    ({ url }) => {
      const body = url.pathname === '/keys' ? { keys: [key.publicJwk] } : { issuer: url.origin, jwks_uri: `${url.origin}/keys` };
      return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
    },
    { tls: await authority.issueTls() },
  );
  const entra = await startEntra({
    tenantId,
    tls: await authority.issueTls(),
    issuerCa: authority.certificatePem,
    applications: [
      { clientId, objectId, secret: { value: clientSecret }, federated: [{ issuer: issuer.url, subject }] },
      { clientId: unfederatedId, objectId },
      { clientId: expiredId, objectId, secret: { value: clientSecret, expires: new Date(0) } },
    ],
  });
  const { agentFor } = createHttp({ userAgent: 'test', ca: [authority.certificatePem] });
  const seconds = () => Math.floor(Date.now() / 1000);
  return {
    authority,
    entra,
    issuer: issuer.url,
    options: { authorityHost: entra.url, transport: { agentFor, retryDelayMs: 1, maxRetries: 2, timeoutMs: 5000 } },
    assertion: (claims = {}) =>
      signToken(
        { iss: issuer.url, sub: subject, aud: 'api://AzureADTokenExchange', nbf: seconds() - 5, exp: seconds() + 300, ...claims },
        key,
      ),
    close: async () => {
      await entra.close();
      await issuer.close();
    },
  };
}

export function secretCredential(
  directory: Directory,
  fields: { clientId?: string; tenantId?: string; secret?: string } = {},
): AzureCredential {
  const { clientId: id = clientId, tenantId: tenant = tenantId, secret = clientSecret } = fields;
  return openCredential(
    { kind: 'client-secret', tenantId: tenant, clientId: id, clientSecret: new SecretValue(secret) },
    directory.options,
  );
}

/** The error of a promise, after looking that nothing secret is anywhere in it. */
export async function errorOf(promise: Promise<unknown>, credential?: AzureCredential): Promise<StepError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StepError)) throw new Error(`no StepError: ${inspect(error)}`);
  const everything = inspect(error, { depth: 20, showHidden: true, getters: true });
  for (const secret of [clientSecret, ...(credential?.secrets ?? [])]) {
    if (everything.includes(secret)) throw new Error('an error shows a secret');
  }
  if (/authorization['"]?:|bearer /i.test(everything)) throw new Error('an error shows a header');
  if (/[\r\n]/.test(error.message) || error.hint === '') throw new Error(`not one line with a hint: ${error.message}`);
  return error;
}
