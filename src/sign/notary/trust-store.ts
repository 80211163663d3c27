import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { signatureError } from '../signature-error.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { StoreType } from './trust-policy.ts';

/** The trust stores of one folder, each read once. */
export interface TrustStores {
  /** DER. Rejects with a StepError, code `trust-store`, where the store is not there, is empty, or holds what no store may hold. */
  read(type: StoreType, name: string): Promise<readonly Uint8Array[]>;
}

/**
 * Opens notation's folder `truststore`, in which the certificates of a store are the files of `x509/TYPE/NAME`. Links and folders in a store are
 * refused as notation refuses them, and files that are no certificates too.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#trust-store
 */
export function openTrustStores(folder: string): TrustStores {
  const stores = new Map<string, Promise<readonly Uint8Array[]>>();
  return {
    read: (type, name) => {
      const key = `${type}:${name}`;
      const store = stores.get(key) ?? readStore(join(folder, 'x509', type, name), type, key);
      stores.set(key, store);
      return store;
    },
  };
}

/**
 * The certificates of one file of a store: blocks of PEM, of which every one has to be a certificate, or DER, one after the other. They have to be
 * those of authorities or self-signed; in a store of the type `tsa` roots. Throws an Error that says what is wrong.
 */
export function parseStoreFile(type: StoreType, bytes: Uint8Array): readonly Uint8Array[] {
  const ders = splitPem(bytes) ?? splitDer(bytes);
  if (ders.length === 0) throw new Error('it has no certificate');
  return ders.map((der) => {
    const certificate = readCertificate(der);
    const isSelfSigned = certificate.signatureHash !== undefined && certificate.x509.verify(certificate.publicKey);
    if (!certificate.basicConstraints?.ca && !isSelfSigned)
      throw new Error(`"${certificate.subject}" is neither an authority nor self-signed`);
    if (type === 'tsa' && !(isSelfSigned && isRoot(certificate))) throw new Error(`"${certificate.subject}" is no root`);
    return der;
  });
}

async function readStore(path: string, type: StoreType, name: string): Promise<readonly Uint8Array[]> {
  const entries = await listFiles(path, name);
  const certificates: Uint8Array[] = [];
  for (const file of entries) {
    try {
      certificates.push(...parseStoreFile(type, await readFile(join(path, file))));
    } catch (error) {
      throw broken(name, `its file ${JSON.stringify(file)} cannot be used: ${error instanceof Error ? error.message : 'unreadable'}`);
    }
  }
  if (certificates.length === 0) throw broken(name, `there is no certificate in the folder ${JSON.stringify(path)}`);
  return certificates;
}

async function listFiles(path: string, name: string): Promise<readonly string[]> {
  let entries: readonly { readonly name: string; isFile(): boolean }[];
  try {
    if (!(await lstat(path)).isDirectory()) throw broken(name, `${JSON.stringify(path)} is no folder (links are not followed)`);
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'trust-store') throw error;
    throw broken(name, code === 'ENOENT' ? `there is no folder ${JSON.stringify(path)}` : `the folder ${JSON.stringify(path)}: ${code}`);
  }
  const other = entries.find((entry) => !entry.isFile());
  if (other !== undefined)
    throw broken(name, `${JSON.stringify(other.name)} in it is no file (links are not followed, folders in a store not looked into)`);
  return entries.map((entry) => entry.name).sort();
}

async function readFile(path: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const bytes = Buffer.alloc(maxFileBytes + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    if (bytesRead > maxFileBytes) throw new Error(`it is larger than ${maxFileBytes} bytes`);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Undefined where there is no block. */
function splitPem(bytes: Uint8Array): readonly Buffer[] | undefined {
  const blocks = [...Buffer.from(bytes).toString('latin1').matchAll(pemBlock)];
  if (blocks.length === 0) return undefined;
  return blocks.map(({ 1: label = '', 2: body = '' }) => {
    if (label !== 'CERTIFICATE') throw new Error(`it has a PEM block of ${JSON.stringify(label)}`);
    return Buffer.from(body, 'base64');
  });
}

/** X.690, 8.1.3: each certificate is a SEQUENCE of a length that takes up to four bytes. */
function splitDer(bytes: Uint8Array): readonly Buffer[] {
  const ders: Buffer[] = [];
  let rest = Buffer.from(bytes);
  while (rest.length > 0) {
    const first = rest[1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    if (rest[0] !== 0x30 || lengthBytes > 4 || rest.length < 2 + lengthBytes) throw new Error('it is neither PEM nor DER');
    const end = 2 + lengthBytes + (lengthBytes === 0 ? first : rest.readUIntBE(2, lengthBytes));
    if (end > rest.length) throw new Error('a certificate in it is cut off');
    ders.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return ders;
}

function readCertificate(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der);
  } catch {
    throw new Error('it holds what is no certificate that can be read');
  }
}

function isRoot({ basicConstraints, keyUsage, subjectBytes, issuerBytes }: Certificate): boolean {
  const signs = keyUsage === undefined || keyUsage.usages.includes('keyCertSign');
  return basicConstraints?.ca === true && signs && subjectBytes.equals(issuerBytes);
}

function broken(name: string, reason: string) {
  return signatureError(
    'trust-store',
    `Cannot use the trust store ${name}: ${reason}`,
    'A store is a folder x509/TYPE/NAME in the folder truststore, with files of certificates alone; notation cert add --type TYPE --store NAME FILE makes one.',
  );
}

const maxFileBytes = 1024 * 1024;
const pemBlock = /-----BEGIN ([^\r\n]*?)-----\s*([\s\S]*?)-----END \1-----/g;
