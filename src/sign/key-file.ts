import { createPrivateKey, createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { nameText, orderChain, parseCertificates, publicKeyOf } from '../lib/certificate-chain.ts';
import { acceptedKeys, hashOf, keyText, signatureAlgorithmOf, signatureForm } from '../lib/signature-algorithm.ts';
import type { KeySigner } from '../model/signer.ts';
import { signatureError } from './signature-error.ts';

/**
 * A signer by a private key in a PEM file (PKCS#8, PKCS#1 or SEC1, not encrypted) and its certificates, leaf first or in any order, in
 * `chainFile` or else in the key file itself. Rejects with a StepError that names the file.
 */
export async function openKeyFile(keyFile: string, chainFile: string | undefined): Promise<KeySigner> {
  const keyPem = await readPem(keyFile);
  const key = parsePrivateKey(keyFile, keyPem);
  const algorithm = signatureAlgorithmOf(key);
  if (algorithm === undefined) {
    throw signatureError('key-type', `Cannot sign with key file ${keyFile}: its key is ${keyText(key)}`, `Use a key of ${acceptedKeys}.`);
  }
  const certificatesFile = chainFile ?? keyFile;
  const chain = chainOf(key, certificatesFile, chainFile === undefined ? keyPem : await readPem(chainFile));
  return {
    description: `key file ${keyFile}`,
    keptIn: 'file',
    algorithm,
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }),
    certificateChain: chain.map((certificate) => certificate.raw),
    sign: (message, form = algorithm) => signWith(hashOf(form), message, { key, ...signatureForm(form) }),
  };
}

const signWith = promisify(sign);

function parsePrivateKey(file: string, pem: string): KeyObject {
  const blocks = pem.match(privateKeyBlock) ?? [];
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw signatureError(
      'key-file',
      `Cannot read a private key from ${file}: it has ${blocks.length} PEM blocks of a private key`,
      'The file that signing-key names must hold one private key in PEM: PKCS#8 (BEGIN PRIVATE KEY), PKCS#1 (BEGIN RSA PRIVATE KEY) or SEC1 (BEGIN EC PRIVATE KEY).',
    );
  }
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type:.*ENCRYPTED/m.test(block)) {
    throw signatureError(
      'key-encrypted',
      `Cannot use key file ${file}: its key is encrypted`,
      'A pipeline has nobody to type its passphrase: keep the key in Key Vault and name its certificate in signing-key, or decrypt it with openssl pkey -in KEY.pem -out PLAIN.pem.',
    );
  }
  try {
    return createPrivateKey(block);
  } catch {
    throw signatureError(
      'key-file',
      `Cannot read the private key in ${file}: its PEM block is damaged or of a form that is not known`,
      block.includes('OPENSSH')
        ? 'It is in the form of OpenSSH; convert a copy of it with ssh-keygen -p -m PKCS8 -f KEY.'
        : 'openssl pkey -in KEY.pem -check -noout tells what is wrong with it.',
    );
  }
}

function chainOf(key: KeyObject, file: string, pem: string): readonly X509Certificate[] {
  const certificates = readCertificates(file, pem);
  const publicKey = createPublicKey(key);
  const leaf = certificates.find((certificate) => publicKeyOf(certificate)?.equals(publicKey));
  if (leaf === undefined) {
    throw signatureError(
      'key-mismatch',
      certificates.length === 0
        ? `Cannot find a certificate in ${file}: it has no PEM block of one`
        : `Cannot sign with the certificates in ${file}: none of the ${certificates.length} is for the private key`,
      'Give signing-key the certificate of the key and those of its issuers up to the root: file:KEY.pem,CERT.pem.',
    );
  }
  const chain = orderChain(leaf, certificates);
  const last = chain.certificates.at(-1) ?? leaf;
  if (!chain.complete) {
    throw signatureError(
      'incomplete-chain',
      `Cannot sign with the certificates in ${file}: the chain ends with "${nameText(last.subject)}", whose issuer "${nameText(last.issuer)}" is not in the file`,
      `Add the certificate of "${nameText(last.issuer)}" and of every further issuer up to the root to ${file}, which signing-key names.`,
    );
  }
  return chain.certificates;
}

function readCertificates(file: string, pem: string): readonly X509Certificate[] {
  try {
    return parseCertificates(pem);
  } catch {
    throw signatureError(
      'key-file',
      `Cannot read the certificates in ${file}: a PEM block is damaged`,
      'openssl x509 -in CERT.pem -noout -text tells which.',
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
