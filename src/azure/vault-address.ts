import { vaultError } from './azure-error.ts';
import { type Cloud, isLoopback, vaultSuffixes } from './cloud.ts';

export interface VaultAddress {
  /** `https://HOST`, without a trailing slash. */
  readonly url: string;
  /** As az calls it. */
  readonly name: string;
  /** A stand-in on this machine: its host does not end like the resource that its tokens are for. */
  readonly loopback: boolean;
}

/** Reads the input `key-vault`: a name, in the credential's cloud, or the https URL of a vault in any. Throws a StepError of origin `input`. */
export function parseVaultAddress(text: string, cloud: Cloud): VaultAddress {
  if (!text.includes('://')) {
    const name = text.includes('.') ? undefined : text;
    if (name === undefined) return parseVaultAddress(`https://${text}`, cloud);
    if (!namePattern.test(name))
      throw refused(text, 'it is no name of a vault (3 to 24 letters, digits and single hyphens, a letter first)');
    return { url: `https://${name.toLowerCase()}.${cloud.vaultSuffix}`, name: name.toLowerCase(), loopback: false };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refused(text, 'it is no URL');
  if (url.protocol !== 'https:') throw refused(text, 'only https is spoken to a vault');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw refused(text, 'only the host of the vault belongs there');
  }
  if (isLoopback(url)) return { url: url.origin, name: url.host, loopback: true };
  if (/(?:^|\.)managedhsm\./.test(url.hostname)) {
    throw vaultError(
      'bad-vault',
      `Cannot use key-vault ${JSON.stringify(text)}: it is a Managed HSM, and this version knows key vaults only`,
      'Use a key vault of the tier premium: its keys of type RSA-HSM and EC-HSM are kept in a hardware module, too, and it holds certificates and secrets, which a Managed HSM does not.',
    );
  }
  const suffix = vaultSuffixes.find((candidate) => url.hostname.endsWith(`.${candidate}`));
  const name = suffix && url.hostname.slice(0, -suffix.length - 1);
  if (name === undefined || !namePattern.test(name) || url.port !== '') {
    throw refused(text, `its host is none of NAME.${vaultSuffixes.join(', NAME.')}`);
  }
  return { url: url.origin, name, loopback: false };
}

/** What tokens for a vault are issued for: that of its own cloud. */
export function toVaultResource(vault: VaultAddress, cloud: Cloud): string {
  const suffix = vaultSuffixes.find((candidate) => new URL(vault.url).hostname.endsWith(`.${candidate}`));
  return `https://${suffix ?? cloud.vaultSuffix}`;
}

/** Throws a StepError of origin `input`; what passes may stand in a URL and in a command. */
export function verifyObjectName(kind: string, name: string, version: string | undefined): void {
  if (!objectNamePattern.test(name)) {
    throw vaultError(
      'bad-object-name',
      `Cannot read ${kind} ${JSON.stringify(name)}: it is no name of one`,
      `Give the name of a Key Vault ${kind}: 1 to 127 letters, digits and hyphens.`,
    );
  }
  if (version !== undefined && !versionPattern.test(version)) {
    throw vaultError(
      'bad-object-name',
      `Cannot read version ${JSON.stringify(version)} of ${kind} ${name}: it is no version`,
      'A version has 32 hexadecimal digits; leave it out for the current one.',
    );
  }
}

/** https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers */
const objectNamePattern = /^[0-9A-Za-z-]{1,127}$/;
const versionPattern = /^[0-9a-f]{32}$/i;
const namePattern = /^(?!.*--)[a-z][0-9a-z-]{1,22}[0-9a-z]$/i;

function refused(text: string, reason: string) {
  return vaultError(
    'bad-vault',
    `Cannot use key-vault ${JSON.stringify(text)}: ${reason}`,
    'Set key-vault to the name of a vault or to its URL, https://NAME.vault.azure.net; az keyvault list --query "[].name" lists yours.',
  );
}
