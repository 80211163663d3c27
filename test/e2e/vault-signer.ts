import { openKeyVault } from '../../src/azure/key-vault.ts';
import { createSigningChain, type KeyType, toChainPem } from '../../src/sandbox/certificate.ts';
import { startKeyVault } from '../../src/sandbox/key-vault.ts';
import { objectId, secretCredential, startDirectory } from '../azure/directory.ts';

/** A vault of its own with one certificate, and the signer by its key, over TLS and with the grants that signing takes. */
export async function openVaultSigner(keyType: KeyType) {
  const signing = await createSigningChain({ keyType });
  const directory = await startDirectory();
  const vault = await startKeyVault({
    entra: directory.entra,
    tls: await directory.authority.issueTls(),
    grants: { [objectId]: ['certificates/get', 'keys/sign'] },
    certificates: [{ name: 'release', privateKey: signing.keys.privateKey, chain: signing.certificates }],
  });
  const opened = openKeyVault(vault.url, secretCredential(directory), () => new Date());
  const name = { collection: 'certificates', name: 'release', version: undefined } as const;
  const signer = await opened.keySigner(name, { chain: toChainPem(signing.certificates.slice(1)) });
  return {
    signing,
    signer,
    [Symbol.asyncDispose]: async () => {
      await vault.close();
      await directory.close();
    },
  };
}
