import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** Tokens as CNCF Distribution wants them (https://distribution.github.io/distribution/spec/auth/jwt/). */
export interface TokenIssuer {
  readonly issuer: string;
  /** The set of its public keys. */
  readonly keys: object;
  /** A token for scopes as `repository:NAME:ACTIONS`. No two are alike. */
  issue(service: string, scopes: readonly string[], expiresAt: Date): string;
}

export function createTokenIssuer(): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    issuer: 'issuer',
    keys: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] },
    issue(service, scopes, expiresAt) {
      const access = scopes
        .map((scope) => scope.split(':'))
        .map(([type, name, actions = '']) => ({ type, name, actions: actions.split(',') }));
      const seconds = Math.floor(Date.now() / 1000);
      const times = { exp: Math.floor(expiresAt.getTime() / 1000), nbf: seconds - 5, iat: seconds };
      const claims = { iss: 'issuer', sub: 'robot', aud: service, ...times, jti: randomUUID(), access };
      const input = `${encode({ alg: 'ES256', typ: 'JWT', kid: 'k1' })}.${encode(claims)}`;
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}
