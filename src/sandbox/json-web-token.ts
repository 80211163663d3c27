import { createHash, createPublicKey, type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto';
import { generateKeys } from './certificate.ts';
import { isJsonObject, parseJsonObject } from './exchange.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** An RSA key that signs tokens; `kid` is the same as long as the key is. */
export interface TokenKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** RFC 7517, as a JWKS lists it. */
  readonly publicJwk: JsonWebKey & { readonly kid: string };
}

export interface Token {
  readonly header: Claims;
  readonly claims: Claims;
  readonly signedText: string;
  readonly signature: Buffer;
}

export async function createTokenKey(): Promise<TokenKey> {
  const { privateKey, publicKey } = await generateKeys('RSA-2048');
  const jwk = publicKey.export({ format: 'jwk' });
  // RFC 7638: the members in this order.
  const thumbprint = JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n });
  const kid = createHash('sha256').update(thumbprint).digest('base64url');
  return { kid, privateKey, publicJwk: { ...jwk, use: 'sig', alg: 'RS256', kid } };
}

/** Signs with RS256 (RFC 7518, section 3.3), the one algorithm of Entra ID and GitHub. */
export function signToken(claims: Claims, key: TokenKey): string {
  const header = { typ: 'JWT', alg: 'RS256', x5t: key.kid, kid: key.kid };
  const signedText = `${toBase64Url(header)}.${toBase64Url(claims)}`;
  return `${signedText}.${sign('sha256', Buffer.from(signedText), key.privateKey).toString('base64url')}`;
}

/** The parts of a compact JWS with JSON claims (RFC 7519, section 7.2), nothing of it verified; undefined where it is none. */
export function parseToken(text: string): Token | undefined {
  const [head, body, signature, ...rest] = text.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) {
    return undefined;
  }
  const header = parseJsonObject(Buffer.from(head, 'base64url'));
  const claims = parseJsonObject(Buffer.from(body, 'base64url'));
  return header === undefined || claims === undefined
    ? undefined
    : { header, claims, signedText: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') };
}

/** Whether one of `keys` (a JWKS's) that the token names has signed it with RS256. */
export function isSignedBy(token: Token, keys: readonly JsonWebKey[]): boolean {
  const key = keys.find(({ kid, kty }) => kid === token.header.kid && kty === 'RSA');
  return (
    key !== undefined &&
    token.header.alg === 'RS256' &&
    verify('sha256', Buffer.from(token.signedText), createPublicKey({ key, format: 'jwk' }), token.signature)
  );
}

/** The keys of a JWKS document. */
export function toKeys(jwks: unknown): readonly JsonWebKey[] {
  return isJsonObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys.filter(isJsonObject) : [];
}

function toBase64Url(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
