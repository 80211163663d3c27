import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** A log as the second version of Rekor answers: it says no time, and signs its checkpoints by Ed25519. */
export interface TiledLog {
  /** As trusted_root.json has it. */
  readonly trusted: object;
  /** Takes a HashedRekordRequestV002 as what it says that it is, and gives a TransparencyLogEntry. */
  add(request: HashedRekordRequest): object;
}

export interface HashedRekordRequest {
  readonly hashedRekordRequestV002: {
    readonly digest: string;
    readonly signature: {
      readonly content: string;
      readonly verifier: { readonly keyDetails: string; readonly x509Certificate: { readonly rawBytes: string } };
    };
  };
}

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

export function createTiledLog(url: string): TiledLog {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const origin = new URL(url).hostname;
  // https://github.com/C2SP/C2SP/blob/main/signed-note.md#signatures
  const keyId = sha256(Buffer.from(`${origin}\n\u0001`), spki.subarray(-32));
  const leaves: Buffer[] = [];
  return {
    trusted: {
      baseUrl: url,
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: spki.toString('base64'), keyDetails: 'PKIX_ED25519', validFor: { start: '2020-01-01T00:00:00Z' } },
      logId: { keyId: keyId.toString('base64') },
    },
    add({ hashedRekordRequestV002: { digest, signature } }) {
      const { content, verifier } = signature;
      // In the order of RFC 8785.
      const logged = { content, verifier: { keyDetails: verifier.keyDetails, x509Certificate: verifier.x509Certificate } };
      const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature: logged } };
      const body = Buffer.from(JSON.stringify({ apiVersion: '0.0.2', kind: 'hashedrekord', spec }));
      const index = leaves.push(sha256(Buffer.of(0), body)) - 1;
      const root = rootOf(leaves).toString('base64');
      const note = `${origin}\n${leaves.length}\n${root}\n`;
      const signed = Buffer.concat([keyId.subarray(0, 4), sign(null, Buffer.from(note), privateKey)]).toString('base64');
      return {
        logIndex: String(index),
        logId: { keyId: keyId.toString('base64') },
        kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
        integratedTime: '0',
        inclusionPromise: null,
        inclusionProof: {
          logIndex: String(index),
          rootHash: root,
          treeSize: String(leaves.length),
          hashes: pathOf(leaves, index).map((hash) => hash.toString('base64')),
          checkpoint: { envelope: `${note}\n\u2014 ${origin} ${signed}\n` },
        },
        canonicalizedBody: body.toString('base64'),
      };
    },
  };
}

/** RFC 6962, 2.1. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [left, right] = halves(leaves);
  return right.length === 0 ? (left[0] ?? sha256()) : sha256(Buffer.of(1), rootOf(left), rootOf(right));
}

/** RFC 6962, 2.1.1. */
function pathOf(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  const [left, right] = halves(leaves);
  if (right.length === 0) return [];
  return index < left.length ? [...pathOf(left, index), rootOf(right)] : [...pathOf(right, index - left.length), rootOf(left)];
}

function halves(leaves: readonly Buffer[]): readonly [readonly Buffer[], readonly Buffer[]] {
  const half = leaves.length < 2 ? 1 : 2 ** Math.floor(Math.log2(leaves.length - 1));
  return [leaves.slice(0, half), leaves.slice(half)];
}
