import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { TlsParty } from '../lib/http.ts';
import { readDockerFile } from './docker-file.ts';
import type { SourceFailure } from './source-error.ts';

interface DockerTlsOptions {
  readonly verifiesServer: boolean;
  /** The folder was named for TLS, so ca.pem has to be there. Else no file at all means no TLS. */
  readonly needsAuthority: boolean;
  /** Who named the folder, for messages. */
  readonly from: string;
}

const hint =
  'The folder holds ca.pem (the authority of the daemon), and cert.pem with key.pem (the client), in PEM and without passphrase: https://docs.docker.com/engine/security/protect-access/';

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` of a folder, as Docker calls them. With a ca.pem that alone is trusted; client certificate and key
 * may be absent together. Undefined where nothing asks for TLS.
 */
export async function readDockerTls(folder: string, options: DockerTlsOptions, fail: SourceFailure): Promise<TlsParty | undefined> {
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => readDockerFile(join(folder, name), fail)));
  const { verifiesServer, needsAuthority, from } = options;
  if (ca === undefined && cert === undefined && key === undefined && !needsAuthority && verifiesServer) return undefined;
  const missing = (name: string) => fail('source-not-found', `${from} has no ${name}`, hint);
  if (ca === undefined && needsAuthority) throw missing('ca.pem');
  if (cert === undefined && key !== undefined) throw missing('cert.pem');
  if (key === undefined && cert !== undefined) throw missing('key.pem');
  const invalid = (name: string, reason: string) => fail('source-form', `${name} of ${from} ${reason}`, hint);
  if (ca !== undefined && toCertificate(ca) === undefined) throw invalid('ca.pem', 'is no certificate');
  const client = cert && key && toClient(cert, key, invalid);
  const trusted = ca === undefined ? {} : { ca };
  return { secureContext: createSecureContext({ ...trusted, ...client, minVersion: 'TLSv1.2' }), verifiesServer };
}

function toClient(cert: Buffer, key: Buffer, invalid: (name: string, reason: string) => Error) {
  const certificate = toCertificate(cert);
  if (certificate === undefined) throw invalid('cert.pem', 'is no certificate');
  const privateKey = toPrivateKey(key);
  if (privateKey === undefined) throw invalid('key.pem', 'is no private key, or has a passphrase');
  if (!certificate.checkPrivateKey(privateKey)) throw invalid('key.pem', 'is not the key of cert.pem');
  return { cert, key };
}

function toCertificate(pem: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function toPrivateKey(pem: Buffer) {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
