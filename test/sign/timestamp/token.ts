import { createHash } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { MessageImprint, TimeStampReq } from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import type { TimestampChain } from '../../../src/sandbox/timestamp/chain.ts';
import { hashIds, issueToken, type TokenOptions } from '../../../src/sandbox/timestamp/token.ts';

/** A token over `message`, as the sandbox's authority gives it. */
export function tokenOver(
  message: Uint8Array,
  chain: TimestampChain,
  options: TokenOptions & { now?: Date; imprintHash?: keyof typeof hashIds } = {},
) {
  const { now = new Date(), imprintHash = 'sha256', ...rest } = options;
  const request = new TimeStampReq({
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm: hashIds[imprintHash], parameters: null }),
      hashedMessage: new OctetString(createHash(imprintHash).update(message).digest()),
    }),
    nonce: new Uint8Array([1, 2, 3]).buffer,
    certReq: true,
  });
  return Buffer.from(AsnConvert.serialize(issueToken(request, chain, now, rest)));
}
