import { TrustedRoot as TrustedRootMessage } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { isJsonObject, type JsonValue, parseStrictJson } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';
import { verifyAuthority } from './authority-rules.ts';

/** The instances of Sigstore that are trusted; at least one. */
export type TrustedRoot = readonly TrustedInstance[];

/** Who vouches in one instance of Sigstore: authorities of certificates and of time, and logs. */
export interface TrustedInstance {
  readonly material: TrustMaterial;
  /** What a signature has to come with: an instance without logs has authorities of time instead. */
  readonly thresholds: { readonly tlogThreshold: number; readonly ctlogThreshold: number; readonly timestampThreshold: number };
}

/**
 * Loads what reads the messages of Sigstore: to be imported where it is needed alone. Reads a `trusted_root.json`, as `cosign trusted-root create` writes it and the TUF repositories of instances have it, or
 * one of each line, as `gh attestation trusted-root` writes them. Throws a StepError of origin `input`. https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_trustroot.proto
 */
export function parseTrustedRoot(name: string, bytes: Uint8Array): TrustedRoot {
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  const isOneEach = lines.length > 1 && lines.every((line) => /^\s*\{.*\}\s*$/.test(line));
  return isOneEach ? lines.map((line) => parseInstance(name, Buffer.from(line, 'latin1'))) : [parseInstance(name, bytes)];
}

function parseInstance(name: string, bytes: Uint8Array): TrustedInstance {
  const json = readJson(name, bytes);
  const mediaType = isJsonObject(json) ? json.mediaType : undefined;
  if (
    typeof mediaType !== 'string' ||
    !/^application\/vnd\.dev\.sigstore\.trustedroot(?:\.v0\.[0-9]+\+json|\+json;version=0\.[0-9]+)$/.test(mediaType)
  )
    throw refused(name, `its mediaType is ${JSON.stringify(mediaType) ?? 'missing'}`);
  const message = attempt(name, () => TrustedRootMessage.fromJSON(json));
  const since = [...message.tlogs, ...message.ctlogs].map(({ publicKey }) => publicKey?.validFor?.start);
  if (since.includes(undefined)) throw refused(name, 'it does not say since when the key of a log counts');
  const material = attempt(name, () => toTrustMaterial(message, () => fail('no key is trusted here')));
  for (const { certChain } of message.certificateAuthorities)
    for (const { rawBytes } of certChain?.certificates ?? []) checkAuthority(name, rawBytes);
  const { certificateAuthorities, tlogs, ctlogs, timestampAuthorities } = material;
  if (certificateAuthorities.length === 0) throw refused(name, 'it has no certificateAuthorities');
  if (tlogs.length + timestampAuthorities.length === 0)
    throw refused(name, 'it has neither tlogs nor timestampAuthorities, so that nothing says when something was signed');
  const thresholds = { tlogThreshold: tlogs.length > 0 ? 1 : 0, ctlogThreshold: ctlogs.length > 0 ? 1 : 0, timestampThreshold: 1 };
  return { material, thresholds };
}

function readJson(name: string, bytes: Uint8Array): JsonValue {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    throw refused(name, error instanceof Error ? error.message : 'it is no JSON');
  }
}

function checkAuthority(name: string, der: Uint8Array): void {
  try {
    verifyAuthority(der);
  } catch (error) {
    throw refused(name, error instanceof Error ? error.message : 'a certificate in it cannot be read');
  }
}

function attempt<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch {
    throw refused(name, 'a certificate, key or time in it cannot be read');
  }
}

function fail(reason: string): never {
  throw new Error(reason);
}

function refused(name: string, reason: string) {
  return signatureError(
    'trusted-root',
    `Cannot read the trusted root ${name}: ${reason}`,
    'Give the trusted_root.json of the Sigstore instance: its TUF repository has it, and `cosign trusted-root create` writes one.',
  );
}
