import { type FailedAttempt, toClientOptions } from './client-options.ts';
import { toVaultError, type VaultRequest } from './vault-error.ts';

/** Options that every client of a vault takes. */
export type VaultOptions = ReturnType<typeof toClientOptions> & { readonly disableChallengeResourceVerification: boolean };

/** Makes one request of a vault with a client made from the given options; what it rejects with is a StepError. */
export async function askVault<T>(request: VaultRequest, ask: (options: VaultOptions) => Promise<T>): Promise<T> {
  const { vault, credential } = request;
  let failed: FailedAttempt | undefined;
  const options = toClientOptions(credential.transport, (attempt) => {
    failed = attempt;
  });
  try {
    // A stand-in's challenge names the real resource, which is not of its own domain.
    return await ask({ ...options, disableChallengeResourceVerification: vault.loopback });
  } catch (error) {
    throw toVaultError(error, request, failed);
  }
}
