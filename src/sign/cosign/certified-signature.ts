import { X509Certificate } from 'node:crypto';
import { bundleToJSON, envelopeToJSON, type TransparencyLogEntry } from '@sigstore/bundle';
// The builder alone: the index of the package loads its own HTTP client.
import { DSSEBundleBuilder } from '@sigstore/sign/dist/bundler/dsse.js';
import type { JsonValue } from '../../lib/strict-json.ts';
import { parseBundle } from './bundle.ts';
import { certificateAnnotation, chainAnnotation, logAnnotation, readCertifiedLayer } from './certified-layer.ts';
import { statementMediaType, toPreAuthentication } from './dsse.ts';
import { signDer } from './key-signature.ts';
import type { WitnessedSigner } from './witness.ts';

/** A Sigstore bundle with the signer's certificate and its entry in the log, verified as others will verify it. Rejects with what signer and witness reject with. */
export async function toCertifiedBundle(signer: WitnessedSigner, statement: Uint8Array): Promise<Buffer> {
  const [certificate = new Uint8Array()] = await signer.witness.certify();
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
          return { tlogEntries: [await signer.witness.testify({ kind: 'envelope', certificate, envelope })] };
        },
      },
    ],
  });
  const made = await builder.create({ data: Buffer.from(statement), type: statementMediaType });
  const bytes = Buffer.from(JSON.stringify(bundleToJSON(made)));
  const { content, json } = parseBundle(bytes);
  const message = toPreAuthentication(statementMediaType, statement);
  await signer.witness.verify({ bundle: json, certificate, message, signature: content.signature, content: statement });
  return bytes;
}

/**
 * The same for a layer at a tag of cosign 2, which is annotated with certificate and log entry: `message` is what was signed, `content` what the log has the hash of.
 */
export async function toCertifiedAnnotations(
  { witness }: WitnessedSigner,
  certificates: readonly Uint8Array[],
  entry: TransparencyLogEntry,
  signed: { readonly message: Uint8Array; readonly signature: Uint8Array; readonly content: Uint8Array },
): Promise<Readonly<Record<string, string>>> {
  const [certificate = new Uint8Array(), ...issuers] = certificates;
  const annotations = {
    [certificateAnnotation]: toPem(certificate),
    [chainAnnotation]: issuers.map(toPem).join(''),
    [logAnnotation]: JSON.stringify(toLogBundle(entry)),
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
