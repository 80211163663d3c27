import type { SigningChain } from '../../src/sandbox/certificate.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../src/sandbox/key-vault.ts';
import { type Directory, objectId } from './directory.ts';

const dayMs = 86_400_000;

/** All that a run may need of a vault. */
export const everything = ['secrets/get', 'secrets/readMetadata', 'keys/get', 'keys/sign', 'certificates/get'] as const;

/** A vault with a secret, a bare key (`key-…`) and a certificate (`cert-…`) in each state, named by it. */
export async function startVaultOfStates(directory: Directory, chain: SigningChain, options: Partial<KeyVaultOptions>): Promise<KeyVault> {
  const states = {
    sound: {},
    disabled: { enabled: false },
    expired: { expires: new Date(Date.now() - dayMs) },
    early: { notBefore: new Date(Date.now() + dayMs) },
    deleted: { deleted: true },
  };
  const named = Object.entries(states).map(([name, state]) => ({ name, tags: { team: 'shop' }, ...state }));
  const { privateKey } = chain.keys;
  return startKeyVault({
    entra: directory.entra,
    tls: await directory.authority.issueTls(),
    grants: { [objectId]: everything },
    secrets: named.map((object) => ({ ...object, value: 'a value', contentType: 'text/plain' })),
    keys: named.map((object) => ({ ...object, name: `key-${object.name}`, privateKey })),
    certificates: named.map((object) => ({ ...object, name: `cert-${object.name}`, privateKey, chain: chain.certificates })),
    ...options,
  });
}
