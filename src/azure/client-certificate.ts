import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { CertificateSource, CredentialChoice } from '../lib/credential-choice.ts';
import { SecretValue } from '../lib/secret-value.ts';
import type { StepError } from '../lib/step-error.ts';
import { identityError } from './azure-error.ts';

type CertificateChoice = Extract<CredentialChoice, { readonly kind: 'client-certificate' }>;

/** A private key without a password, then its certificate and the issuers' certificates, as the SDK takes them. */
export interface ClientCertificate {
  readonly pem: SecretValue;
  readonly sendChain: boolean;
}

const blockPattern = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** Reads the certificate and its key. `secrets` gets the lines of the key. Rejects with a StepError of origin `input` that quotes nothing of them. */
export async function readCertificate(
  { certificate: source, clientId }: CertificateChoice,
  secrets: Set<string>,
): Promise<ClientCertificate> {
  const name =
    source.kind === 'file'
      ? `the file ${JSON.stringify(source.path)} of AZURE_CLIENT_CERTIFICATE_PATH`
      : 'the certificate of the service connection';
  const bytes = source.kind === 'file' ? await readBytes(source.path, name) : Buffer.from(source.pem.reveal());
  const blocks = [...bytes.toString('latin1').matchAll(blockPattern)].map(([text, label = '']) => ({ text, label }));
  const password = source.kind === 'file' ? source.password?.reveal() : undefined;
  const key = toKey(blocks.find(({ label }) => label.endsWith('PRIVATE KEY'))?.text, password, name, bytes);
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => toCertificate(text, name));
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) {
    throw invalid(
      `${name} holds ${certificates.length === 0 ? 'no certificate' : 'no certificate of its private key'}`,
      'Put the private key and its certificate into one PEM file.',
    );
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw invalid(
      `the key in ${name} is no RSA key`,
      `Entra ID takes certificates of RSA keys alone, of 2048 bits or more. A new one: az ad app credential reset --id ${clientId} --append --create-cert.`,
    );
  }
  // Not validToDate, which Node has from 22 on.
  const lastDay = new Date(leaf.validTo);
  if (lastDay.getTime() <= Date.now()) {
    throw identityError(
      'client-certificate-expired',
      `Cannot use ${name}: the certificate has expired at ${lastDay.toISOString()}`,
      `Make a new one: az ad app credential reset --id ${clientId} --append --create-cert, and put the file that it names in its place.`,
    );
  }
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const line of keyPem.split('\n')) if (line.length > 16 && !line.startsWith('-----')) secrets.add(line);
  const chain = [leaf, ...certificates.filter((certificate) => certificate !== leaf)];
  return { pem: new SecretValue(keyPem + chain.map(String).join('')), sendChain: sendsChain(source) };
}

function sendsChain(source: CertificateSource): boolean {
  return source.kind === 'file' && source.sendChain;
}

async function readBytes(path: string, name: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw invalid(
      `${name} cannot be read (${code ?? 'unknown error'})`,
      'Name a PEM file with the private key and its certificate that this job may read.',
    );
  }
}

function toKey(pem: string | undefined, password: string | undefined, name: string, bytes: Buffer): KeyObject {
  if (pem === undefined) {
    // DER: a SEQUENCE, as PKCS #12 files begin.
    throw bytes[0] === 0x30
      ? invalid(
          `${name} is a PKCS #12 file (.pfx, .p12), and only PEM is taken`,
          'Convert it: openssl pkcs12 -in FILE.pfx -out FILE.pem -noenc, and name the new file.',
        )
      : invalid(`${name} holds no private key in PEM`, 'Put the private key and its certificate into one PEM file.');
  }
  try {
    return createPrivateKey(password === undefined ? pem : { key: pem, passphrase: password });
  } catch {
    const isEncrypted = pem.includes('ENCRYPTED');
    throw invalid(
      isEncrypted
        ? `the private key in ${name} has a password, and ${password === undefined ? 'none was given' : 'the one that was given is not it'}`
        : `the private key in ${name} is damaged`,
      isEncrypted ? 'Give its password in AZURE_CLIENT_CERTIFICATE_PASSWORD.' : 'Write the file again.',
    );
  }
}

function toCertificate(pem: string, name: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid(`a certificate in ${name} is damaged`, 'Write the file again.');
  }
}

function invalid(reason: string, hint: string): StepError {
  return identityError('client-certificate-invalid', `Cannot sign in with a client certificate: ${reason}`, hint);
}
