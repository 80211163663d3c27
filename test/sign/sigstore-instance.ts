import { createHash, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fulcioHandler, initializeCA, initializeCTLog, initializeTLog, initializeTSA, tsaHandler } from '@sigstore/mock';
import { startTimestampAuthority, type TimestampAuthority } from '../../src/sandbox/timestamp.ts';
import { toPreAuthentication } from '../../src/sign/cosign/dsse.ts';
import { createTiledLog, type TiledLog } from './tiled-log.ts';

/** An instance of Sigstore by @sigstore/mock: Fulcio, Rekor of both versions and a timestamp authority behind one address. */
export interface SigstoreInstance {
  readonly url: string;
  /** Of a second authority of time, to be asked by HTTP (RFC 3161, 3.4). */
  readonly timestampUrl: string;
  /** trusted_root.json. */
  readonly trustedRoot: Buffer;
  /** What was asked, in order: method and path. */
  readonly asked: readonly string[];
  /** Answers the next requests for a path with these statuses, and words. */
  fail(path: string, ...failures: readonly (number | { readonly status: number; readonly message: string })[]): void;
  readonly issue: (publicKey: Buffer, subject: string, issuer: string) => Promise<Buffer>;
  /** A log entry, as Rekor answers. */
  readonly log: (body: object) => Promise<LogAnswer>;
  /** The same of the log of Rekor's second version. */
  readonly logTiled: TiledLog['add'];
  readonly timestamp: (signature: Uint8Array) => Promise<Buffer>;
  close(): Promise<void>;
}

export interface LogAnswer {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: { readonly signedEntryTimestamp: string; readonly inclusionProof: object };
}

const makeKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** `clock`: when the authority of certificates says that it is; undefined: now. */
export async function startSigstore(clock?: Date): Promise<SigstoreInstance> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ctLog = await initializeCTLog(makeKeys(), clock);
  const authority = await initializeCA(makeKeys(), ctLog, clock);
  const log = await initializeTLog(url, makeKeys());
  const timestamps = await initializeTSA(makeKeys());
  const tiled = createTiledLog(url);
  const authorityOfTime = await startTimestampAuthority();
  const parts = { url, authorityOfTime, ctLog, authority, log, tiled, timestamps };
  const add = async (body: object) => {
    const [answer] = Object.values(await log.log(body)) as unknown as LogAnswer[];
    if (answer === undefined) throw new Error('no entry');
    return answer;
  };
  const asked: string[] = [];
  const failures = new Map<string, Parameters<SigstoreInstance['fail']>[1][]>();
  server.on('request', async (request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path}`);
    const body = toMockRequest(await text(request), request.headers.authorization);
    const failure = failures.get(path)?.shift();
    const { status, message } = typeof failure === 'object' ? failure : { status: failure, message: 'made to fail' };
    const answer = status === undefined ? await answerTo(path, body) : { statusCode: status, response: JSON.stringify({ message }) };
    const headers = { 'content-type': 'application/json', ...('headers' in answer && answer.headers) };
    response.writeHead(answer.statusCode, headers);
    response.end(typeof answer.response === 'string' ? answer.response : Buffer.from(answer.response.buffer));
  });

  async function answerTo(path: string, body: string) {
    if (path === '/api/v2/signingCert') {
      const answer = await fulcioHandler(authority).fn(body);
      // The status of Fulcio itself.
      return { ...answer, statusCode: answer.statusCode === 201 ? 200 : answer.statusCode };
    }
    if (path === '/api/v1/timestamp') return tsaHandler(timestamps).fn(body);
    if (path === '/api/v2/log/entries') return { statusCode: 201, response: JSON.stringify(tiled.add(JSON.parse(body))) };
    if (path !== '/api/v1/log/entries') return { statusCode: 404, response: '{}' };
    const entry = toLogged(JSON.parse(body));
    if (entry === undefined) return { statusCode: 400, response: '{"message":"verifying signature"}' };
    const uuid = randomBytes(40).toString('hex');
    // By the tag clients in Go find the entry in the answer.
    return {
      statusCode: 201,
      response: JSON.stringify({ [uuid]: await add(entry) }),
      headers: { etag: uuid, location: `${path}/${uuid}` },
    };
  }

  return {
    url,
    timestampUrl: authorityOfTime.url,
    trustedRoot: Buffer.from(JSON.stringify(toTrustedRoot(parts))),
    asked,
    fail: (path, ...made) => void failures.set(path, [...made]),
    issue: async (publicKey, subject, issuer) => {
      // Of the old form and of the new one, as Fulcio says it.
      const extensions = [
        { oid: '1.3.6.1.4.1.57264.1.1', value: issuer, legacy: true },
        { oid: '1.3.6.1.4.1.57264.1.8', value: issuer },
      ];
      const certificate = await authority.issueCertificate({ publicKey: Uint8Array.from(publicKey), subjectAltName: subject, extensions });
      return Buffer.from(certificate.buffer);
    },
    log: add,
    logTiled: tiled.add,
    timestamp: async (signature) => {
      const artifactHash = createHash('sha256').update(signature).digest('base64');
      const { response } = await tsaHandler(timestamps).fn(JSON.stringify({ artifactHash, hashAlgorithm: 'sha256' }));
      if (typeof response === 'string') throw new Error(response);
      return Buffer.from(response.buffer);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await Promise.all([once(server, 'close'), authorityOfTime.close()]);
    },
  };
}

/** Clients in Go show their token in a header, where @sigstore/mock does not look. */
function toMockRequest(body: string, authorization: string | undefined): string {
  if (authorization === undefined) return body;
  return JSON.stringify({ ...JSON.parse(body), credentials: { oidcIdentityToken: authorization.replace(/^Bearer /i, '') } });
}

interface ProposedEntry {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: {
    readonly proposedContent?: { readonly envelope: string; readonly verifiers: readonly string[] };
    readonly data?: { readonly hash: { readonly value: string } };
    readonly signature?: { readonly content: string; readonly publicKey: { readonly content: string } };
  };
}

/** What Rekor keeps of an entry, which @sigstore/mock keeps as it was proposed; undefined where Rekor refuses it. */
function toLogged({ kind, apiVersion, spec }: ProposedEntry): object | undefined {
  if (kind === 'hashedrekord') return spec.signature === undefined || spec.data === undefined ? undefined : { kind, apiVersion, spec };
  const { envelope = '{}', verifiers: [verifier = ''] = [] } = spec.proposedContent ?? {};
  const { payload, payloadType, signatures } = JSON.parse(envelope);
  const content = Buffer.from(payload, 'base64');
  const signature = signatures[0].sig;
  const key = new X509Certificate(Buffer.from(verifier, 'base64')).publicKey;
  if (!verify('sha256', toPreAuthentication(payloadType, content), key, Buffer.from(signature, 'base64'))) return undefined;
  return { kind, apiVersion, spec: toDsseSpec(content, signature, verifier, Buffer.from(envelope)) };
}

/** https://github.com/sigstore/rekor/blob/v1.5.3/pkg/types/dsse/v0.0.1/dsse_v0_0_1_schema.json */
export function toDsseSpec(payload: Buffer, signature: string, verifier: string, envelope: Buffer): object {
  const hash = (bytes: Buffer) => ({ algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('hex') });
  return { envelopeHash: hash(envelope), payloadHash: hash(payload), signatures: [{ signature, verifier }] };
}

interface Parts {
  readonly url: string;
  readonly ctLog: Awaited<ReturnType<typeof initializeCTLog>>;
  readonly authority: Awaited<ReturnType<typeof initializeCA>>;
  readonly log: Awaited<ReturnType<typeof initializeTLog>>;
  readonly authorityOfTime: TimestampAuthority;
  readonly tiled: TiledLog;
  readonly timestamps: Awaited<ReturnType<typeof initializeTSA>>;
}

function toTrustedRoot({ url, authorityOfTime, ctLog, authority, log, tiled, timestamps }: Parts): object {
  const validFor = { start: '2020-01-01T00:00:00Z' };
  const toLog = (publicKey: Uint8Array) => ({
    baseUrl: url,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: Buffer.from(publicKey).toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  });
  const toAuthority = (...certificates: readonly ArrayBufferView<ArrayBuffer>[]) => ({
    subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
    uri: url,
    certChain: { certificates: certificates.map(({ buffer }) => ({ rawBytes: Buffer.from(buffer).toString('base64') })) },
    validFor,
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [toLog(log.publicKey), tiled.trusted],
    certificateAuthorities: [toAuthority(authority.rootCertificate)],
    ctlogs: [toLog(Buffer.from(ctLog.publicKey))],
    timestampAuthorities: [
      toAuthority(timestamps.intCertificate, timestamps.rootCertificate),
      toAuthority(...authorityOfTime.chain.certificates.map(({ raw }) => Uint8Array.from(raw))),
    ],
  };
}

/** A token as a host gives it; @sigstore/mock does not look at its signature. */
export function toToken(claims: Readonly<Record<string, string>>): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ aud: 'sigstore', ...claims })}.c2lnbmF0dXJl`;
}
