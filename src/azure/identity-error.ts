import { StepError } from '../lib/step-error.ts';
import { errorCodeOf, type IdentityErrorCode, identityError, networkHint, quoteServer, shellWord } from './azure-error.ts';
import type { FailedAttempt } from './client-options.ts';
import type { Cloud } from './cloud.ts';
import type { TokenClaims } from './token-claims.ts';

/** Who asks: the parts of an AzureCredential that a message names. */
export interface TokenCaller {
  readonly description: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly cloud: Cloud;
  readonly secrets: ReadonlySet<string>;
}

export interface TokenRequest {
  readonly credential: TokenCaller;
  /** Claims of the token that was presented, where one was. */
  readonly assertion: TokenClaims | undefined;
  /** The last attempt that failed, where one did: MSAL's own errors say less. */
  readonly failedAttempt: FailedAttempt | undefined;
  readonly scopes: string | readonly string[];
}

/** What Entra ID's refusal, or the lack of an answer, means to the user, and the command that mends it. */
export function toIdentityError(error: unknown, request: TokenRequest): StepError {
  if (error instanceof StepError) return error;
  const { credential, failedAttempt } = request;
  const own = error instanceof Error ? error.message : String(error);
  const text = !own.includes('AADSTS') && failedAttempt?.kind === 'refused' ? `${own} ${failedAttempt.body}` : own;
  const otherTenant = /not configured to acquire tokens for tenant ([\w.-]+)/.exec(text)?.[1];
  if (otherTenant !== undefined) {
    return identityError(
      'tenant-other',
      `Cannot get a token with ${credential.description}: the resource belongs to tenant ${otherTenant}`,
      `Set azure-tenant-id to ${otherTenant} and azure-client-id to an application of it, or use a resource of tenant ${credential.tenantId}.`,
      error,
    );
  }
  const code = /AADSTS(\d+)/.exec(text)?.[1];
  if (code === undefined) return toUnreachable(failedAttempt?.kind === 'no-answer' ? failedAttempt.error : error, request);
  const words = quoteServer(text.slice(text.indexOf('AADSTS')).replace(/\s*Trace ID:[\s\S]*$|","[\s\S]*$/, ''), credential.secrets);
  const { kind, hint } = toRemedy(code, text, request);
  return identityError(kind, `Cannot get a token with ${credential.description}: ${words}`, hint, error);
}

interface Remedy {
  readonly kind: IdentityErrorCode;
  readonly hint: string;
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
function toRemedy(code: string, text: string, { credential, assertion, scopes }: TokenRequest): Remedy {
  const { clientId, tenantId } = credential;
  switch (code) {
    case '700016':
      return {
        kind: 'application-unknown',
        hint: `Check azure-client-id and azure-tenant-id: az ad sp show --id ${clientId} must find the application in tenant ${tenantId}; az ad sp create --id ${clientId} adds it there.`,
      };
    case '7000215':
      return {
        kind: 'client-secret-wrong',
        hint: `Store the secret's value, not its id. A new one: az ad app credential reset --id ${clientId} --append. Better: federate the pipeline, which needs no secret.`,
      };
    case '7000222':
      return {
        kind: 'client-secret-expired',
        hint: `Make a new secret: az ad app credential reset --id ${clientId} --append --years 1. Better: federate the pipeline, which needs no secret.`,
      };
    case '90002':
    case '900023':
      return {
        kind: 'tenant-unknown',
        hint: 'Check azure-tenant-id: az account show --query tenantId --output tsv prints that of your login. Other clouds are chosen with AZURE_AUTHORITY_HOST.',
      };
    case '500011':
      return {
        kind: 'resource-unknown',
        hint: `Tenant ${tenantId} does not know the resource of ${[scopes].flat().join(' ')}: see whether the tenant is the right one and the cloud is that of the resource.`,
      };
    case '700024':
      return {
        kind: 'assertion-refused',
        hint: 'The presented token is too old or from the future: set the clock of the runner and run again.',
      };
    case '50013':
    case '50027':
    case '50166':
      return {
        kind: 'assertion-refused',
        hint: 'Entra ID could not verify the token that the pipeline presented: its issuer must be reachable from the internet and its keys be published.',
      };
    default:
      if (/^70021\d{0,2}$/.test(code)) return toFederationRemedy(text, clientId, assertion, credential.cloud.tokenExchangeAudience);
      return {
        kind: 'identity-refused',
        hint: `${credential.cloud.authorityHost}/error?code=${code} explains the refusal; az ad app show --id ${clientId} shows the application.`,
      };
  }
}

function toFederationRemedy(text: string, clientId: string, assertion: TokenClaims | undefined, audience: string): Remedy {
  const issuer = assertion?.iss ?? presented('issuer', text) ?? 'https://token.actions.githubusercontent.com';
  const subject = assertion?.sub ?? presented('subject', text) ?? 'SUBJECT';
  const parameters = JSON.stringify({ name: 'image-custody', issuer, subject, audiences: [audience] });
  return {
    kind: 'federation-missing',
    hint:
      `Let this pipeline stand for the application (case counts): az ad app federated-credential create --id ${clientId} --parameters ${shellWord(parameters)}. ` +
      `az ad app federated-credential list --id ${clientId} shows what is there.`,
  };
}

/** `Assertion Subject: 'x'` (70021) and `assertion subject 'x'` (700213). */
function presented(what: string, text: string): string | undefined {
  return new RegExp(`assertion ${what}:? '([^']*)'`, 'i').exec(text)?.[1];
}

function toUnreachable(error: unknown, { credential }: TokenRequest): StepError {
  const host = new URL(credential.cloud.authorityHost).host;
  const words = quoteServer(error instanceof Error ? error.message : String(error), credential.secrets);
  return identityError(
    'identity-unreachable',
    `Cannot get a token with ${credential.description} from ${host}: ${words}`,
    networkHint(errorCodeOf(error), host),
    error,
  );
}
