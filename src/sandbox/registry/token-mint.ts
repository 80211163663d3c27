import { createHmac, timingSafeEqual } from 'node:crypto';

/** https://distribution.github.io/distribution/spec/auth/scope/ */
export interface AccessScope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface TokenClaims {
  readonly subject: string;
  readonly access: readonly AccessScope[];
}

export interface TokenMintOptions {
  /** `http://127.0.0.1:PORT` of the registry. */
  readonly origin: string;
  /** The registry's own name in tokens and challenges. */
  readonly service: string;
  readonly secret: Buffer;
  readonly lifetimeMs: number;
  readonly now: () => Date;
}

/** Makes and reads the registry's own tokens: JSON Web Tokens (RFC 7519), as ACR's and Distribution's are, with an HMAC of this run. */
export class TokenMint {
  readonly origin: string;
  readonly service: string;
  readonly lifetimeMs: number;
  readonly #secret: Buffer;
  readonly #now: () => Date;

  constructor({ origin, service, secret, lifetimeMs, now }: TokenMintOptions) {
    this.origin = origin;
    this.service = service;
    this.lifetimeMs = lifetimeMs;
    this.#secret = secret;
    this.#now = now;
  }

  issue(use: 'access' | 'refresh', { subject, access }: TokenClaims): string {
    const seconds = Math.floor(this.#now().getTime() / 1000);
    const exp = seconds + Math.floor(this.lifetimeMs / 1000);
    const payload = { iss: this.service, aud: this.service, sub: subject, use, iat: seconds, nbf: seconds, exp, access };
    const body = `${toBase64Url({ alg: 'HS256', typ: 'JWT' })}.${toBase64Url(payload)}`;
    return `${body}.${this.#sign(body).toString('base64url')}`;
  }

  /** The claims of a token of this registry that has not expired; else undefined. */
  read(token: string, use: 'access' | 'refresh'): TokenClaims | undefined {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    const expected = this.#sign(token.slice(0, Math.max(0, end)));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return undefined;
    }
    const payload = JSON.parse(Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url').toString('utf8'));
    return payload.use === use && payload.exp * 1000 > this.#now().getTime() ? { subject: payload.sub, access: payload.access } : undefined;
  }

  #sign(body: string): Buffer {
    return createHmac('sha256', this.#secret).update(body).digest();
  }
}

/** `repository:a/b:pull,push`; undefined where it is no scope. */
export function parseScope(text: string): AccessScope | undefined {
  const match = /^([a-z]+)(?:\([a-z]+\))?:(.+):([a-z*,]+)$/.exec(text);
  const [, type, name, actions] = match ?? [];
  return type === undefined || name === undefined || actions === undefined ? undefined : { type, name, actions: actions.split(',') };
}

export function toScopeText({ type, name, actions }: AccessScope): string {
  return `${type}:${name}:${actions.join(',')}`;
}

function toBase64Url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
