import { mapParallel } from '../lib/parallel.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import { type VaultErrorCode, vaultError } from './azure-error.ts';
import type { AzureCredential } from './credential.ts';
import { tellDeleted } from './deleted-object.ts';
import { toVaultResource, type VaultAddress, verifyObjectName } from './vault-address.ts';
import { refusal, type VaultRequest, verifyUsable } from './vault-error.ts';
import { askVault } from './vault-exchange.ts';

export interface SecretName {
  readonly name: string;
  /** Undefined: the current one. */
  readonly version: string | undefined;
}

/** So many connections to the vault at once. */
const atOnce = 8;

/** A secret, and until when it may be used, where somebody has said so. */
export interface DatedSecret {
  readonly value: SecretValue;
  readonly expires: Date | undefined;
}

/** A secret that may be used now. Rejects with a StepError of origin `vault` or `identity`. */
export async function readSecret(
  vault: VaultAddress,
  credential: AzureCredential,
  now: () => Date,
  { name, version }: SecretName,
): Promise<DatedSecret> {
  verifyObjectName('secret', name, version);
  const request = { vault, credential, kind: 'secret', name, operation: 'get' } as const satisfies VaultRequest;
  const { SecretClient } = await import('@azure/keyvault-secrets');
  const { value, properties } = await askVault(request, (options) =>
    new SecretClient(vault.url, credential, options).getSecret(name, version === undefined ? {} : { version }),
  ).catch((error: unknown) =>
    tellDeleted(request, version, error, (options) => new SecretClient(vault.url, credential, options).getDeletedSecret(name)),
  );
  verifyUsable(request, properties, now());
  if (value === undefined) throw refusal(request, noValue);
  return { value: new SecretValue(value), expires: properties.expiresOn };
}

const noValue = { kind: 'object-missing', reason: 'it has no value', hint: 'Store a value as a new version of the secret.' } as const;

/** The values of secrets, in their order, read side by side. Rejects once all were tried: with the one failure there was, or one that tells each. */
export async function readSecrets(
  vault: VaultAddress,
  credential: AzureCredential,
  now: () => Date,
  names: readonly SecretName[],
): Promise<readonly SecretValue[]> {
  // One token for all, of the kind that the SDK asks for: each read would ask for its own, before any has got one.
  if (names.length > 1) await credential.getToken(`${toVaultResource(vault, credential.cloud)}/.default`, { enableCae: true });
  const outcomes = await mapParallel(names, atOnce, (name) =>
    readSecret(vault, credential, now, name).catch((error: unknown) => {
      if (error instanceof StepError) return error;
      throw error;
    }),
  );
  const failures = outcomes.flatMap((outcome, at) =>
    outcome instanceof StepError ? [{ error: outcome, name: names[at]?.name ?? '' }] : [],
  );
  const [first] = failures;
  if (first !== undefined) throw toOneError(first, failures, names.length, vault, credential);
  return outcomes.flatMap((outcome) => (outcome instanceof StepError ? [] : [outcome.value]));
}

interface Failure {
  readonly error: StepError;
  readonly name: string;
}

/** What keeps the run from every secret of the vault alike. */
const codesOfVault: readonly VaultErrorCode[] = [
  'vault-unknown',
  'vault-unreachable',
  'vault-unauthorized',
  'vault-firewall',
  'vault-private',
  'vault-throttled',
  'vault-unavailable',
];

function toOneError(
  first: Failure,
  failures: readonly Failure[],
  count: number,
  vault: VaultAddress,
  credential: AzureCredential,
): StepError {
  const isCommon = ({ error }: Failure): boolean => error.origin === 'identity' || codesOfVault.includes(error.code as VaultErrorCode);
  if (failures.length === 1 || failures.every((failure) => isCommon(failure) && failure.error.code === first.error.code))
    return first.error;
  const number = (texts: readonly string[]): string => texts.map((text, at) => `(${at + 1}) ${text}`).join(' ');
  const reasons = failures.map(({ error, name }) => `"${name}": ${toReason(error, credential)} [${error.code}];`);
  const hints = failures.map(({ error }) => error.hint);
  return vaultError(
    'secrets-unreadable',
    `Cannot read ${failures.length} of the ${count} secrets of vault ${vault.name} with ${credential.description}: ${number(reasons).replace(/;$/, '')}`,
    new Set(hints).size === 1 ? (hints[0] ?? '') : number(hints),
  );
}

/** What an error says besides who tried what. */
function toReason({ message }: StepError, { description }: AzureCredential): string {
  const intro = `with ${description}: `;
  const at = message.indexOf(intro);
  return at < 0 ? message : message.slice(at + intro.length);
}
