import { type AccessTokenClaims, TokenRefused } from '../entra/access-token.ts';
import type { ReceivedRequest } from '../exchange.ts';
import { type ObjectKind, toVaultRefusal, type VaultError, vaultErrors } from './error.ts';

/** A data-plane permission, as access policies name them; `secrets/readMetadata` is one of roles alone. */
export type VaultPermission = 'secrets/get' | 'secrets/readMetadata' | 'keys/get' | 'keys/sign' | 'certificates/get';

/** Actions that role definitions name (https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault). */
const actions: Readonly<Record<VaultPermission, string>> = {
  'secrets/get': 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
  'secrets/readMetadata': 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
  'keys/get': 'Microsoft.KeyVault/vaults/keys/read',
  'keys/sign': 'Microsoft.KeyVault/vaults/keys/sign/action',
  'certificates/get': 'Microsoft.KeyVault/vaults/certificates/read',
};

export const vaultResource = 'https://vault.azure.net';

/** Who may do what, and from where. */
export interface VaultAccess {
  /** The vault's name, in messages. */
  readonly name: string;
  readonly location: string;
  /** Grants by object id. */
  readonly grants: Readonly<Record<string, readonly VaultPermission[]>>;
  /** Whether grants are role assignments or access policies: the refusals differ. */
  readonly model: 'rbac' | 'policy';
  /** `firewall`: the caller's address is not among those allowed. `private`: public network access is disabled. */
  readonly network: 'open' | 'firewall' | 'private';
  /** Whether trusted services of Azure would pass: the refusals are worded differently. */
  readonly bypass: 'AzureServices' | 'None';
}

interface TokenVerifier {
  readonly url: string;
  readonly tenantId: string;
  verifyToken(token: string, audience: string): Promise<AccessTokenClaims>;
}

/** The caller, or the 401 with the challenge that tells the client where to get a token. */
export async function authenticate(request: ReceivedRequest, entra: TokenVerifier): Promise<AccessTokenClaims> {
  const challenge = { 'www-authenticate': `Bearer authorization="${entra.url}/${entra.tenantId}", resource="${vaultResource}"` };
  const [scheme, token, ...rest] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined || token === '' || rest.length > 0) {
    throw toVaultRefusal(vaultErrors.unauthorized('AKV10000: Request is missing a Bearer or PoP token.'), challenge);
  }
  try {
    return await entra.verifyToken(token, vaultResource);
  } catch (error) {
    if (error instanceof TokenRefused) {
      throw toVaultRefusal(vaultErrors.unauthorized(toTokenMessage(error, entra.tenantId)), challenge);
    }
    throw error;
  }
}

/** Throws the 403 of the network, then that of the missing grant. Existence is not told to whom it does not concern. */
export function authorize(access: VaultAccess, caller: AccessTokenClaims, permission: VaultPermission, name: string): void {
  const fault = findNetworkFault(access, caller) ?? findGrantFault(access, caller, permission, name);
  if (fault !== undefined) {
    throw toVaultRefusal(fault);
  }
}

function findNetworkFault({ network, bypass, name, location }: VaultAccess, caller: AccessTokenClaims): VaultError | undefined {
  const where = `Vault: ${name};location=${location}`;
  const who = `Caller: ${describeCaller(caller)}`;
  switch (network) {
    case 'open':
      return undefined;
    case 'firewall':
      return {
        status: 403,
        code: 'Forbidden',
        message: `Client address is not authorized and caller ${bypass === 'None' ? 'was ignored because bypass is set to None' : 'is not a trusted service.'}\r\nClient address: 127.0.0.1\r\n${who}\r\n${where}`,
        innerCode: 'ForbiddenByFirewall',
      };
    case 'private':
      return {
        status: 403,
        code: 'Forbidden',
        message:
          bypass === 'None'
            ? "Connection is not an approved private link and caller was ignored because bypass is not set to 'AzureServices' and PublicNetworkAccess is set to 'Disabled'.\r\n" +
              `${who}\r\n${where}`
            : `Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\n${who}\r\n${where}`,
        innerCode: 'ForbiddenByConnection',
      };
  }
}

function findGrantFault(access: VaultAccess, caller: AccessTokenClaims, permission: VaultPermission, name: string): VaultError | undefined {
  if (access.grants[caller.oid]?.includes(permission) === true) {
    return undefined;
  }
  const [kind, operation] = permission.split('/') as [ObjectKind, string];
  if (access.model === 'policy') {
    return {
      status: 403,
      code: 'Forbidden',
      message: `The user, group or application '${describeCaller(caller)}' does not have ${kind} ${operation} permission on key vault '${access.name};location=${access.location}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
      innerCode: 'ForbiddenByPolicy',
    };
  }
  const scope = `/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/sandbox/providers/microsoft.keyvault/vaults/${access.name}`;
  const lines = [
    'Caller is not authorized to perform action on resource.',
    'If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.',
    `Caller: ${describeCaller(caller)}`,
    `Action: '${actions[permission]}'`,
    `Resource: '${scope}/${kind}/${name}'`,
    'Assignment: (not found)',
    'DenyAssignmentId: null',
    'DecisionReason: null ',
    `Vault: ${access.name};location=${access.location}`,
    '',
  ];
  return { status: 403, code: 'Forbidden', message: lines.join('\r\n'), innerCode: 'ForbiddenByRbac' };
}

function describeCaller({ appid, oid, tid }: AccessTokenClaims): string {
  return `appid=${appid};oid=${oid};iss=https://sts.windows.net/${tid}/`;
}

function toTokenMessage({ reason, found }: TokenRefused, tenantId: string): string {
  switch (reason) {
    case 'audience':
      return `AKV10022: Invalid audience. Expected ${vaultResource}, found: ${found}.`;
    case 'issuer':
      return `AKV10032: Invalid issuer. Expected one of https://sts.windows.net/${tenantId}/, found ${found}.`;
    case 'expired':
      return '[TokenExpired] Error validating token: IDX10223';
    case 'signature':
      return 'AKV10046: Unable to resolve the key used for signature validation.';
    case 'malformed':
      return '[BearerReadAccessTokenFailed] Error validating token: IDX12741';
  }
}
