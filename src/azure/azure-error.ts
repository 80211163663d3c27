import { redact } from '../lib/redaction.ts';
import { StepError } from '../lib/step-error.ts';

export type IdentityErrorCode =
  | 'bad-identity'
  | 'application-unknown'
  | 'client-secret-wrong'
  | 'client-secret-expired'
  | 'federation-missing'
  | 'assertion-refused'
  | 'tenant-unknown'
  | 'tenant-other'
  | 'resource-unknown'
  | 'principal-disabled'
  | 'conditional-access'
  | 'consent-missing'
  | 'clock-skew'
  | 'client-certificate-invalid'
  | 'client-certificate-unknown'
  | 'client-certificate-expired'
  | 'token-file-expired'
  | 'managed-identity-absent'
  | 'managed-identity-missing'
  | 'managed-identity-ambiguous'
  | 'managed-identity-busy'
  | 'managed-identity-refused'
  | 'azure-cli-missing'
  | 'azure-cli-login'
  | 'azure-cli-expired'
  | 'azure-cli-tenant'
  | 'azure-cli-refused'
  | 'no-identity'
  | 'identity-busy'
  | 'identity-refused'
  | 'identity-unreachable';

export type VaultErrorCode =
  | 'bad-vault'
  | 'bad-object-name'
  | 'vault-unknown'
  | 'vault-unreachable'
  | 'vault-unauthorized'
  | 'vault-role-missing'
  | 'vault-policy-missing'
  | 'vault-firewall'
  | 'vault-private'
  | 'vault-throttled'
  | 'vault-unavailable'
  | 'vault-refused'
  | 'secrets-unreadable'
  | 'object-missing'
  | 'object-deleted'
  | 'object-disabled'
  | 'object-expired'
  | 'object-not-yet-valid'
  | 'key-type'
  | 'key-operation'
  | 'key-mismatch'
  | 'incomplete-chain'
  | 'certificate-unreadable'
  | 'wrong-signature';

/** Every error of this folder that is about who the step is. */
export function identityError(code: IdentityErrorCode, message: string, hint: string, cause?: unknown): StepError<IdentityErrorCode> {
  const origin = code === 'bad-identity' || code === 'client-certificate-invalid' ? 'input' : 'identity';
  return new StepError({ code, origin, message, hint, cause: toCause(cause) });
}

/** Every error of this folder that is about a vault and what is in it. */
export function vaultError(code: VaultErrorCode, message: string, hint: string, cause?: unknown): StepError<VaultErrorCode> {
  const origin = code === 'bad-vault' || code === 'bad-object-name' ? 'input' : 'vault';
  return new StepError({ code, origin, message, hint, cause: toCause(cause) });
}

/** What of an error of the SDK may be kept: never the error, for it holds its request, and with it tokens. */
function toCause(
  error: unknown,
): { readonly name: string; readonly code: string | undefined; readonly status: number | undefined } | undefined {
  if (!(error instanceof Error)) return undefined;
  return { name: error.name, code: errorCodeOf(error), status: statusOf(error) };
}

/** `ENOTFOUND`, `Forbidden`, `network_error`: whatever the SDK calls it. */
export function errorCodeOf(error: unknown): string | undefined {
  const { code, errorCode } = error as { readonly code?: unknown; readonly errorCode?: unknown };
  return typeof code === 'string' ? code : typeof errorCode === 'string' ? errorCode : undefined;
}

export function statusOf(error: unknown): number | undefined {
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

/** A server's words on one line, cut, with every secret that the step holds taken out, in whatever form. */
export function quoteServer(text: string, secrets: Iterable<string>): string {
  const quoted = redact(text, secrets)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return quoted.length > maxQuoteCharacters ? `${quoted.slice(0, maxQuoteCharacters)}…` : quoted;
}

const maxQuoteCharacters = 400;

/** A word of a shell command (POSIX), so that a hint can be pasted whatever a branch is called. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const tlsCode = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO)/;

/** What to do where no answer came. */
export function networkHint(code: string | undefined, host: string): string {
  if (code?.startsWith('PROXY_')) {
    return `Check the proxy (HTTPS_PROXY): its address, its user and password, and that it allows CONNECT to ${host}:443. Where ${host} is reached without one, put it into NO_PROXY.`;
  }
  if (code !== undefined && tlsCode.test(code)) {
    return `The certificate of ${host} is not trusted here. Where a proxy inspects TLS, put its authority into a file that NODE_EXTRA_CA_CERTS names.`;
  }
  return `See whether this runner may reach ${host} on port 443 (firewall, DNS, proxy: HTTPS_PROXY and NO_PROXY are honoured), then run again.`;
}
