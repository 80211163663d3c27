import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { CredentialChoice } from '../lib/credential-choice.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { RunProgram } from '../model/program.ts';
import { identityError } from './azure-error.ts';
import type { AzureTransport } from './client-options.ts';
import { type Cloud, cloudOf } from './cloud.ts';
import { toIdentityError } from './identity-error.ts';
import { readClaims, type TokenClaims } from './token-claims.ts';
import { openTokenClient } from './token-client.ts';
import { type TokenExchange, withExchange } from './token-exchange.ts';

export interface CredentialOptions {
  /** What else a server might quote of what it was sent, such as the header of a machine's endpoint. */
  readonly secrets?: readonly SecretValue[];
  /** Entra ID's host; default the public cloud's. */
  readonly authorityHost?: string | undefined;
  readonly transport?: AzureTransport;
  /** Starts the Azure CLI. Without it there is none. */
  readonly runProgram?: RunProgram;
  /** Called once, with the description, when the first token was given. */
  readonly onSignIn?: (description: string) => void;
}

/** The one Azure identity of a run. */
export interface AzureCredential extends TokenCredential {
  /** `undetermined`: no way in was asked for by name, and none has been found so far. */
  readonly kind: CredentialChoice['kind'] | 'undetermined';
  /** Of a managed identity and of a login of the Azure CLI known once a token was obtained. */
  readonly tenantId: string | undefined;
  readonly clientId: string | undefined;
  readonly cloud: Cloud;
  readonly transport: AzureTransport;
  /** Of the principal to which roles are granted: known once a token was obtained. */
  readonly objectId: string | undefined;
  /** What `az role assignment create --assignee-principal-type` takes. */
  readonly principalType: 'ServicePrincipal' | 'User';
  /** Kind, application, tenant and object id, for logs and errors. */
  readonly description: string;
  /** What must be taken out of any text before it is shown: secrets and tokens so far. */
  readonly secrets: ReadonlySet<string>;
  /** Rejects with a StepError of origin `identity`, or with what `fetchAssertion` rejected with. */
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken>;
}

/** Checks the inputs and gives the credential; nothing is loaded, read or asked for before the first token. Throws a StepError of origin `input`. */
export function openCredential(choice: CredentialChoice, options: CredentialOptions = {}): AzureCredential {
  const cloud = parseCloud(options.authorityHost);
  const { tenantId, clientId } = { tenantId: undefined, clientId: undefined, ...choice };
  if (tenantId !== undefined && !tenantPattern.test(tenantId)) {
    throw badInput('azure-tenant-id', tenantId, 'the GUID or domain name of a tenant');
  }
  if (clientId !== undefined && !guidPattern.test(clientId)) {
    throw badInput('azure-client-id', clientId, 'the GUID of an application (client id)');
  }
  return new EntraCredential(choice, cloud, options);
}

/** Throws a StepError of origin `input`. */
export function parseCloud(authorityHost: string | undefined): Cloud {
  const cloud = cloudOf(authorityHost);
  if (cloud !== undefined) return cloud;
  const accepted = 'an https URL of a host, such as https://login.microsoftonline.com';
  throw badInput('AZURE_AUTHORITY_HOST', authorityHost ?? '', accepted);
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

/** Renewed so long before its end; as MSAL does. */
const renewBeforeMs = 5 * 60_000;

class EntraCredential implements AzureCredential {
  readonly cloud: Cloud;
  readonly transport: AzureTransport;
  readonly #choice: CredentialChoice;
  readonly #options: CredentialOptions;
  readonly #secrets: Set<string>;
  /** By scope. MSAL keeps tokens, too, but asks for an assertion before it looks there. */
  readonly #tokens = new Map<string, AccessToken>();
  #client: Promise<TokenCredential> | undefined;
  #claims: TokenClaims | undefined;

  constructor(choice: CredentialChoice, cloud: Cloud, options: CredentialOptions) {
    this.#choice = choice;
    this.#options = options;
    this.#secrets = new Set(options.secrets?.map((secret) => secret.reveal()));
    this.cloud = cloud;
    this.transport = options.transport ?? {};
  }

  get kind() {
    return this.#choice.kind;
  }

  get tenantId() {
    return ('tenantId' in this.#choice ? this.#choice.tenantId : undefined) ?? this.#claims?.tid;
  }

  get clientId() {
    return ('clientId' in this.#choice ? this.#choice.clientId : undefined) ?? this.#claims?.appid;
  }

  get objectId() {
    return this.#claims?.oid;
  }

  get principalType() {
    return this.#claims?.scp === undefined ? 'ServicePrincipal' : 'User';
  }

  get secrets(): ReadonlySet<string> {
    return this.#secrets;
  }

  get description() {
    const { tenantId, objectId } = this;
    const tenant = tenantId === undefined ? '' : ` in tenant ${tenantId}`;
    return `${toSubjectText(this.#choice)}${tenant}${objectId === undefined ? '' : `, object id ${objectId}`}`;
  }

  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const key = [scopes].flat().join(' ');
    const isPlain = options.claims === undefined && [undefined, this.tenantId].includes(options.tenantId);
    const known = this.#tokens.get(key);
    if (isPlain && known !== undefined && (known.refreshAfterTimestamp ?? known.expiresOnTimestamp - renewBeforeMs) > Date.now())
      return known;
    const exchange: TokenExchange = { secrets: this.#secrets };
    try {
      const token = await withExchange(exchange, async () => {
        this.#client ??= openTokenClient(this.#choice, this.cloud, this.transport, this.#secrets, this.#options.runProgram);
        return (await this.#client).getToken(scopes, options);
      });
      if (token === null) throw new Error('no token was given');
      this.#tokens.set(key, token);
      this.#keep(token.token);
      return token;
    } catch (error) {
      const failure = exchange.failure ?? error;
      if (failure instanceof StepError) throw failure;
      throw toIdentityError(failure, { credential: this, choice: this.#choice, exchange, scopes });
    }
  }

  #keep(token: string): void {
    const isFirst = this.#claims === undefined;
    this.#secrets.add(token);
    this.#claims = readClaims(token);
    if (isFirst) this.#options.onSignIn?.(this.description);
  }
}

function toSubjectText(choice: CredentialChoice): string {
  switch (choice.kind) {
    case 'client-secret':
      return `client secret of application ${choice.clientId}${toRouteText(choice)}`;
    case 'client-certificate':
      return `client certificate of application ${choice.clientId}${toRouteText(choice)}`;
    case 'federated':
      return `federated credential of application ${choice.clientId}${toRouteText(choice)}`;
    case 'managed-identity':
      return `${choice.clientId === undefined ? 'managed identity of this machine' : `managed identity ${choice.clientId}`}${toRouteText(choice)}`;
    case 'azure-cli':
      return 'login of the Azure CLI';
  }
}

function toRouteText({ via }: Exclude<CredentialChoice, { readonly kind: 'azure-cli' }>): string {
  switch (via?.kind) {
    case 'service-connection':
      return ` (service connection ${via.id})`;
    case 'kubernetes':
      return ' (workload identity of Kubernetes)';
    default:
      return '';
  }
}
