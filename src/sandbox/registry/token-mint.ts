import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** https://distribution.github.io/distribution/spec/auth/scope/ */
export interface AccessScope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface TokenClaims {
  readonly subject: string;
  readonly access: readonly AccessScope[];
  /** Of a refresh token: rights on the registry as a whole. */
  readonly registryWide?: readonly string[];
}

export interface TokenMintOptions {
  /** `http://127.0.0.1:PORT` of the registry. */
  readonly origin: string;
  /** The registry's own name in tokens and challenges. */
  readonly service: string;
  readonly secret: Buffer;
  readonly lifetimeMs: number;
  readonly refreshLifetimeMs: number;
  /** Requests that a token is good for. */
  readonly uses: Readonly<Record<TokenUse, number>>;
  readonly now: () => Date;
}

export type TokenUse = 'access' | 'refresh';

/** Makes and reads the registry's own tokens: JSON Web Tokens (RFC 7519), as ACR's and Distribution's are, with an HMAC of this run. */
export class TokenMint {
  readonly origin: string;
  readonly service: string;
  readonly lifetimeMs: number;
  readonly #secret: Buffer;
  readonly #refreshLifetimeMs: number;
  readonly #uses: Readonly<Record<TokenUse, number>>;
  /** By token. */
  readonly #used = new Map<string, number>();
  readonly #now: () => Date;

  constructor({ origin, service, secret, lifetimeMs, refreshLifetimeMs, uses, now }: TokenMintOptions) {
    this.origin = origin;
    this.service = service;
    this.lifetimeMs = lifetimeMs;
    this.#refreshLifetimeMs = refreshLifetimeMs;
    this.#uses = uses;
    this.#secret = secret;
    this.#now = now;
  }

  /** No two are alike. */
  issue(use: TokenUse, { subject, access, registryWide = [] }: TokenClaims): string {
    const seconds = Math.floor(this.#now().getTime() / 1000);
    const exp = seconds + Math.floor((use === 'access' ? this.lifetimeMs : this.#refreshLifetimeMs) / 1000);
    const times = { iat: seconds, nbf: seconds, exp, jti: randomUUID() };
    // https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md#azure-container-registry-token-claim-sets
    const permissions = use === 'refresh' ? { permissions: { actions: registryWide, notActions: [] } } : {};
    const payload = { iss: this.service, aud: this.service, sub: subject, grant_type: `${use}_token`, ...times, access, ...permissions };
    const body = `${toBase64Url({ alg: 'HS256', typ: 'JWT' })}.${toBase64Url(payload)}`;
    return `${body}.${this.#sign(body).toString('base64url')}`;
  }

  /** The claims of a token of this registry that has not expired; else undefined. It is used by that. */
  read(token: string, use: TokenUse): TokenClaims | undefined {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    const expected = this.#sign(token.slice(0, Math.max(0, end)));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return undefined;
    }
    const payload = JSON.parse(Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url').toString('utf8'));
    const used = (this.#used.get(token) ?? 0) + 1;
    this.#used.set(token, used);
    const isGood = payload.grant_type === `${use}_token` && payload.exp * 1000 > this.#now().getTime() && used <= this.#uses[use];
    return isGood ? { subject: payload.sub, access: payload.access } : undefined;
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
