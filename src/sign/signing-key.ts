import { signatureError } from './signature-error.ts';

/** The input `signing-key`, typed. */
export type SigningKey = KeyVaultSigningKey | FileSigningKey | { readonly kind: 'keyless' };

export interface KeyVaultSigningKey {
  readonly kind: 'key-vault';
  /** `certificates`: its key signs and its certificate is the leaf. `keys`: a bare key, whose certificate is in `chain`; for cosign alone it needs none. */
  readonly collection: 'certificates' | 'keys';
  /** The vault that an id names; undefined for a bare name, which is looked for in the step's vault. */
  readonly vaultUrl: string | undefined;
  readonly name: string;
  readonly version: string | undefined;
  readonly chain: ChainText | undefined;
}

/** Where the certificates of a key, or of its issuers, are: a file, one of the run's Key Vault secrets, or the input itself. */
export type ChainText =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'pem'; readonly text: string };

export interface FileSigningKey {
  readonly kind: 'file';
  readonly keyFile: string;
  /** Undefined: the certificates are in the key file. */
  readonly chain: ChainText | undefined;
}

/** Throws a StepError of origin `input`. */
export function parseSigningKey(text: string): SigningKey {
  const [first, chainText, ...rest] = text.split(',').map((part) => part.trim());
  if (first === undefined || first === '' || chainText === '' || rest.length > 0) throw refused(text, 'it has an empty or surplus part');
  const chain = chainText === undefined ? undefined : parseChain(text, chainText);
  if (first.startsWith('file:')) {
    const keyFile = first.slice('file:'.length);
    if (keyFile === '') throw refused(text, 'no file is named');
    return { kind: 'file', keyFile, chain };
  }
  if (first === 'keyless') {
    if (chain !== undefined) throw refused(text, 'without a key there is no chain to give');
    return { kind: 'keyless' };
  }
  const key = first.includes('://') ? parseId(text, first) : parseName(text, first);
  return { ...key, chain };
}

function parseChain(text: string, chain: string): ChainText {
  if (chain.startsWith('-----BEGIN ')) return { kind: 'pem', text: chain };
  if (!chain.startsWith('secret:')) return { kind: 'file', path: chain };
  const name = chain.slice('secret:'.length).trim();
  if (name === '') throw refused(text, 'no secret is named');
  return { kind: 'secret', name };
}

type KeyVaultName = Omit<KeyVaultSigningKey, 'chain'>;

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

/** `reason`: why the input signing-key is refused. */
export function refused(text: string, reason: string) {
  return signatureError(
    'bad-signing-key',
    `Cannot read input signing-key${/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text) ? ', which is a key itself' : ` ${JSON.stringify(text)}: ${reason}`}`,
    'Give the name or id of a Key Vault certificate (NAME, NAME/VERSION or https://VAULT.vault.azure.net/certificates/NAME), ' +
      'with ,CHAIN.pem after it where another authority issued it; a Key Vault key with its chain (https://…/keys/NAME,CHAIN.pem); or file:KEY.pem[,CERT.pem]. ' +
      'In place of CHAIN.pem, secret:NAME names one of the input secrets, or the certificates stand there in PEM.',
  );
}
