import { signatureError } from './signature-error.ts';

/** The input `signing-key`, typed. */
export type SigningKey = KeyVaultSigningKey | FileSigningKey;

export interface KeyVaultSigningKey {
  readonly kind: 'key-vault';
  /** `certificates`: its key signs and its certificate is the leaf. `keys`: a bare key, whose chain (leaf first) is in `chainFile`. */
  readonly collection: 'certificates' | 'keys';
  /** The vault that an id names; undefined for a bare name, which is looked for in the step's vault. */
  readonly vaultUrl: string | undefined;
  readonly name: string;
  readonly version: string | undefined;
  readonly chainFile: string | undefined;
}

export interface FileSigningKey {
  readonly kind: 'file';
  readonly keyFile: string;
  /** Undefined: the certificates are in the key file. */
  readonly chainFile: string | undefined;
}

/** Throws a StepError of origin `input`. */
export function parseSigningKey(text: string): SigningKey {
  const [first, chain, ...rest] = text.split(',').map((part) => part.trim());
  if (first === undefined || first === '' || chain === '' || rest.length > 0) throw refused(text, 'it has an empty or surplus part');
  if (first.startsWith('file:')) {
    const keyFile = first.slice('file:'.length);
    if (keyFile === '') throw refused(text, 'no file is named');
    return { kind: 'file', keyFile, chainFile: chain };
  }
  if (first === 'keyless') throw refused(text, 'keyless signing is not supported');
  const key = first.includes('://') ? parseId(text, first) : parseName(text, first);
  if (key.collection === 'keys' && chain === undefined) throw refused(text, 'a key has no certificate, so a chain file is needed');
  return { ...key, chainFile: chain };
}

type KeyVaultName = Omit<KeyVaultSigningKey, 'chainFile'>;

function parseName(text: string, nameAndVersion: string): KeyVaultName {
  const match = namePattern.exec(nameAndVersion);
  if (match === null) throw refused(text, `${JSON.stringify(nameAndVersion)} is no name of a Key Vault certificate`);
  return { kind: 'key-vault', collection: 'certificates', vaultUrl: undefined, name: match[1] ?? '', version: match[2] };
}

function parseId(text: string, id: string): KeyVaultName {
  const url = URL.canParse(id) ? new URL(id) : undefined;
  const match = idPattern.exec(url?.pathname ?? '');
  if (url?.protocol !== 'https:' || match === null || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw refused(text, 'the id is not of the form https://VAULT/certificates/NAME[/VERSION] or https://VAULT/keys/NAME[/VERSION]');
  }
  const collection = match[1] === 'keys' ? 'keys' : 'certificates';
  return { kind: 'key-vault', collection, vaultUrl: url.origin, name: match[2] ?? '', version: match[3] };
}

/** https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers */
const namePattern = /^([0-9A-Za-z-]{1,127})(?:\/([0-9a-f]{32}))?$/;
const idPattern = /^\/(certificates|keys)\/([0-9A-Za-z-]{1,127})(?:\/([0-9a-f]{32}))?\/?$/;

function refused(text: string, reason: string) {
  return signatureError(
    'bad-signing-key',
    `Cannot read input signing-key${text.includes('-----BEGIN') ? ', which is a key itself' : ` ${JSON.stringify(text)}: ${reason}`}`,
    'Give the name or id of a Key Vault certificate (NAME, NAME/VERSION or https://VAULT.vault.azure.net/certificates/NAME), ' +
      'with ,CHAIN.pem after it where another authority issued it; a Key Vault key with its chain (https://…/keys/NAME,CHAIN.pem); or file:KEY.pem[,CERT.pem].',
  );
}
