import { randomUUID } from 'node:crypto';
import { type Claims, isSignedBy, parseToken, type TokenKey } from '../json-web-token.ts';

/** Who an access token speaks for. */
export interface AccessTokenClaims extends Claims {
  readonly aud: string;
  readonly oid: string;
  readonly appid: string;
  readonly tid: string;
}

/** Why a resource refuses a token; `found` is what the token says in place of what was wanted. */
export class TokenRefused extends Error {
  readonly reason: 'malformed' | 'signature' | 'expired' | 'issuer' | 'audience';
  readonly found: string;

  constructor(reason: TokenRefused['reason'], found = '') {
    super(`token refused: ${reason}`);
    this.name = 'TokenRefused';
    this.reason = reason;
    this.found = found;
  }
}

export interface AccessTokenFields {
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly audience: string;
  /** How the application authenticated: `1` with a secret, `2` with an assertion. */
  readonly appidacr: '1' | '2';
  readonly now: Date;
  readonly lifetimeSeconds: number;
}

/** Version 1.0 tokens, as these resources ask for: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
export function toAccessClaims(fields: AccessTokenFields): AccessTokenClaims {
  const { tenantId, clientId, objectId, audience, appidacr, now, lifetimeSeconds } = fields;
  const seconds = Math.floor(now.getTime() / 1000);
  const issuer = toIssuer(tenantId);
  return {
    aud: audience,
    iss: issuer,
    iat: seconds,
    nbf: seconds,
    exp: seconds + lifetimeSeconds,
    appid: clientId,
    appidacr,
    idp: issuer,
    idtyp: 'app',
    oid: objectId,
    sub: objectId,
    tid: tenantId,
    uti: randomUUID(),
    ver: '1.0',
  };
}

/** The claims of a token that `key` signed for `audience`, or it throws TokenRefused. */
export function verifyAccessToken(
  text: string,
  { tenantId, audience, key, now }: { readonly tenantId: string; readonly audience: string; readonly key: TokenKey; readonly now: Date },
): AccessTokenClaims {
  const token = parseToken(text);
  if (token === undefined) {
    throw new TokenRefused('malformed');
  }
  if (!isSignedBy(token, [key.publicJwk])) {
    throw new TokenRefused('signature');
  }
  const claims = token.claims as AccessTokenClaims;
  if (claims.iss !== toIssuer(tenantId)) {
    throw new TokenRefused('issuer', String(claims.iss));
  }
  if (claims.aud !== audience) {
    throw new TokenRefused('audience', String(claims.aud));
  }
  if (typeof claims.exp !== 'number' || claims.exp * 1000 <= now.getTime()) {
    throw new TokenRefused('expired');
  }
  return claims;
}

function toIssuer(tenantId: string): string {
  return `https://sts.windows.net/${tenantId}/`;
}
