import { StepError } from '../lib/step-error.ts';
import { refusal, type VaultRequest } from './vault-error.ts';
import { askVault, type VaultOptions } from './vault-exchange.ts';

/**
 * Throws in place of `error` that the object was deleted, where `error` says that it is not there and the vault has it among what was deleted. Asking
 * takes the same grant under access policies, and for a secret `readMetadata` under roles: a refusal leaves the first answer.
 */
export async function tellDeleted(
  request: VaultRequest,
  version: string | undefined,
  error: unknown,
  ask: (options: VaultOptions) => Promise<{ readonly deletedOn?: Date | undefined }>,
): Promise<never> {
  if (!(error instanceof StepError) || error.code !== 'object-missing' || version !== undefined) throw error;
  const deleted = await askVault(request, ask).catch(() => undefined);
  if (deleted === undefined) throw error;
  const { vault, kind, name } = request;
  const { deletedOn } = deleted;
  throw refusal(request, {
    kind: 'object-deleted',
    reason: `the ${kind} was deleted${deletedOn === undefined ? '' : ` at ${deletedOn.toISOString()}`}`,
    hint: `Bring it back: az keyvault ${kind} recover --vault-name ${vault.name} --name ${name}`,
  });
}
