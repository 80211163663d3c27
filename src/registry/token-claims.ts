import type { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';

/**
 * Actions on a repository that a token of a registry says to allow, undefined where it does not say so. For messages alone: nobody has verified it.
 * https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function readTokenActions(token: SecretValue, repository: string): readonly string[] | undefined {
  const access = readClaims(token)?.access;
  if (!Array.isArray(access)) return undefined;
  const entries = access.filter((entry) => isJsonObject(entry) && entry.type === 'repository' && entry.name === repository);
  return [...new Set(entries.flatMap((entry) => toActions(isJsonObject(entry) ? entry.actions : undefined)))];
}

/** Actions on the whole registry of Azure's refresh token. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md#azure-container-registry-token-claim-sets */
export function readTokenPermissions(token: SecretValue): readonly string[] | undefined {
  const permissions = readClaims(token)?.permissions;
  return isJsonObject(permissions) ? toActions(permissions.actions) : undefined;
}

/** How long a token holds by its own word, in seconds: by its clock, which need not be ours, where it tells when it was made. */
export function readTokenLifetime(token: SecretValue, now: Date): number | undefined {
  const { exp, iat } = readClaims(token) ?? {};
  if (typeof exp !== 'number') return undefined;
  return typeof iat === 'number' && exp > iat ? exp - iat : exp - now.getTime() / 1000;
}

function toActions(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((action): action is string => typeof action === 'string' && /^[a-z_*/]{1,40}$/.test(action)).slice(0, 20)
    : [];
}

function readClaims(token: SecretValue): JsonObject | undefined {
  try {
    const value = parseStrictJson(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url'), { maxBytes: 64 * 1024 });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
