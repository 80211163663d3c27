import { StepError } from '../lib/step-error.ts';
import { errorCodeOf, networkHint, quoteServer, statusOf, type VaultErrorCode, vaultError } from './azure-error.ts';
import { type FailedAttempt, LongWait } from './client-options.ts';
import type { AzureCredential } from './credential.ts';
import type { VaultAddress } from './vault-address.ts';

export type ObjectKind = 'secret' | 'key' | 'certificate';

/** What was asked of a vault. */
export interface VaultRequest {
  readonly vault: VaultAddress;
  readonly credential: AzureCredential;
  readonly kind: ObjectKind;
  /** Held against `objectNamePattern` before: it stands in commands. */
  readonly name: string;
  readonly operation: 'get' | 'sign';
}

/** The least of the built-in roles: https://learn.microsoft.com/azure/key-vault/general/rbac-guide#azure-built-in-roles-for-key-vault-data-plane-operations */
const roles = {
  'secret get': 'Key Vault Secrets User',
  'certificate get': 'Key Vault Reader',
  'key get': 'Key Vault Crypto User',
  'key sign': 'Key Vault Crypto User',
} as const;

/** What the failure of a request means to the user, and the command that mends it. */
export function toVaultError(error: unknown, request: VaultRequest, failed?: FailedAttempt): StepError {
  if (error instanceof StepError) return error;
  const own = error instanceof Error ? error.message : String(error);
  // The SDK stumbles over answers that are not Key Vault's own, such as a proxy's, and then says nothing of them.
  const unread = statusOf(error) === undefined && failed?.kind === 'refused' && !isChallengeError(own) ? failed : undefined;
  const text = unread?.body ?? own;
  const { kind, hint, reason } = toRemedy(unread?.status ?? statusOf(error), error, text, request);
  const words = quoteServer(text, request.credential.secrets);
  const message = `Cannot ${actionText(request)} with ${request.credential.description}: ${reason}${words === '' ? '' : ` (${words})`}`;
  return vaultError(kind, message, hint, error);
}

/** An error that is known without the vault having said it. */
export function refusal(request: VaultRequest, { kind, reason, hint }: Remedy): StepError<VaultErrorCode> {
  return vaultError(kind, `Cannot ${actionText(request)} with ${request.credential.description}: ${reason}`, hint);
}

/** Throws where the vault let an object be read that must not be used: it enforces its dates for keys alone. */
export function verifyUsable(request: VaultRequest, properties: ObjectProperties, now: Date): void {
  if (properties.enabled === false) throw refusal(request, disabled(request));
  if (properties.expiresOn !== undefined && properties.expiresOn <= now) throw refusal(request, expired(request));
  if (properties.notBefore !== undefined && properties.notBefore > now) throw refusal(request, notYetValid(request));
}

/** `read secret "x" of vault y`. */
function actionText({ operation, kind, name, vault }: Pick<VaultRequest, 'operation' | 'kind' | 'name' | 'vault'>): string {
  return `${operation === 'sign' ? 'sign with' : 'read'} ${kind} "${name}" of vault ${vault.name}`;
}

/** What the SDK says of any object. */
export interface ObjectProperties {
  readonly enabled?: boolean | undefined;
  readonly notBefore?: Date | undefined;
  readonly expiresOn?: Date | undefined;
}

interface Remedy {
  readonly kind: VaultErrorCode;
  readonly reason: string;
  readonly hint: string;
}

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes */
function toRemedy(status: number | undefined, error: unknown, text: string, request: VaultRequest): Remedy {
  if (status === undefined) return toNetworkRemedy(error, text, request);
  if (status === 401) {
    return {
      kind: 'vault-unauthorized',
      reason: 'the vault does not accept the token',
      hint: `See whether the vault belongs to tenant ${request.credential.tenantId}: az keyvault show --name ${request.vault.name} --query properties.tenantId.`,
    };
  }
  if (status === 403 && errorCodeOf(error) !== undefined) return toForbiddenRemedy(innerCodeOf(error), text, request);
  if (status === 404) return missing(request);
  if (status === 429) {
    return {
      kind: 'vault-throttled',
      reason:
        error instanceof LongWait ? 'the vault is busy for longer than a run waits' : 'the vault is busy, and stayed so over all retries',
      hint: 'Run again in a minute. Limits are per vault and ten seconds: give this pipeline a vault of its own if it happens often.',
    };
  }
  if (status >= 500 && (error instanceof LongWait || errorCodeOf(error) !== undefined)) {
    return {
      kind: 'vault-unavailable',
      reason: `the vault does not serve requests now (${status}), ${error instanceof LongWait ? 'for longer than a run waits' : 'and did not over all retries'}`,
      hint: 'Run again later; https://azure.status.microsoft tells of outages.',
    };
  }
  return {
    kind: 'vault-refused',
    reason: `the vault answered ${status} ${errorCodeOf(error) ?? ''}`.trim(),
    hint:
      errorCodeOf(error) === undefined
        ? `Those are not Key Vault's own words: see which proxy stands between this runner and ${new URL(request.vault.url).host}, and https://azure.status.microsoft.`
        : `az keyvault ${request.kind} show --vault-name ${request.vault.name} --name ${request.name} shows what is there.`,
  };
}

function toForbiddenRemedy(inner: string, text: string, request: VaultRequest): Remedy {
  const { vault, name } = request;
  const at = `--vault-name ${vault.name} --name ${name}`;
  if (inner === 'ForbiddenByFirewall' || /client address is not authorized/i.test(text)) {
    const address = /Client address: ([0-9a-f.:]+)/i.exec(text)?.[1] ?? 'RUNNER_IP';
    return {
      kind: 'vault-firewall',
      reason: "the vault's firewall does not let this runner in",
      hint: `Run on a runner in a network that the vault allows, or add this one: az keyvault network-rule add --name ${vault.name} --ip-address ${address}. A role would not help.`,
    };
  }
  if (inner === 'ForbiddenByConnection' || /private link|public network access is disabled/i.test(text)) {
    return {
      kind: 'vault-private',
      reason: 'the vault is reached over its private endpoint only',
      hint: `Run on a runner in the network of the private endpoint. A role would not help, nor a firewall rule while az keyvault show --name ${vault.name} --query properties.publicNetworkAccess says Disabled.`,
    };
  }
  if (/Disabled$/.test(inner) || /not allowed on a disabled/i.test(text)) return disabled(request);
  if (/Expired$/.test(inner) || /not allowed on an expired/i.test(text)) return expired(request);
  if (/NotYetValid$/.test(inner) || /not yet valid/i.test(text)) return notYetValid(request);
  if (inner === 'KeyOperationForbidden' || /is not permitted on this key/i.test(text)) {
    return {
      kind: 'key-operation',
      reason: 'the key may not sign',
      hint: `Allow it: az keyvault key set-attributes ${at} --ops sign verify.`,
    };
  }
  return toGrantRemedy(inner, text, request);
}

function toGrantRemedy(inner: string, text: string, request: VaultRequest): Remedy {
  const { vault, kind, name, operation, credential } = request;
  const objectId = credential.objectId ?? /\boid=([0-9a-f-]{36})/i.exec(text)?.[1] ?? 'OBJECT_ID';
  if (inner === 'AccessDenied' || inner === 'ForbiddenByPolicy' || /does not have \w+ \w+ permission/i.test(text)) {
    return {
      kind: 'vault-policy-missing',
      reason: `the vault's access policy does not grant it "${kind}s/${operation}"`,
      hint: `Grant it: az keyvault set-policy --name ${vault.name} --object-id ${objectId} --${kind}-permissions ${operation}`,
    };
  }
  const denied = /DenyAssignmentId: '?([0-9a-f-]{36})/i.exec(text)?.[1];
  if (denied !== undefined) {
    return {
      kind: 'vault-role-missing',
      reason: `the deny assignment ${denied} forbids it`,
      hint: `No role overrides that. See in the portal, at the vault under "Access control (IAM)", "Deny assignments", who has made it: az keyvault show --name ${vault.name} --query id --output tsv prints the vault's id.`,
    };
  }
  const role = roles[`${kind} ${operation}` as keyof typeof roles];
  const resource = /Resource: '(\/subscriptions\/[\w.()/-]+)'/i.exec(text)?.[1];
  const scope = resource ?? `$(az keyvault show --name ${vault.name} --query id --output tsv)/${kind}s/${name}`;
  return {
    kind: 'vault-role-missing',
    reason: `the role "${role}" is missing`,
    hint:
      `Grant it, and wait a few minutes until it holds: az role assignment create --role "${role}" --assignee-object-id ${objectId} ` +
      `--assignee-principal-type ${credential.principalType} --scope "${scope}"`,
  };
}

function disabled({ vault, kind, name }: Pick<VaultRequest, 'vault' | 'kind' | 'name'>): Remedy {
  return {
    kind: 'object-disabled',
    reason: `the ${kind} is disabled`,
    hint: `Enable it: az keyvault ${kind} set-attributes --vault-name ${vault.name} --name ${name} --enabled true, or name another version.`,
  };
}

function expired({ vault, kind, name }: Pick<VaultRequest, 'vault' | 'kind' | 'name'>): Remedy {
  const renew = { secret: 'set', key: 'rotate', certificate: 'create' }[kind];
  return {
    kind: 'object-expired',
    reason: `the ${kind} has expired`,
    hint: `Store a new version (az keyvault ${kind} ${renew} --vault-name ${vault.name} --name ${name} …)${kind === 'certificate' ? '' : `, or move the date with az keyvault ${kind} set-attributes --expires`}.`,
  };
}

function notYetValid({ vault, kind, name }: Pick<VaultRequest, 'vault' | 'kind' | 'name'>): Remedy {
  return {
    kind: 'object-not-yet-valid',
    reason: `the ${kind} is not valid yet`,
    hint: `az keyvault ${kind} show --vault-name ${vault.name} --name ${name} --query attributes.notBefore shows from when on it is; ${kind === 'certificate' ? 'wait until then' : `az keyvault ${kind} set-attributes --not-before changes that`}.`,
  };
}

function missing({ vault, kind, name }: VaultRequest): Remedy {
  return {
    kind: 'object-missing',
    reason: `there is no such ${kind}`,
    hint: `az keyvault ${kind} list --vault-name ${vault.name} --query "[].name" lists what is there; one that was deleted comes back with az keyvault ${kind} recover --vault-name ${vault.name} --name ${name}.`,
  };
}

function toNetworkRemedy(error: unknown, text: string, { vault }: VaultRequest): Remedy {
  const code = errorCodeOf(error);
  const { host } = new URL(vault.url);
  if (code === 'ENOTFOUND' || code === 'EAI_NODATA') {
    return {
      kind: 'vault-unknown',
      reason: `there is no vault at ${host}, or it was deleted`,
      hint:
        `Check key-vault: az keyvault list --query "[].name" lists yours, az keyvault list-deleted --query "[].name" those that were deleted; ` +
        `az keyvault recover --name ${vault.name} brings one back. A vault with a private endpoint only is found by the DNS of its network alone.`,
    };
  }
  if (isChallengeError(text)) {
    return {
      kind: 'vault-unauthorized',
      reason: 'what answers there asks for tokens of another resource',
      hint: `Something else than Key Vault answers at ${host}: see which proxy or DNS is between.`,
    };
  }
  if (error instanceof Error && ['TypeError', 'SyntaxError'].includes(error.name)) {
    return {
      kind: 'vault-refused',
      reason: 'what answers is not Key Vault',
      hint: `See which proxy stands between this runner and ${host}.`,
    };
  }
  return { kind: 'vault-unreachable', reason: 'no answer came', hint: networkHint(code, host) };
}

function isChallengeError(text: string): boolean {
  return /^The challenge /.test(text);
}

/** `ForbiddenByRbac` and its like, in the form of any of the three clients. */
function innerCodeOf(error: unknown): string {
  const { details } = error as { readonly details?: { readonly error?: { readonly innerError?: unknown; readonly innererror?: unknown } } };
  const inner = details?.error?.innerError ?? details?.error?.innererror;
  return typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : '';
}
