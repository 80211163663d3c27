import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { TaggedLayer } from '../../../src/model/signed-document.ts';
import { toPreAuthentication } from '../../../src/sign/cosign/dsse.ts';
import { type LogAnswer, type SigstoreInstance, toDsseSpec } from '../sigstore-instance.ts';

export const issuer = 'https://token.actions.githubusercontent.com';
export const workflow = 'https://github.com/octo-org/octo-repo/.github/workflows/release.yml@refs/heads/main';
export const payloadType = 'application/vnd.in-toto+json';

/** A bundle as cosign 3 writes it without a key, and all that it is made of, so that a test can exchange parts. */
export async function makeCertifiedBundle(sigstore: SigstoreInstance, statement: Buffer, subject = workflow, claimed = issuer) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = await sigstore.issue(publicKey.export({ type: 'spki', format: 'der' }), subject, claimed);
  const signature = sign('sha256', toPreAuthentication(payloadType, statement), privateKey);
  const sig = signature.toString('base64');
  const envelope = { payload: statement.toString('base64'), payloadType, signatures: [{ sig }] };
  const verifier = toVerifier(certificate);
  const spec = toDsseSpec(statement, sig, verifier, Buffer.from(JSON.stringify(envelope)));
  const answer = await sigstore.log({ kind: 'dsse', apiVersion: '0.0.1', spec });
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString('base64') },
      tlogEntries: [toLogEntry(answer, 'dsse')],
      timestampVerificationData: { rfc3161Timestamps: [] as { signedTimestamp: string }[] },
    },
    dsseEnvelope: envelope,
  };
  return { bundle, certificate, privateKey, signature, answer };
}

export function toVerifier(certificate: Buffer): string {
  return Buffer.from(new X509Certificate(certificate).toString()).toString('base64');
}

export function toLogEntry(answer: LogAnswer, kind: string) {
  const proof = answer.verification.inclusionProof as {
    readonly treeSize: number;
    readonly rootHash: string;
    readonly checkpoint: string;
  };
  return {
    logIndex: String(answer.logIndex),
    logId: { keyId: Buffer.from(answer.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: '0.0.1' },
    integratedTime: String(answer.integratedTime),
    inclusionPromise: { signedEntryTimestamp: answer.verification.signedEntryTimestamp },
    inclusionProof: {
      treeSize: String(proof.treeSize),
      rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: answer.body,
  };
}

/** A layer at the tag `.sig` as cosign 2 writes it without a key. */
export async function makeCertifiedLayer(sigstore: SigstoreInstance, bytes: Buffer): Promise<TaggedLayer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = await sigstore.issue(publicKey.export({ type: 'spki', format: 'der' }), workflow, issuer);
  const content = sign('sha256', bytes, privateKey).toString('base64');
  const value = createHash('sha256').update(bytes).digest('hex');
  const spec = { data: { hash: { algorithm: 'sha256', value } }, signature: { content, publicKey: { content: toVerifier(certificate) } } };
  const { body, integratedTime, logID, logIndex, verification } = await sigstore.log({ kind: 'hashedrekord', apiVersion: '0.0.1', spec });
  return {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    bytes,
    annotations: {
      'dev.cosignproject.cosign/signature': content,
      'dev.sigstore.cosign/certificate': new X509Certificate(certificate).toString(),
      'dev.sigstore.cosign/bundle': JSON.stringify({
        SignedEntryTimestamp: verification.signedEntryTimestamp,
        Payload: { body, integratedTime, logIndex, logID },
      }),
    },
  };
}
