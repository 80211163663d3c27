import { X509Certificate } from 'node:crypto';
import type { TransparencyLogEntry } from '@sigstore/bundle';
import * as v from 'valibot';
import { parseStrictJson } from '../../lib/strict-json.ts';
import { base64Bytes } from './base64.ts';

const pem = v.pipe(
  base64Bytes,
  v.transform((bytes) => new X509Certificate(bytes).raw),
);
const one = <Item extends v.GenericSchema>(item: Item) => v.tuple([item]);
const certificate = v.object({ x509Certificate: v.object({ rawBytes: base64Bytes }) });

/** By kind and version, where an entry has the certificate: pkg/types of https://github.com/sigstore/rekor, and rekor/v2 of protobuf-specs. */
const bodies: Readonly<Record<string, v.GenericSchema<unknown, Buffer>>> = {
  'dsse 0.0.1': v.pipe(
    v.object({ spec: v.object({ signatures: one(v.object({ verifier: pem })) }) }),
    v.transform(({ spec }) => spec.signatures[0].verifier),
  ),
  'intoto 0.0.2': v.pipe(
    v.object({ spec: v.object({ content: v.object({ envelope: v.object({ signatures: one(v.object({ publicKey: pem })) }) }) }) }),
    v.transform(({ spec }) => spec.content.envelope.signatures[0].publicKey),
  ),
  'hashedrekord 0.0.1': v.pipe(
    v.object({ spec: v.object({ signature: v.object({ publicKey: v.object({ content: pem }) }) }) }),
    v.transform(({ spec }) => spec.signature.publicKey.content),
  ),
  'dsse 0.0.2': v.pipe(
    v.object({ spec: v.object({ dsseV002: v.object({ signatures: one(v.object({ verifier: certificate })) }) }) }),
    v.transform(({ spec }) => spec.dsseV002.signatures[0].verifier.x509Certificate.rawBytes),
  ),
  'hashedrekord 0.0.2': v.pipe(
    v.object({ spec: v.object({ hashedRekordV002: v.object({ signature: v.object({ verifier: certificate }) }) }) }),
    v.transform(({ spec }) => spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes),
  ),
};

/**
 * What @sigstore/verify leaves open of entries of a log: the certificates (DER) by which they have the signature, that the names in a checkpoint are names, which it
 * takes for regular expressions, and that the checkpoint is of the tree that the proof names. Throws an Error with a reason.
 */
export function loggedCertificates(entries: readonly TransparencyLogEntry[]): readonly Buffer[] {
  return entries.map(({ kindVersion: { kind, version }, canonicalizedBody, inclusionProof }) => {
    const names = [...(inclusionProof?.checkpoint?.envelope.matchAll(/^\u2014 (\S+) /gm) ?? [])].map(([, name]) => name ?? '');
    if (!names.every((name) => namePattern.test(name))) throw new Error('a checkpoint of the log is signed by what is no name');
    const [, size, hash] = inclusionProof?.checkpoint?.envelope.split('\n') ?? [];
    if (inclusionProof !== undefined && (size !== inclusionProof.treeSize || hash !== inclusionProof.rootHash.toString('base64')))
      throw new Error('a checkpoint of the log is of another tree than the proof');
    const shape = Object.hasOwn(bodies, `${kind} ${version}`) ? bodies[`${kind} ${version}`] : undefined;
    if (shape === undefined) throw new Error(`the log's entry is of the kind ${kind} ${version}, which is not known here`);
    return v.parse(shape, parseStrictJson(canonicalizedBody, { maxBytes: maxBodyBytes }));
  });
}

const namePattern = /^[A-Za-z0-9._:/-]{1,253}$/;
/** Entries of the kind intoto hold the whole statement. */
const maxBodyBytes = 128 * 1024 * 1024;
