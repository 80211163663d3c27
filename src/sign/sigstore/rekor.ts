import { createHash, X509Certificate } from 'node:crypto';
import type { TransparencyLogEntry } from '@sigstore/bundle';
import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';
import { hexBytes } from '../../lib/hex.ts';
import { type JsonValue, parseStrictJson } from '../../lib/strict-json.ts';
import type { WitnessedSignature } from '../cosign/witness.ts';
import { askService, type SigstoreService, wrongAnswer } from './service.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** LogEntry of https://github.com/sigstore/rekor/blob/v1.5.3/openapi.yaml */
const entryShape = v.object({
  body: base64Bytes,
  integratedTime: v.pipe(count, v.minValue(1)),
  logID: hexBytes,
  logIndex: count,
  verification: v.object({
    signedEntryTimestamp: base64Bytes,
    inclusionProof: v.object({
      checkpoint: v.string(),
      hashes: v.array(hexBytes),
      logIndex: count,
      rootHash: hexBytes,
      treeSize: count,
    }),
  }),
});
const kindShape = v.object({ kind: v.string(), apiVersion: v.string() });

/** Enters a signature in a log of Rekor's first version; one that is there already is taken over. Rejects with a StepError. */
export async function logSignature(service: SigstoreService, signed: WitnessedSignature): Promise<TransparencyLogEntry> {
  const answer = await askService(service, 'POST', '/api/v1/log/entries', toProposal(signed));
  if (!('conflict' in answer)) return readEntry(service, answer);
  const uuid = /\/([0-9a-f]{64,80})$/.exec(answer.conflict)?.[1];
  const kept = uuid === undefined ? undefined : await askService(service, 'GET', `/api/v1/log/entries/${uuid}`);
  if (kept === undefined || 'conflict' in kept) throw wrongAnswer(service, 'it has the entry already and does not say where');
  return readEntry(service, kept);
}

/** https://github.com/sigstore/rekor/blob/v1.5.3/types.md */
function toProposal(signed: WitnessedSignature): JsonValue {
  const verifier = Buffer.from(new X509Certificate(signed.certificate).toString()).toString('base64');
  if (signed.envelope !== undefined) {
    const proposedContent = { envelope: Buffer.from(signed.envelope).toString(), verifiers: [verifier] };
    return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } };
  }
  const value = createHash('sha256').update(signed.message).digest('hex');
  const signature = { content: Buffer.from(signed.signature).toString('base64'), publicKey: { content: verifier } };
  return { apiVersion: '0.0.1', kind: 'hashedrekord', spec: { data: { hash: { algorithm: 'sha256', value } }, signature } };
}

function readEntry(service: SigstoreService, body: Uint8Array): TransparencyLogEntry {
  try {
    const [entry, ...others] = Object.values(v.parse(v.record(v.string(), entryShape), parseStrictJson(body)));
    if (entry === undefined || others.length > 0) throw new Error('one entry is expected');
    const { kind, apiVersion } = v.parse(kindShape, parseStrictJson(entry.body));
    const { signedEntryTimestamp, inclusionProof } = entry.verification;
    const { checkpoint, hashes, logIndex, rootHash, treeSize } = inclusionProof;
    return {
      logIndex: String(entry.logIndex),
      logId: { keyId: entry.logID },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(entry.integratedTime),
      inclusionPromise: { signedEntryTimestamp },
      inclusionProof: { logIndex: String(logIndex), rootHash, treeSize: String(treeSize), hashes, checkpoint: { envelope: checkpoint } },
      canonicalizedBody: entry.body,
    };
  } catch {
    throw wrongAnswer(service, 'it has no entry of a log');
  }
}
