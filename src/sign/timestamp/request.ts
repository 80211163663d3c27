import { createHash, randomBytes } from 'node:crypto';
import { BerFields, berTags, readBer, readChildren, readInteger, toTagged } from '../../lib/ber.ts';
import { hashOf } from '../../lib/signature-algorithm.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import { timestampError } from './timestamp-error.ts';

export interface TimestampRequest {
  /** DER of a TimeStampReq. */
  readonly bytes: Uint8Array;
  /** Which the answer has to repeat, so that nobody can answer with what was asked for earlier. */
  readonly nonce: bigint;
}

/** Asks for a token over `signature`, hashed as `algorithm` hashes, with the authority's certificates in it (RFC 3161, 2.4.1). */
export function toTimestampRequest(signature: Uint8Array, algorithm: SignatureAlgorithm): TimestampRequest {
  const hash = hashOf(algorithm);
  const id = toTagged(berTags.sequence, Buffer.concat([toTagged(berTags.oid, hashIds[hash]), Buffer.of(0x05, 0)]));
  const imprint = toTagged(
    berTags.sequence,
    Buffer.concat([id, toTagged(berTags.octetString, createHash(hash).update(signature).digest())]),
  );
  // 63 bits, as there are authorities that read no more; positive, and without leading zeros.
  const nonce = randomBytes(8);
  nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40;
  const fields = [
    toTagged(berTags.integer, Buffer.of(1)),
    imprint,
    toTagged(berTags.integer, nonce),
    toTagged(berTags.boolean, Buffer.of(0xff)),
  ];
  return { bytes: toTagged(berTags.sequence, Buffer.concat(fields)), nonce: nonce.readBigUInt64BE() };
}

/**
 * The token of a TimeStampResp (RFC 3161, 2.4.2), not verified. Throws a StepError: `timestamp-refused` with the authority's reasons, or
 * `timestamp-authority` where it is none.
 */
export function parseTimestampResponse(bytes: Uint8Array, authority: string): Uint8Array {
  const { status, reasons, token } = readResponse(bytes, authority);
  if (status === 'granted' && token !== undefined) return token;
  const words = reasons.length === 0 ? 'it gives no reason' : reasons.join(', ');
  throw timestampError(
    'timestamp-refused',
    `Cannot get a timestamp from ${authority}: it refuses (${status}): ${toClipped(toVisibleLine(words), 300)}`,
  );
}

function readResponse(bytes: Uint8Array, authority: string) {
  try {
    const response = new BerFields(readBer(bytes));
    const info = new BerFields(response.take(berTags.sequence));
    const code = Number(readInteger(info.take(berTags.integer)));
    const texts = info.takeOptional(berTags.sequence);
    const words = texts === undefined ? [] : readChildren(texts).map(({ content }) => content.toString('utf8'));
    const failure = info.takeOptional(0x03);
    const token = response.takeOptional(berTags.sequence)?.raw;
    response.end();
    // 0 granted, 1 granted with modifications: the token is held against the request in any case.
    const status = code < 2 ? 'granted' : (statuses[code] ?? `status ${code}`);
    return { status, reasons: [...words, ...(failure === undefined ? [] : failuresIn(failure.content))], token };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    throw timestampError(
      'timestamp-authority',
      `Cannot get a timestamp from ${authority}: its answer is no TimeStampResp of RFC 3161 (${reason})`,
    );
  }
}

/** Names of the bits that are set; the first octet says how many of the last do not count. */
function failuresIn(bits: Buffer): readonly string[] {
  return Object.entries(failures).flatMap(([bit, name]) => {
    const octet = bits[1 + (Number(bit) >> 3)] ?? 0;
    return (octet & (0x80 >> (Number(bit) & 7))) === 0 ? [] : [name];
  });
}

/** RFC 3161, 2.4.2: PKIStatus. */
const statuses: Readonly<Record<number, string>> = {
  2: 'rejection',
  3: 'waiting',
  4: 'revocationWarning',
  5: 'revocationNotification',
};

/** RFC 3161, 2.4.2: PKIFailureInfo. */
const failures: Readonly<Record<number, string>> = {
  0: 'badAlg',
  2: 'badRequest',
  5: 'badDataFormat',
  14: 'timeNotAvailable',
  15: 'unacceptedPolicy',
  16: 'unacceptedExtension',
  17: 'addInfoNotAvailable',
  25: 'systemFailure',
};

/** 2.16.840.1.101.3.4.2.1 to .3, encoded (RFC 8017, B.1). */
const hashIds = {
  sha256: Buffer.from('608648016503040201', 'hex'),
  sha384: Buffer.from('608648016503040202', 'hex'),
  sha512: Buffer.from('608648016503040203', 'hex'),
} as const;
