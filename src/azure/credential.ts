import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import { identityError } from './azure-error.ts';
import { type AzureTransport, type FailedAttempt, toClientOptions } from './client-options.ts';
import { type Cloud, cloudOf } from './cloud.ts';
import { toIdentityError } from './identity-error.ts';
import { readClaims, type TokenClaims } from './token-claims.ts';

/** How the step proves who it is. */
export type CredentialChoice =
  | { readonly kind: 'client-secret'; readonly tenantId: string; readonly clientId: string; readonly clientSecret: SecretValue }
  | {
      readonly kind: 'federated';
      readonly tenantId: string;
      readonly clientId: string;
      /** A token of the host's issuer for `audience`; asked for anew whenever Entra ID is. */
      readonly fetchAssertion: (audience: string) => Promise<SecretValue>;
    };

export interface CredentialOptions {
  /** Entra ID's host; default the public cloud's. */
  readonly authorityHost?: string | undefined;
  readonly transport?: AzureTransport;
}

/** The one Azure identity of a run. */
export interface AzureCredential extends TokenCredential {
  readonly kind: CredentialChoice['kind'];
  readonly tenantId: string;
  readonly clientId: string;
  readonly cloud: Cloud;
  readonly transport: AzureTransport;
  /** Of the service principal, to which roles are granted: known once a token was obtained. */
  readonly objectId: string | undefined;
  /** Kind, application, tenant and object id, for logs and errors. */
  readonly description: string;
  /** What must be taken out of any text before it is shown: secrets and tokens so far. */
  readonly secrets: ReadonlySet<string>;
  /** Rejects with a StepError of origin `identity`, or with what `fetchAssertion` rejected with. */
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken>;
}

/** Checks the inputs and gives the credential; nothing is loaded or asked for before the first token. Throws a StepError of origin `input`. */
export function openCredential(choice: CredentialChoice, options: CredentialOptions = {}): AzureCredential {
  const cloud = cloudOf(options.authorityHost);
  if (cloud === undefined) {
    throw badInput(
      'AZURE_AUTHORITY_HOST',
      options.authorityHost ?? '',
      'an https URL of a host, such as https://login.microsoftonline.com',
    );
  }
  if (!tenantPattern.test(choice.tenantId)) throw badInput('azure-tenant-id', choice.tenantId, 'the GUID or domain name of a tenant');
  if (!guidPattern.test(choice.clientId)) throw badInput('azure-client-id', choice.clientId, 'the GUID of an application (client id)');
  return new EntraCredential(choice, cloud, options.transport ?? {});
}

const guidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const tenantPattern = /^[0-9a-z](?:[0-9a-z.-]{0,252}[0-9a-z])?$/i;

function badInput(input: string, value: string, accepted: string): StepError {
  return identityError(
    'bad-identity',
    `Cannot use ${input} ${JSON.stringify(value)}: it is not ${accepted}`,
    `Set ${input} to ${accepted}.`,
  );
}

class EntraCredential implements AzureCredential {
  readonly cloud: Cloud;
  readonly transport: AzureTransport;
  readonly #choice: CredentialChoice;
  readonly #secrets = new Set<string>();
  #inner: Promise<TokenCredential> | undefined;
  #objectId: string | undefined;
  #assertion: Promise<string> | undefined;
  #claims: TokenClaims | undefined;
  #assertionFailure: unknown;
  #failedAttempt: FailedAttempt | undefined;

  constructor(choice: CredentialChoice, cloud: Cloud, transport: AzureTransport) {
    this.#choice = choice;
    this.cloud = cloud;
    this.transport = transport;
  }

  get kind() {
    return this.#choice.kind;
  }

  get tenantId() {
    return this.#choice.tenantId;
  }

  get clientId() {
    return this.#choice.clientId;
  }

  get objectId() {
    return this.#objectId;
  }

  get secrets(): ReadonlySet<string> {
    return this.#secrets;
  }

  get description() {
    const kind = this.kind === 'client-secret' ? 'client secret' : 'federated credential';
    const objectId = this.#objectId === undefined ? '' : `, object id ${this.#objectId}`;
    return `${kind} of application ${this.clientId} in tenant ${this.tenantId}${objectId}`;
  }

  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    this.#assertion = undefined;
    this.#assertionFailure = undefined;
    this.#failedAttempt = undefined;
    try {
      this.#inner ??= this.#open();
      const token = await (await this.#inner).getToken(scopes, options);
      if (token === null) throw new Error('no token was given');
      this.#secrets.add(token.token);
      this.#objectId = readClaims(token.token).oid ?? this.#objectId;
      return token;
    } catch (error) {
      if (this.#assertionFailure instanceof StepError) throw this.#assertionFailure;
      throw toIdentityError(error, { credential: this, assertion: this.#claims, failedAttempt: this.#failedAttempt, scopes });
    }
  }

  async #open(): Promise<TokenCredential> {
    const choice = this.#choice;
    const { ClientAssertionCredential, ClientSecretCredential } = await import('@azure/identity');
    const options = {
      authorityHost: this.cloud.authorityHost,
      disableInstanceDiscovery: !this.cloud.isMicrosoft,
      ...toClientOptions(this.transport, (attempt) => {
        this.#failedAttempt = attempt;
      }),
    };
    if (choice.kind === 'federated') {
      return new ClientAssertionCredential(choice.tenantId, choice.clientId, () => this.#fetchAssertion(choice.fetchAssertion), options);
    }
    const secret = choice.clientSecret.reveal();
    this.#secrets.add(secret).add(encodeURIComponent(secret));
    return new ClientSecretCredential(choice.tenantId, choice.clientId, secret, options);
  }

  /** MSAL asks several times for one token, and keeps of an error its text alone. */
  #fetchAssertion(fetchAssertion: (audience: string) => Promise<SecretValue>): Promise<string> {
    this.#assertion ??= fetchAssertion(this.cloud.tokenExchangeAudience).then(
      (assertion) => {
        const text = assertion.reveal();
        this.#secrets.add(text);
        this.#claims = readClaims(text);
        return text;
      },
      (error: unknown) => {
        this.#assertionFailure = error;
        throw error;
      },
    );
    return this.#assertion;
  }
}
