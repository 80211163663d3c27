import { X509Certificate } from 'node:crypto';
import { bundleToJSON, envelopeToJSON, type TransparencyLogEntry } from '@sigstore/bundle';
// The builder alone: the index of the package loads its own HTTP client.
import { DSSEBundleBuilder } from '@sigstore/sign/dist/bundler/dsse.js';
import type { JsonValue } from '../../lib/strict-json.ts';
import { parseBundle } from './bundle.ts';
import type { CertifiedSignature } from './certificate-verification.ts';
import { certificateAnnotation, chainAnnotation, logAnnotation, readCertifiedLayer, timestampAnnotation } from './certified-layer.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { signDer } from './key-signature.ts';
import type { Testimony, WitnessedSigner } from './witness.ts';

/** A Sigstore bundle with the signer's certificate and its entry in the log, verified as others will verify it. Rejects with what signer and witness reject with. */
export async function toCertifiedBundle(signer: WitnessedSigner, statement: Uint8Array): Promise<Buffer> {
  const [certificate = new Uint8Array()] = await signer.witness.certify();
  const message = toPreAuthentication(statementMediaType, statement);
  const builder = new DSSEBundleBuilder({
    signer: {
      sign: async (message) => ({
        signature: await signDer(signer, message),
        key: { $case: 'x509Certificate', certificate: toPem(certificate) },
      }),
    },
    witnesses: [
      {
        testify: async (content) => {
          if (content.$case !== 'dsseEnvelope') throw new Error('the builder of envelopes made none');
          const envelope = Buffer.from(JSON.stringify(envelopeToJSON(content.dsseEnvelope)));
          const [{ sig: signature = Buffer.alloc(0) } = {}] = content.dsseEnvelope.signatures;
          const { tlogEntries, timestamps } = await signer.witness.testify({ certificate, message, signature, envelope });
          return { tlogEntries, rfc3161Timestamps: timestamps.map((signedTimestamp) => ({ signedTimestamp })) };
        },
      },
    ],
  });
  const made = await builder.create({ data: Buffer.from(statement), type: statementMediaType });
  const bytes = Buffer.from(JSON.stringify(bundleToJSON(made)));
  const { content, json } = parseBundle(bytes);
  await signer.witness.verify({ bundle: json, certificate, message, signature: content.signature, content: statement });
  return bytes;
}

/**
 * The same for a layer at a tag of cosign 2, which is annotated with the certificate, an entry of a log and a timestamp, where there are such: `message` is what was
 * signed, `content` what is in the envelope.
 */
export async function toCertifiedAnnotations(
  { witness }: WitnessedSigner,
  certificates: readonly Uint8Array[],
  { tlogEntries: [entry], timestamps: [timestamp] }: Testimony,
  signed: Pick<CertifiedSignature, 'message' | 'signature' | 'content' | 'stamped'>,
): Promise<Readonly<Record<string, string>>> {
  const [certificate = new Uint8Array(), ...issuers] = certificates;
  const annotations = {
    [certificateAnnotation]: toPem(certificate),
    [chainAnnotation]: issuers.map(toPem).join(''),
    ...(entry && { [logAnnotation]: JSON.stringify(toLogBundle(entry)) }),
    ...(timestamp && { [timestampAnnotation]: JSON.stringify({ SignedRFC3161Timestamp: timestamp.toString('base64') }) }),
  };
  const certified = readCertifiedLayer({ annotations }, signed);
  if (certified !== undefined) await witness.verify({ ...certified, ...signed });
  return annotations;
}

/** https://github.com/sigstore/cosign/blob/v3.1.3/pkg/cosign/bundle/rekor.go */
function toLogBundle({ inclusionPromise, canonicalizedBody, integratedTime, logIndex, logId }: TransparencyLogEntry): JsonValue {
  return {
    SignedEntryTimestamp: inclusionPromise?.signedEntryTimestamp.toString('base64') ?? '',
    Payload: {
      body: canonicalizedBody.toString('base64'),
      integratedTime: Number(integratedTime),
      logIndex: Number(logIndex),
      logID: logId.keyId.toString('hex'),
    },
  };
}

function toPem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
