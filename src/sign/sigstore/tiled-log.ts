import { createHash } from 'node:crypto';
import type { TransparencyLogEntry } from '@sigstore/bundle';
import { TransparencyLogEntry as EntryMessage } from '@sigstore/protobuf-specs';
import * as v from 'valibot';
import { parseStrictJson } from '../../lib/strict-json.ts';
import { logEntryShape } from '../cosign/bundle.ts';
import type { WitnessedSignature } from '../cosign/witness.ts';
import { askService, type SigstoreService, wrongAnswer } from './service.ts';

/**
 * Enters a signature by a key of P-256 in a log of Rekor's second version, which answers once it has published a checkpoint with it: after some seconds. Rejects
 * with a StepError. https://github.com/sigstore/rekor-tiles/blob/v2.3.0/CLIENTS.md#rekor-v2-api
 */
export async function logTiled(
  service: SigstoreService,
  { certificate, message, signature }: Pick<WitnessedSignature, 'certificate' | 'message' | 'signature'>,
): Promise<TransparencyLogEntry> {
  const answer = await askService(service, 'POST', '/api/v2/log/entries', {
    hashedRekordRequestV002: {
      digest: createHash('sha256').update(message).digest('base64'),
      signature: {
        content: Buffer.from(signature).toString('base64'),
        verifier: {
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          x509Certificate: { rawBytes: Buffer.from(certificate).toString('base64') },
        },
      },
    },
  });
  if ('conflict' in answer) throw wrongAnswer(service, 'it points elsewhere');
  try {
    const json = parseStrictJson(answer);
    v.assert(logEntryShape, json);
    const { logId, kindVersion, ...entry } = EntryMessage.fromJSON(json);
    if (logId === undefined || kindVersion === undefined) throw new Error('it does not say of which log and kind it is');
    return { ...entry, logId, kindVersion };
  } catch {
    throw wrongAnswer(service, 'it has no entry of a log');
  }
}
