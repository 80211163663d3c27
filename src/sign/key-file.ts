import { createPrivateKey, createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readCertificates } from '../lib/certificate-bundle.ts';
import { type ChainSources, completeChain, nameText, publicKeyOf } from '../lib/certificate-chain.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { acceptedKeys, hashOf, keyText, signatureAlgorithmOf, signatureForm } from '../lib/signature-algorithm.ts';
import type { KeySigner } from '../model/signer.ts';
import { signatureError } from './signature-error.ts';

export interface KeyFileOptions extends ChainSources {
  /** Where `chain` is from, for errors. */
  readonly chainName?: string;
  /** Of an encrypted key. */
  readonly password?: SecretValue | undefined;
}

/**
 * A signer by a private key in a PEM file (PKCS#8, PKCS#1 or SEC1, PKCS#8 also encrypted; or as cosign encrypts it) and its certificates, leaf first or in any
 * order, in `chain` or else in the key file itself. Rejects with a StepError that names the file.
 */
export async function openKeyFile(keyFile: string, options: KeyFileOptions = {}): Promise<KeySigner> {
  const { password, isCertified = true, chain, chainName = keyFile } = options;
  const keyPem = await readPem(keyFile);
  const key = await parsePrivateKey(keyFile, keyPem, password);
  const algorithm = signatureAlgorithmOf(key);
  if (algorithm === undefined) {
    throw signatureError('key-type', `Cannot sign with key file ${keyFile}: its key is ${keyText(key)}`, `Use a key of ${acceptedKeys}.`);
  }
  const isBare = !isCertified && chain === undefined && !keyPem.includes('CERTIFICATE-----');
  const certificates = isBare ? [] : await chainOf(key, chainName, { ...options, chain: chain ?? keyPem });
  return {
    description: `key file ${keyFile}`,
    keptIn: 'file',
    algorithm,
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }),
    certificateChain: certificates.map((certificate) => certificate.raw),
    sign: (message, form = algorithm) => signWith(hashOf(form), message, { key, ...signatureForm(form) }),
  };
}

const signWith = promisify(sign);

async function parsePrivateKey(file: string, pem: string, password: SecretValue | undefined): Promise<KeyObject> {
  const blocks = pem.match(privateKeyBlock) ?? [];
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw signatureError(
      'key-file',
      `Cannot read a private key from ${file}: it has ${blocks.length} PEM blocks of a private key`,
      'The file that signing-key names must hold one private key in PEM: PKCS#8 (BEGIN PRIVATE KEY), PKCS#1 (BEGIN RSA PRIVATE KEY), SEC1 (BEGIN EC PRIVATE KEY) or that of cosign (BEGIN ENCRYPTED SIGSTORE PRIVATE KEY).',
    );
  }
  const isEncrypted = /BEGIN ENCRYPTED |^Proc-Type:.*ENCRYPTED/m.test(block);
  if (isEncrypted && password === undefined) {
    throw signatureError(
      'key-encrypted',
      `Cannot use key file ${file}: its key is encrypted, and the input signing-key-password is not given`,
      'Give its password in signing-key-password (secret:NAME), or better keep the key in Key Vault and name its certificate in signing-key.',
    );
  }
  let key: KeyObject | undefined;
  try {
    key = isEncrypted ? await decrypt(block, password?.reveal() ?? '') : createPrivateKey(block);
  } catch {
    throw signatureError(
      'key-file',
      `Cannot read the private key in ${file}: its PEM block is damaged or of a form that is not known${isEncrypted ? ', or the password is another' : ''}`,
      block.includes('OPENSSH')
        ? 'It is in the form of OpenSSH; convert a copy of it with ssh-keygen -p -m PKCS8 -f KEY.'
        : 'openssl pkey -in KEY.pem -check -noout tells what is wrong with it.',
    );
  }
  if (key !== undefined) return key;
  throw signatureError(
    'key-encrypted',
    `Cannot use key file ${file}: the password of the input signing-key-password is not its password`,
    'cosign public-key --key KEY asks for the password and shows whether it is the right one.',
  );
}

/** Undefined where a key of cosign has another password. */
async function decrypt(block: string, password: string): Promise<KeyObject | undefined> {
  const body = /^-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([\s\S]*?)-----END/.exec(block)?.[1];
  if (body === undefined) return createPrivateKey({ key: block, passphrase: password });
  const { decryptCosignKey } = await import('./cosign/encrypted-key.ts');
  return decryptCosignKey(Buffer.from(body, 'base64').toString('utf8'), password);
}

async function chainOf(key: KeyObject, file: string, sources: ChainSources): Promise<readonly X509Certificate[]> {
  const { isCertified = true, fetchIssuer } = sources;
  const certificates = await readChain(file, sources);
  const publicKey = createPublicKey(key);
  const leaf = certificates.find((certificate) => publicKeyOf(certificate)?.equals(publicKey));
  if (leaf === undefined) {
    throw signatureError(
      'key-mismatch',
      certificates.length === 0
        ? `Cannot find a certificate in ${file}: it has none`
        : `Cannot sign with the certificates in ${file}: none of the ${certificates.length} is for the private key`,
      'Give signing-key the certificate of the key and those of its issuers up to the root: file:KEY.pem,CERT.pem.',
    );
  }
  const chain = await completeChain(leaf, certificates, isCertified ? fetchIssuer : undefined);
  const last = chain.certificates.at(-1) ?? leaf;
  if (!chain.complete && isCertified) {
    throw signatureError(
      'incomplete-chain',
      `Cannot sign with the certificates in ${file}: the chain ends with "${nameText(last.subject)}", whose issuer "${nameText(last.issuer)}" is not in the file${chain.tried}`,
      `Add the certificate of "${nameText(last.issuer)}" and of every further issuer up to the root to ${file}, which signing-key names.`,
    );
  }
  return chain.certificates;
}

async function readChain(file: string, { chain = '' }: ChainSources): Promise<readonly X509Certificate[]> {
  try {
    return await readCertificates(chain);
  } catch {
    throw signatureError(
      'key-file',
      `Cannot read the certificates in ${file}: one of them, or the bundle, is damaged`,
      'openssl x509 -in CERT.pem -noout -text tells which; of a bundle openssl pkcs7 -in BUNDLE.p7b -print_certs.',
    );
  }
}

async function readPem(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const bytes = Buffer.alloc(maxFileBytes + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
      if (bytesRead <= maxFileBytes) return bytes.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw signatureError(
      'key-file',
      `Cannot read key file ${file} of the input signing-key: ${code === 'ENOENT' ? 'there is no such file' : code}`,
      'Give file:KEY.pem[,CERT.pem] with paths relative to the workspace.',
    );
  }
  throw signatureError(
    'key-file',
    `Cannot read key file ${file}: it is larger than ${maxFileBytes} bytes`,
    'Name the PEM file of a key or its certificates.',
  );
}

const maxFileBytes = 1024 * 1024;
const privateKeyBlock = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\s\S]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----/g;
