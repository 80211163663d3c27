import { type Answer, Refusal, toJsonAnswer } from '../exchange.ts';
import type { Fault } from '../fault.ts';

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes; the messages as the service words them. */
export interface VaultError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly innerCode?: string;
}

export type ObjectKind = 'secrets' | 'keys' | 'certificates';

/** The word for one object of a kind. */
export const singular = { secrets: 'secret', keys: 'key', certificates: 'certificate' } as const;

const innerWord = { secrets: 'Secret', keys: 'Key', certificates: 'Certificate' } as const;

export function toVaultRefusal(error: VaultError, headers: Readonly<Record<string, string>> = {}): Refusal {
  return new Refusal(toVaultAnswer(error, headers));
}

function toVaultAnswer({ status, code, message, innerCode }: VaultError, headers: Readonly<Record<string, string>>): Answer {
  const inner = innerCode === undefined ? {} : { innererror: { code: innerCode } };
  return toJsonAnswer(status, { error: { code, message, ...inner } }, headers);
}

export const vaultErrors = {
  unauthorized: (message: string): VaultError => ({ status: 401, code: 'Unauthorized', message }),
  badParameter: (message: string): VaultError => ({ status: 400, code: 'BadParameter', message }),
  notFound: (kind: ObjectKind, name: string): VaultError => ({
    status: 404,
    code: `${innerWord[kind]}NotFound`,
    message: `A ${singular[kind]} with (name/id) ${name} was not found in this key vault. If you recently deleted this ${singular[kind]} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  }),
  deletedNotFound: (kind: ObjectKind, name: string): VaultError => ({
    status: 404,
    code: `${innerWord[kind]}NotFound`,
    message: `Deleted ${innerWord[kind]} not found: ${name}`,
  }),
  disabled: (kind: ObjectKind, operation: string): VaultError => ({
    status: 403,
    code: 'Forbidden',
    message: `Operation ${operation} is not allowed on a disabled ${singular[kind]}.`,
    innerCode: `${innerWord[kind]}Disabled`,
  }),
  expired: (kind: ObjectKind, operation: string): VaultError => ({
    status: 403,
    code: 'Forbidden',
    message: `Operation ${operation} is not allowed on an expired ${singular[kind]}.`,
    innerCode: `${innerWord[kind]}Expired`,
  }),
  notYetValid: (kind: ObjectKind, operation: string): VaultError => ({
    status: 403,
    code: 'Forbidden',
    message: `Operation ${operation} is not allowed on a ${singular[kind]} that is not yet valid.`,
    innerCode: `${innerWord[kind]}NotYetValid`,
  }),
  operationForbidden: (operation: string): VaultError => ({
    status: 403,
    code: 'Forbidden',
    message: `Operation ${operation} is not permitted on this key.`,
    innerCode: 'KeyOperationForbidden',
  }),
};

/** The answer of a vault that has had too many requests (https://learn.microsoft.com/azure/key-vault/general/overview-throttling). */
export function throttled(retryAfterSeconds?: number): Fault {
  const message = 'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached';
  return {
    status: 429,
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
    body: { error: { code: 'Throttled', message } },
  };
}

/** The answer of a vault that is out of service for a while. */
export function unavailable(retryAfterSeconds?: number): Fault {
  const message = 'Service is temporarily unavailable. Please retry the request.';
  return {
    status: 503,
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
    body: { error: { code: 'ServiceUnavailable', message } },
  };
}
