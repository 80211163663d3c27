/** Claims of a JSON web token that say whom it is for and from; read to be shown, never to be trusted. */
export interface TokenClaims {
  readonly iss: string | undefined;
  readonly sub: string | undefined;
  readonly aud: string | undefined;
  readonly oid: string | undefined;
  readonly tid: string | undefined;
  readonly appid: string | undefined;
  /** What a user has delegated; tokens of applications have none. */
  readonly scp: string | undefined;
  /** Seconds since 1970. */
  readonly exp: number | undefined;
}

/** Nothing is verified; a text that is no token has no claims. */
export function readClaims(token: string): TokenClaims {
  const claims = parseClaims(token.split('.')[1] ?? '');
  const read = (name: string) => {
    const value = claims[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    iss: read('iss'),
    sub: read('sub'),
    aud: read('aud'),
    oid: read('oid'),
    tid: read('tid'),
    appid: read('appid'),
    scp: read('scp'),
    exp: typeof claims.exp === 'number' ? claims.exp : undefined,
  };
}

function parseClaims(part: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
