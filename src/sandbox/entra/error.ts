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
    | 'unsupported_grant_type';
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
  // RFC 6749, section 5.2: 401 where the client's authentication failed, else 400.
  return toJsonAnswer(error === 'invalid_client' ? 401 : 400, {
    error,
    error_description: description,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `${url}/error?code=${code}`,
  });
}

function mismatch(code: number, what: string): EntraError {
  return {
    code,
    error: 'invalid_client',
    text: `No matching federated identity record found for presented assertion ${what}. ${checkAssertion} ${seeFederation}`,
  };
}
