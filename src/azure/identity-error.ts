import { HttpError } from '../lib/http-error.ts';
import { StepError } from '../lib/step-error.ts';
import { errorCodeOf, identityError, networkHint, quoteServer } from './azure-error.ts';
import { toRemedy } from './identity-remedy.ts';
import { toManagedIdentityError } from './managed-identity.ts';
import type { TokenCaller, TokenRequest } from './token-exchange.ts';

/** What a refusal of Entra ID or of a machine's endpoint, or the lack of an answer, means to the user, and the command that mends it. */
export function toIdentityError(error: unknown, request: TokenRequest): StepError {
  if (error instanceof StepError) return error;
  const { credential, exchange } = request;
  const { failedAttempt } = exchange;
  const own = error instanceof Error ? error.message : String(error);
  const text = !own.includes('AADSTS') && failedAttempt?.kind === 'refused' ? `${own} ${failedAttempt.body}` : own;
  const otherTenant = /not configured to acquire tokens for tenant ([\w.-]*\w)/.exec(text)?.[1];
  if (otherTenant !== undefined) return toOtherTenant(otherTenant, credential, error);
  const code = /AADSTS(\d+)/.exec(text)?.[1];
  if (code !== undefined) {
    const words = quoteServer(text.slice(text.indexOf('AADSTS')).replace(/\s*Trace ID:[\s\S]*$|","[\s\S]*$/, ''), credential.secrets);
    const { kind, hint } = toRemedy(code, text, request);
    return identityError(kind, `Cannot get a token with ${credential.description}: ${words}`, hint, error);
  }
  if (failedAttempt?.kind === 'refused') return toRefusal(failedAttempt.status, failedAttempt.body, request, error);
  return toUnreachable(failedAttempt?.kind === 'no-answer' ? failedAttempt.error : error, request);
}

function toOtherTenant(tenant: string, { description, tenantId }: TokenCaller, error: unknown): StepError {
  return identityError(
    'tenant-other',
    `Cannot get a token with ${description}: the resource belongs to tenant ${tenant}`,
    `Set azure-tenant-id to ${tenant} and azure-client-id to an application of it, or use a resource of tenant ${tenantId}.`,
    error,
  );
}

/** An answer without a code of Entra ID. */
function toRefusal(status: number, body: string, { credential, choice }: TokenRequest, error: unknown): StepError {
  const words = quoteServer(wordsOf(body), credential.secrets);
  if (choice.kind === 'managed-identity') return toManagedIdentityError(status, body, choice.clientId, words);
  const { host } = new URL(credential.cloud.authorityHost);
  if (status === 429 || status === 503) {
    return identityError(
      'identity-busy',
      `Cannot get a token with ${credential.description}: ${host} is busy, and stayed so over all retries`,
      'Run again in a minute. Where it happens often, let fewer jobs sign in at once.',
      error,
    );
  }
  return identityError(
    'identity-refused',
    `Cannot get a token with ${credential.description}: ${host} answered ${status} (${words})`,
    `Those are not Entra ID's own words: see which proxy stands between this runner and ${host}, and https://azure.status.microsoft.`,
    error,
  );
}

/** The part of an answer that is meant for people. */
function wordsOf(body: string): string {
  try {
    const { error_description: description, message } = JSON.parse(body) as {
      readonly error_description?: unknown;
      readonly message?: unknown;
    };
    return [description, message].find((text) => typeof text === 'string') ?? body;
  } catch {
    return body;
  }
}

function toUnreachable(error: unknown, { credential, choice }: TokenRequest): StepError {
  // It was not Entra ID that did not answer, but who gives the token that Entra ID wants.
  if (error instanceof HttpError) {
    return identityError('identity-unreachable', `Cannot get a token with ${credential.description}: ${error.message}`, error.hint, error);
  }
  const host = choice.kind === 'managed-identity' ? 'the endpoint of this machine' : new URL(credential.cloud.authorityHost).host;
  const words = quoteServer(error instanceof Error ? error.message : String(error), credential.secrets);
  if (choice.kind === 'managed-identity') {
    return identityError(
      'managed-identity-absent',
      `Cannot get a token with ${credential.description}: ${host} does not answer (${words})`,
      'See whether this process may reach the address of IDENTITY_ENDPOINT, or 169.254.169.254 on a virtual machine, and run again.',
      error,
    );
  }
  return identityError(
    'identity-unreachable',
    `Cannot get a token with ${credential.description} from ${host}: ${words}`,
    networkHint(errorCodeOf(error), host),
    error,
  );
}
