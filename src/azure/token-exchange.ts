import { AsyncLocalStorage } from 'node:async_hooks';
import type { CredentialChoice } from '../lib/credential-choice.ts';
import type { FailedAttempt } from './client-options.ts';
import type { Cloud } from './cloud.ts';
import type { TokenClaims } from './token-claims.ts';

/** What happens while one token is asked for: the SDK keeps of an error its text alone, and for managed identities one client for the whole process. */
export interface TokenExchange {
  /** Of the credential; tokens on the way are added. */
  readonly secrets: Set<string>;
  /** The other issuer's token: MSAL asks several times for one token of Entra ID. */
  assertion?: Promise<string>;
  /** Of the assertion. */
  claims?: TokenClaims;
  /** Why there was nothing to ask Entra ID with. */
  failure?: unknown;
  /** The last attempt, where it failed. */
  failedAttempt?: FailedAttempt | undefined;
}

const exchanges = new AsyncLocalStorage<TokenExchange>();

/** Runs `ask` so that whatever it calls finds `exchange`. */
export function withExchange<Result>(exchange: TokenExchange, ask: () => Promise<Result>): Promise<Result> {
  return exchanges.run(exchange, ask);
}

/** That of the token which is asked for here. */
export function currentExchange(): TokenExchange {
  const exchange = exchanges.getStore();
  if (exchange === undefined) throw new Error('no token is asked for');
  return exchange;
}

/** Who asks: the parts of an AzureCredential that a message names. */
export interface TokenCaller {
  readonly description: string;
  readonly tenantId: string | undefined;
  readonly clientId: string | undefined;
  readonly cloud: Cloud;
  readonly secrets: ReadonlySet<string>;
}

export interface TokenRequest {
  readonly credential: TokenCaller;
  readonly choice: CredentialChoice;
  readonly exchange: TokenExchange;
  readonly scopes: string | readonly string[];
}
