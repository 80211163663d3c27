import { encode, Tagged } from 'cborg';
import type { KeySigner } from '../../src/model/signer.ts';
import type { SignedSubject } from '../../src/sign/notary/envelope.ts';

export type Format = 'jws' | 'cose';

/** An envelope in its parts, alike for both forms: JSON's names for the headers of COSE that have numbers there. */
export interface Parts {
  protected: Map<string, unknown>;
  payload: Record<string, unknown> | Buffer;
  chain: readonly Uint8Array[];
}

/** How an envelope is made another than it should be. */
export interface Tampering {
  /** Before it is signed by `by`. */
  readonly forge?: (parts: Parts) => void;
  readonly by: KeySigner;
  /** In place of how the key of the certificate signs. */
  readonly signs?: (message: Uint8Array, signer: KeySigner) => Promise<Uint8Array>;
  /** After it was signed. */
  readonly damage?: (parts: Parts) => void;
  readonly whole?: (bytes: Buffer) => Buffer;
}

export const [schemeName, timeName, expiryName] = ['io.cncf.notary.signingScheme', 'io.cncf.notary.signingTime', 'io.cncf.notary.expiry'];

const labels = new Map([
  ['alg', 1],
  ['crit', 2],
  ['cty', 3],
] as [string, number][]);
const algorithms = new Map<unknown, unknown>([
  ['ES256', -7],
  ['ES384', -35],
  ['PS256', -37],
  ['PS384', -38],
  ['RS256', -257],
]);

/** In whole seconds, as far from now. */
export const time = (offsetMs: number) => new Date(Math.floor((Date.now() + offsetMs) / 1000) * 1000);

/** Signs an envelope over `subject` without any of our own code for envelopes. */
export async function build(
  format: Format,
  subject: SignedSubject,
  { by, forge, signs, damage, whole = (bytes) => bytes }: Tampering,
): Promise<Buffer> {
  const { mediaType, digest, size } = subject;
  const parts: Parts = {
    protected: new Map<string, unknown>([
      ['alg', by.algorithm],
      ['cty', 'application/vnd.cncf.notary.payload.v1+json'],
      ['crit', [schemeName]],
      [schemeName, 'notary.x509'],
      [timeName, time(-60_000)],
    ]),
    payload: { targetArtifact: { mediaType, digest, size } },
    chain: by.certificateChain,
  };
  forge?.(parts);
  const write = format === 'jws' ? writeJws : writeCose;
  const signature = await (signs ?? ((message) => by.sign(message)))(write(parts).signingInput, by);
  damage?.(parts);
  return whole(write(parts).complete(signature));
}

function payloadOf({ payload }: Parts): Buffer {
  return Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
}

function writeJws(parts: Parts) {
  const plain = [...parts.protected].map(([name, value]) => [name, value instanceof Date ? `${value.toISOString().slice(0, 19)}Z` : value]);
  const protectedPart = Buffer.from(JSON.stringify(Object.fromEntries(plain))).toString('base64url');
  const payload = payloadOf(parts).toString('base64url');
  const x5c = parts.chain.map((der) => Buffer.from(der).toString('base64'));
  return {
    signingInput: Buffer.from(`${protectedPart}.${payload}`),
    complete: (signature: Uint8Array) =>
      Buffer.from(
        JSON.stringify({ payload, protected: protectedPart, header: { x5c }, signature: Buffer.from(signature).toString('base64url') }),
      ),
  };
}

function writeCose(parts: Parts) {
  const entries = [...parts.protected].map(([name, value]): [string | number, unknown] => [
    labels.get(name) ?? name,
    name === 'alg' ? (algorithms.get(value) ?? value) : value instanceof Date ? new Tagged(1, value.getTime() / 1000) : value,
  ]);
  const protectedBytes = encode(new Map(entries));
  const payload = new Uint8Array(payloadOf(parts));
  return {
    signingInput: Buffer.from(encode(['Signature1', protectedBytes, new Uint8Array(), payload])),
    complete: (signature: Uint8Array) => {
      const unprotected = new Map([[33, parts.chain.map((der) => new Uint8Array(der))]]);
      return Buffer.from(encode(new Tagged(18, [protectedBytes, unprotected, payload, new Uint8Array(signature)])));
    },
  };
}
