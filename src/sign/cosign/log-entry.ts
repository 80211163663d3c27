import { X509Certificate } from 'node:crypto';
import type { TransparencyLogEntry } from '@sigstore/bundle';
import type { TrustMaterial } from '@sigstore/verify';
import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';
import { hexBytes } from '../../lib/hex.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import type { HashName } from '../hash-algorithm.ts';
import { parseCheckpoint } from './checkpoint.ts';

type TrustedLog = TrustMaterial['tlogs'][number];

/** What a log says that it has. */
export interface LoggedSignature {
  /** DER. */
  readonly certificate: Buffer;
  /** What is hashed: that which the signature is over, or the statement alone that is in an envelope. */
  readonly of: 'message' | 'content';
  readonly hash: HashName;
  readonly digest: Buffer;
}

const pem = v.pipe(
  base64Bytes,
  v.transform((bytes) => new X509Certificate(bytes).raw),
);
const one = <Item extends v.GenericSchema>(item: Item) => v.tuple([item]);
const certificate = v.object({ x509Certificate: v.object({ rawBytes: base64Bytes }) });
const hashed = v.pipe(
  v.object({ algorithm: v.picklist(['sha256', 'sha384', 'sha512']), value: hexBytes }),
  v.transform(({ algorithm, value }) => ({ hash: algorithm, digest: value })),
);
const hashNames = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const;
const hashedOfToday = v.pipe(
  v.object({ algorithm: v.picklist(['SHA2_256', 'SHA2_384', 'SHA2_512']), digest: base64Bytes }),
  v.transform(({ algorithm, digest }) => ({ hash: hashNames[algorithm], digest })),
);

/**
 * By kind and version: pkg/types of https://github.com/sigstore/rekor, and rekor/v2 of protobuf-specs. The second version of Rekor has an envelope as what it is
 * signed over: https://github.com/sigstore/rekor-tiles/blob/v2.3.0/CLIENTS.md#dsse--signed-attestations. For a time it had a kind of its own.
 */
const bodies: Readonly<Record<string, v.GenericSchema<unknown, LoggedSignature>>> = {
  'dsse 0.0.1': v.pipe(
    v.object({ spec: v.object({ payloadHash: hashed, signatures: one(v.object({ verifier: pem })) }) }),
    v.transform(({ spec }) => ({ certificate: spec.signatures[0].verifier, of: 'content' as const, ...spec.payloadHash })),
  ),
  'intoto 0.0.2': v.pipe(
    v.object({
      spec: v.object({
        content: v.object({ payloadHash: hashed, envelope: v.object({ signatures: one(v.object({ publicKey: pem })) }) }),
      }),
    }),
    v.transform(({ spec: { content } }) => ({
      certificate: content.envelope.signatures[0].publicKey,
      of: 'content' as const,
      ...content.payloadHash,
    })),
  ),
  'hashedrekord 0.0.1': v.pipe(
    v.object({
      spec: v.object({ data: v.object({ hash: hashed }), signature: v.object({ publicKey: v.object({ content: pem }) }) }),
    }),
    v.transform(({ spec }) => ({ certificate: spec.signature.publicKey.content, of: 'message' as const, ...spec.data.hash })),
  ),
  'dsse 0.0.2': v.pipe(
    v.object({
      spec: v.object({
        dsseV002: v.object({ payloadHash: hashedOfToday, signatures: one(v.object({ verifier: certificate })) }),
      }),
    }),
    v.transform(({ spec: { dsseV002 } }) => ({
      certificate: dsseV002.signatures[0].verifier.x509Certificate.rawBytes,
      of: 'content' as const,
      ...dsseV002.payloadHash,
    })),
  ),
  'hashedrekord 0.0.2': v.pipe(
    v.object({
      spec: v.object({
        hashedRekordV002: v.object({ data: hashedOfToday, signature: v.object({ verifier: certificate }) }),
      }),
    }),
    v.transform(({ spec: { hashedRekordV002 } }) => ({
      certificate: hashedRekordV002.signature.verifier.x509Certificate.rawBytes,
      of: 'message' as const,
      ...hashedRekordV002.data,
    })),
  ),
};

/**
 * What @sigstore/verify leaves open of an entry: by which certificate the log has which signature. Throws an Error with a reason, also where kind and version are not
 * those of the entry.
 */
export function readLogEntry({ kindVersion: { kind, version }, canonicalizedBody }: TransparencyLogEntry): LoggedSignature {
  const shape = Object.hasOwn(bodies, `${kind} ${version}`) ? bodies[`${kind} ${version}`] : undefined;
  if (shape === undefined) throw new Error(`the log's entry is of the kind ${kind} ${version}, which is not known here`);
  const body = v.safeParse(shape, parseStrictJson(canonicalizedBody, { maxBytes: maxBodyBytes }));
  if (!body.success) throw new Error(`the log's entry is none by a certificate of the kind ${kind} ${version}`);
  return body.output;
}

/** Entries of the kind intoto hold the whole statement. */
const maxBodyBytes = 128 * 1024 * 1024;

/**
 * The log as @sigstore/verify is to know it for this entry, by the name that it signs checkpoints with, since it compares a part of the URL. The first version of
 * Rekor signs by the name of its machine, which nobody compares; the second one by the host of its URL. Throws an Error with a reason where the entry's checkpoint is
 * of another log or tree.
 */
export function toLogOf({ logIndex, inclusionProof }: TransparencyLogEntry, log: TrustedLog): TrustedLog {
  if (inclusionProof?.checkpoint === undefined) return log;
  const { isOfFirstVersion, size, rootHash, signatures } = parseCheckpoint(inclusionProof.checkpoint.envelope);
  if (size !== inclusionProof.treeSize || rootHash !== inclusionProof.rootHash.toString('base64'))
    throw new Error('a checkpoint of the log is of another tree than the proof');
  // Of the first version, one is of all trees of the log, and the other of the current one.
  if (!isOfFirstVersion && logIndex !== inclusionProof.logIndex) throw new Error('the log has its entry at another place than the proof');
  const signature = signatures.find(
    ({ name, keyHint }) => keyHint.equals(log.logID.subarray(0, 4)) && (isOfFirstVersion || name === hostOf(log)),
  );
  if (signature === undefined) throw new Error('a checkpoint has no checkpoint signature of the log that the entry names');
  return { ...log, baseURL: signature.name };
}

function hostOf({ baseURL }: TrustedLog): string | undefined {
  return URL.canParse(baseURL) ? new URL(baseURL).hostname : undefined;
}
