import type { HttpResponse } from '../lib/http.ts';
import { HttpError } from '../lib/http-error.ts';
import { redact } from '../lib/redaction.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import { isAzureRegistry, type RegistryCredential, toAzureName } from './credential.ts';
import { grantHint, isCredentialRefused, lacksRights, missingGrant, type RegistryAction } from './missing-grant.ts';
import { RegistryError, type RegistryErrorCode } from './registry-error.ts';

/** `retryAfterMs`: as long as the answer asks to wait. */
export function toRegistryError(
  action: RegistryAction,
  response: Pick<HttpResponse, 'status' | 'body'>,
  retryAfterMs?: number,
): RegistryError {
  const { status } = response;
  const isIncomplete = (status === 400 || status === 404) && errorCodes(response.body).some((word) => incompleteCodes.includes(word));
  const { code, hint } = isIncomplete ? incomplete : (explainFirewall(action, response) ?? explain(action, status));
  const words = quoteErrors(response.body, action.credential);
  return new RegistryError({
    code,
    status,
    message: `cannot ${action.verb}: ${action.registry.name} answered ${status}${words === '' ? '' : ` (${words})`}`,
    hint,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(status === 401 || status === 403 ? { missing: missingGrant(action) } : {}),
  });
}

/** For an exchange without a whole answer; what is not of the connection is given back as it is. */
export function toConnectionError(action: Pick<RegistryAction, 'verb'>, error: unknown): unknown {
  if (!(error instanceof HttpError)) return error;
  return new RegistryError({ code: 'unreachable', message: `cannot ${action.verb}: ${error.message}`, hint: error.hint, cause: error });
}

/** Error codes of the distribution specification that an answer holds, upper case. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
export function errorCodes(body: Uint8Array): readonly string[] {
  return readErrors(body).flatMap(({ code }) => (typeof code === 'string' ? [code.toUpperCase()] : []));
}

/** What a manifest names is not there (MANIFEST_BLOB_UNKNOWN is the specification's word, BLOB_UNKNOWN what some registries say). */
const incompleteCodes: readonly string[] = ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN'];
const incomplete: { readonly code: RegistryErrorCode; readonly hint: string } = {
  code: 'blob-unknown',
  hint: 'Run the step again; where it happens again, look at what deletes blobs of this repository while images are pushed to it.',
};

/** https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-access: "client with IP '203.0.113.7' is not allowed access". */
function explainFirewall({ registry }: RegistryAction, { status, body }: Pick<HttpResponse, 'status' | 'body'>) {
  if (status !== 403 || !isAzureRegistry(registry.name)) return undefined;
  const texts = readErrors(body).map(({ message }) => (typeof message === 'string' ? message : ''));
  const address = texts
    .map((text) => /client with IP '?([0-9a-f.:]+)'? is not allowed/i.exec(text)?.[1])
    .find((found) => found !== undefined);
  if (address === undefined) return undefined;
  const name = toAzureName(registry.name);
  return {
    code: 'registry-firewall',
    hint: `Run on a runner in a network that the registry allows, or add this one: az acr network-rule add --name ${name} --ip-address ${address}. A role would not help.`,
  } as const;
}

function explain(action: RegistryAction, status: number): { readonly code: RegistryErrorCode; readonly hint: string } {
  const { registry } = action;
  switch (true) {
    case isCredentialRefused(action, status):
      return { code: 'credential-refused', hint: grantHint({ ...action, step: 'login' }) };
    case status === 401 && lacksRights(action):
      return { code: 'forbidden', hint: grantHint(action) };
    case status === 401:
      return { code: 'unauthorized', hint: grantHint(action) };
    case status === 403:
      return { code: 'forbidden', hint: grantHint({ ...action, step: 'request', isKnown: true }) };
    case status === 404:
      return {
        code: 'not-found',
        hint: 'Check the name of the repository, tag or digest; some registries want a repository to be created first.',
      };
    case status === 429:
      return {
        code: 'throttled',
        hint: `${registry.name} limits the rate of requests; try again later, or log in where you are anonymous.`,
      };
    case status === 415:
      return {
        code: 'refused',
        hint: `${registry.name} does not take this form of image. Registries that take OCI images alone (zot, where docker2s2 is off) take what docker buildx build --output type=oci,dest=app.tar writes: image oci-archive:app.tar.`,
      };
    // Success, where there is none of what comes with it.
    case status < 300:
      return { code: 'answer-invalid', hint: `Check that ${registry.name} is a container registry, and any proxy before it.` };
    // 408 is what gateways give up with.
    case status >= 500 || status === 408:
      return { code: 'server-error', hint: `${registry.name} has a fault of its own; try again, and look at its status page or log.` };
    default:
      return { code: 'refused', hint: `Look up what ${registry.name} says, and check that it takes images of this size and kind.` };
  }
}

/** The registry's own words on one line of at most 300 characters; what might be a credential that it echoes is left out. */
function quoteErrors(body: Uint8Array, credential: RegistryCredential): string {
  const words = readErrors(body)
    .slice(0, 3)
    .map(({ code, message }) => [code, message].filter((part) => typeof part === 'string' && part !== '').join(': '))
    .filter((text) => text !== '')
    .join('; ');
  const secrets =
    credential.kind === 'password'
      ? [credential.password.reveal()]
      : credential.kind === 'identity-token'
        ? [credential.token.reveal()]
        : [];
  const oneLine = redact(words, secrets)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/(?:Bearer|Basic) +\S+|eyJ[\w-]+(?:\.[\w-]*)*/gi, '***')
    .trim();
  return oneLine.length > 300 ? `${oneLine.slice(0, 300)}…` : oneLine;
}

function readErrors(body: Uint8Array): readonly JsonObject[] {
  try {
    const answer = parseStrictJson(body, { maxBytes: 64 * 1024 });
    const errors = isJsonObject(answer) ? answer.errors : undefined;
    return Array.isArray(errors) ? errors.filter((error) => isJsonObject(error)) : [];
  } catch {
    return [];
  }
}
