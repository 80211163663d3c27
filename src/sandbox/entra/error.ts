import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Answer, Refusal, toJsonAnswer } from '../exchange.ts';

/** What a refusal of Entra ID says besides ids and times. */
export interface EntraError {
  /** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
  readonly code: number;
  /** RFC 6749, section 5.2, and Entra ID's additions. */
  readonly error:
    | 'invalid_request'
    | 'invalid_client'
    | 'unauthorized_client'
    | 'invalid_resource'
    | 'invalid_scope'
    | 'invalid_grant'
    | 'unsupported_grant_type'
    | 'temporarily_unavailable';
  readonly text: string;
}

const seeFederation = 'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
const checkAssertion = 'Check your federated identity credential Subject, Audience and Issuer against the presented assertion.';

/** The refusals that a client-credentials request meets, with Entra ID's own words. */
export const entraErrors = {
  unknownTenant: (tenant: string) => ({
    code: 90002,
    error: 'invalid_request' as const,
    text: `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  }),
  unknownApplication: (clientId: string, directory: string) => ({
    code: 700016,
    error: 'unauthorized_client' as const,
    text: `Application with identifier '${clientId}' was not found in the directory '${directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  }),
  wrongSecret: (clientId: string) => ({
    code: 7000215,
    error: 'invalid_client' as const,
    text: `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  }),
  expiredSecret: (clientId: string) => ({
    code: 7000222,
    error: 'invalid_client' as const,
    text: `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
  }),
  noCredential: () => ({
    code: 7000216,
    error: 'invalid_client' as const,
    text: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  }),
  missingParameter: (name: string) => ({
    code: 900144,
    error: 'invalid_request' as const,
    text: `The request body must contain the following parameter: '${name}'.`,
  }),
  unsupportedGrant: (grant: string) => ({
    code: 70003,
    error: 'unsupported_grant_type' as const,
    text: `The app requested an unsupported grant type '${grant}'.`,
  }),
  unknownResource: (resource: string, directory: string) => ({
    code: 500011,
    error: 'invalid_resource' as const,
    text: `The resource principal named ${resource} was not found in the tenant named ${directory}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  }),
  scopeWithoutDefault: (scope: string) => ({
    code: 1002012,
    error: 'invalid_scope' as const,
    text: `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  }),
  malformedAssertion: () => ({ code: 50027, error: 'invalid_request' as const, text: 'JWT token is invalid or malformed.' }),
  unsignedAssertion: () => ({
    code: 50013,
    error: 'invalid_client' as const,
    text: 'Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]',
  }),
  issuerUnreachable: () => ({ code: 50166, error: 'invalid_request' as const, text: 'Request to External OIDC endpoint failed.' }),
  assertionOutOfTime: (now: Date, from: Date, to: Date) => ({
    code: 700024,
    error: 'invalid_client' as const,
    text: `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, assertion valid from ${from.toISOString()}, expiry time of assertion ${to.toISOString()}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`,
  }),
  assertionAudience: (audience: string) => ({
    code: 700023,
    error: 'invalid_client' as const,
    text: `Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials . Audience: '${audience}'.`,
  }),
  unknownKey: (thumbprint: string, clientId: string) =>
    invalidSignature(
      'The key was not found.',
      `Thumbprint of key used by client: '${thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${clientId}'.`,
    ),
  wrongKey: (thumbprint: string, from: Date, to: Date) =>
    invalidSignature('Key was found, but use of the key to verify the signature failed.', foundKey(thumbprint, from, to)),
  expiredKey: (thumbprint: string, from: Date, to: Date) => invalidSignature('The key used is expired.', foundKey(thumbprint, from, to)),
  disabledApplication: (clientId: string) => ({
    code: 7000112,
    error: 'unauthorized_client' as const,
    text: `Application '${clientId}'(image-custody) is disabled.`,
  }),
  blockedByPolicy: () => ({
    code: 53003,
    error: 'invalid_grant' as const,
    text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  }),
  noConsent: (clientId: string) => ({
    code: 65001,
    error: 'invalid_grant' as const,
    text: `The user or administrator has not consented to use the application with ID '${clientId}' named 'image-custody'. Send an interactive authorization request for this user and resource.`,
  }),
  throttled: () => ({
    code: 90055,
    error: 'temporarily_unavailable' as const,
    text: 'The tenant has exceeded the maximum request rate. Please wait and retry.',
  }),
  noFederation: (issuer: string, subject: string, audience: string) => ({
    code: 70021,
    error: 'invalid_request' as const,
    text: `No matching federated identity record found for presented assertion. Assertion Issuer: '${issuer}'. Assertion Subject: '${subject}'. Assertion Audience: '${audience}'. ${seeFederation}`,
  }),
  wrongIssuer: (issuer: string) => mismatch(700211, `issuer '${issuer}'`),
  wrongAudience: (audience: string) => mismatch(700212, `audience '${audience}'`),
  wrongSubject: (subject: string) => mismatch(700213, `subject '${subject}'`),
  wrongSubjectCase: (subject: string) => ({
    code: 7002138,
    error: 'invalid_client' as const,
    text: `No matching federated identity record found for presented assertion subject '${subject}'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. ${checkAssertion} ${seeFederation}`,
  }),
} satisfies Record<string, (...details: never[]) => EntraError>;

/** The refusal as the token endpoint words it. */
export function toEntraRefusal(error: EntraError, url: string, headers: IncomingHttpHeaders, now: Date): Refusal {
  return new Refusal(toEntraAnswer(error, url, headers, now));
}

function toEntraAnswer({ code, error, text }: EntraError, url: string, headers: IncomingHttpHeaders, now: Date): Answer {
  const traceId = randomUUID();
  const asked = headers['client-request-id'];
  const correlationId = typeof asked === 'string' ? asked : randomUUID();
  const timestamp = now.toISOString().replace('T', ' ').replace(/\.\d+/, '');
  const description = `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return toJsonAnswer(statusOf(error), {
    error,
    error_description: description,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `${url}/error?code=${code}`,
  });
}

/** RFC 6749, section 5.2: 401 where the client's authentication failed, else 400. */
function statusOf(error: EntraError['error']): number {
  if (error === 'temporarily_unavailable') {
    return 429;
  }
  return error === 'invalid_client' ? 401 : 400;
}

function invalidSignature(reason: string, details: string): EntraError {
  return {
    code: 700027,
    error: 'invalid_client',
    text: `Client assertion contains an invalid signature. [Reason - ${reason}, ${details}]`,
  };
}

function foundKey(thumbprint: string, from: Date, to: Date): string {
  return `Thumbprint of key used by client: '${thumbprint}', Found key 'Start=${from.toISOString()}, End=${to.toISOString()}'`;
}

function mismatch(code: number, what: string): EntraError {
  return {
    code,
    error: 'invalid_client',
    text: `No matching federated identity record found for presented assertion ${what}. ${checkAssertion} ${seeFederation}`,
  };
}
