/** Of in-toto statements: https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md */
export const statementMediaType = 'application/vnd.in-toto+json';

/** What a DSSE signature is over. https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md#signature-definition */
export function toPreAuthentication(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
