import { AsnConvert } from '@peculiar/asn1-schema';
import { PKIFailureInfo, PKIFreeText, PKIStatus, PKIStatusInfo, TimeStampReq, TimeStampResp } from '@peculiar/asn1-tsp';
import { type Answer, type ReceivedRequest, toTextAnswer } from './exchange.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';
import { createTimestampChain, type TimestampChain } from './timestamp/chain.ts';
import { hashIds, issueToken, type TokenOptions } from './timestamp/token.ts';

export interface TimestampAuthorityOptions extends StandInOptions {
  /** Default: one that is made for it. */
  readonly chain?: TimestampChain | undefined;
  readonly token?: TokenOptions | undefined;
  /** What every request is refused with, in place of a token. */
  readonly refusal?: { readonly text: string; readonly failure: keyof typeof failures } | undefined;
}

/** A timestamp authority of RFC 3161 over HTTP (3.4), at any path. */
export interface TimestampAuthority extends StandIn {
  readonly chain: TimestampChain;
  /** PEM of the root, which whoever asks has to trust. */
  readonly rootPem: string;
}

/** Starts a timestamp authority. Its clock is `now`. */
export async function startTimestampAuthority(options: TimestampAuthorityOptions = {}): Promise<TimestampAuthority> {
  const { now = () => new Date() } = options;
  const chain = options.chain ?? (await createTimestampChain({ now }));
  const standIn = await startStandIn((request) => answer(request, { ...options, now, chain }), options);
  return Object.assign(standIn, { chain, rootPem: chain.certificates.at(-1)?.toString() ?? '' });
}

interface Authority extends Pick<TimestampAuthorityOptions, 'token' | 'refusal'> {
  readonly chain: TimestampChain;
  readonly now: () => Date;
}

function answer({ method, headers, body }: ReceivedRequest, { chain, now, token, refusal }: Authority): Answer {
  if (method !== 'POST') return toTextAnswer(405, 'Method Not Allowed', { allow: 'POST' });
  if (headers['content-type'] !== 'application/timestamp-query') return toTextAnswer(415, 'Unsupported Media Type');
  const request = parseRequest(body);
  if (request === undefined) return refuse('the data submitted has the wrong format', 'badDataFormat');
  const hash = hashNames.get(request.messageImprint.hashAlgorithm.algorithm);
  if (hash === undefined) return refuse('hash algorithm is not supported', 'badAlg');
  if (request.messageImprint.hashedMessage.byteLength !== hash.bytes) return refuse('bad message digest', 'badDataFormat');
  if (refusal !== undefined) return refuse(refusal.text, refusal.failure);
  const timeStampToken = issueToken(request, chain, now(), token);
  return toReply(new TimeStampResp({ status: new PKIStatusInfo({ status: PKIStatus.granted }), timeStampToken }));
}

function parseRequest(body: Buffer): TimeStampReq | undefined {
  try {
    return AsnConvert.parse(body, TimeStampReq);
  } catch {
    return undefined;
  }
}

function refuse(text: string, failure: keyof typeof failures): Answer {
  const bits = Buffer.alloc(4);
  bits[failures[failure] >> 3] = 0x80 >> (failures[failure] & 7);
  const status = new PKIStatusInfo({
    status: PKIStatus.rejection,
    statusString: new PKIFreeText([text]),
    failInfo: new PKIFailureInfo(new Uint8Array(bits), 6),
  });
  return toReply(new TimeStampResp({ status }));
}

function toReply(response: TimeStampResp): Answer {
  const body = Buffer.from(AsnConvert.serialize(response));
  return { status: 200, headers: { 'content-type': 'application/timestamp-reply' }, body };
}

/** Bits of PKIFailureInfo (RFC 3161, 2.4.2). */
const failures = { badAlg: 0, badRequest: 2, badDataFormat: 5, timeNotAvailable: 14, systemFailure: 25 } as const;

const hashNames: ReadonlyMap<string, { readonly bytes: number }> = new Map([
  [hashIds.sha256, { bytes: 32 }],
  [hashIds.sha384, { bytes: 48 }],
  [hashIds.sha512, { bytes: 64 }],
]);
