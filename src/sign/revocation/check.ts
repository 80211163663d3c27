import type { Http, HttpRequest } from '../../lib/http.ts';
import type { Verdict } from './extensions.ts';
import { readOcspAnswer, toOcspRequest } from './ocsp.ts';
import { parseRevocable, type RevocableCertificate } from './revocable-certificate.ts';
import {
  deltaNames,
  findRevocation,
  parseRevocationList,
  type RevocationList,
  verifyBase,
  verifyDelta,
  verifyRevocationList,
} from './revocation-list.ts';
import type { CheckRevocation, RevocationStatus } from './status.ts';

export interface RevocationOptions {
  readonly http: Http;
  readonly now: () => Date;
  /** Rejects what waits when it is aborted. */
  readonly cancelled?: AbortSignal;
}

/** Answers of OCSP have about 4 kB; notation takes 20 KiB. */
const maxAnswerBytes = 20 * 1024;
/** As notation. */
const maxListBytes = 32 * 1024 * 1024;
/** Lists above are fetched again for each certificate, so that many do not fill the memory. */
const maxKeptBytes = 1024 * 1024;
/** A certificate names one or two. */
const maxPlaces = 8;
const [answerDeadlineMs, listDeadlineMs] = [10_000, 60_000];

/**
 * Asks by OCSP, and where that says nothing by revocation lists, as notation does: over http alone, without following redirects; every distribution point
 * has to answer. What was asked once is kept as long as the function is. The root is not asked for.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/trust-store-trust-policy.md#certificate-revocation-evaluation
 */
export function openRevocation(options: RevocationOptions): CheckRevocation {
  const network = new Network(options);
  const statuses = new Map<string, Promise<RevocationStatus>>();
  return async (chain, { signingTime, isTrusted = true } = {}) => {
    const certificates = readChain(chain);
    if (typeof certificates === 'string') return [{ subject: 'of the signer', status: 'unknown', reason: certificates }];
    return Promise.all(
      certificates.map((certificate, at) => {
        const issuer = certificates[at + 1];
        if (!isTrusted) return untrustedStatus(certificate, issuer);
        const key = `${certificate.x509.fingerprint256} ${signingTime?.getTime()}`;
        const status = statuses.get(key) ?? checkCertificate({ certificate, issuer, signingTime, now: options.now(), network });
        statuses.set(key, status);
        return status;
      }),
    );
  };
}

/** Or why it cannot be read. */
function readChain(chain: readonly Uint8Array[]): readonly RevocableCertificate[] | string {
  try {
    return chain.map(parseRevocable);
  } catch (error) {
    return `what it says of revocation cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`;
  }
}

function untrustedStatus(certificate: RevocableCertificate, issuer: RevocableCertificate | undefined): RevocationStatus {
  const { subject } = certificate;
  if (!isCheckable(certificate, issuer)) return { subject, status: 'not-checkable' };
  return { subject, status: 'unknown', reason: 'nobody who is trusted names the addresses, which are not asked' };
}

function isCheckable({ ocspUrls, distributionPoints }: RevocableCertificate, issuer: RevocableCertificate | undefined): boolean {
  return issuer !== undefined && ocspUrls.length + distributionPoints.length > 0;
}

interface Question {
  readonly certificate: RevocableCertificate;
  /** Undefined for the root. */
  readonly issuer: RevocableCertificate | undefined;
  readonly signingTime: Date | undefined;
  readonly now: Date;
  readonly network: Network;
}

type IssuedQuestion = Question & { readonly issuer: RevocableCertificate };

async function checkCertificate({ issuer, ...question }: Question): Promise<RevocationStatus> {
  const { subject, ocspUrls, distributionPoints } = question.certificate;
  if (issuer === undefined || !isCheckable(question.certificate, issuer)) return { subject, status: 'not-checkable' };
  const failures: string[] = [];
  const asked = { ...question, issuer };
  for (const ask of [...(ocspUrls.length > 0 ? [askResponders] : []), ...(distributionPoints.length > 0 ? [readLists] : [])]) {
    try {
      const verdict = await ask(asked);
      return verdict.kind === 'good' ? { subject, status: 'good' } : { subject, status: 'revoked', reason: verdict.reason };
    } catch (error) {
      question.network.cancelled?.throwIfAborted();
      failures.push(error instanceof Error ? error.message : 'unknown error');
    }
  }
  return { subject, status: 'unknown', reason: failures.join('; ') };
}

/** The first answer that counts. Rejects where there is none, or the responder does not know the certificate. */
async function askResponders(question: IssuedQuestion): Promise<Verdict> {
  const { certificate, issuer, network } = question;
  const request = toOcspRequest(certificate, issuer);
  const answer = await takeFirst(certificate.ocspUrls, async (url) => readOcspAnswer(await network.ask(url, request), question));
  if (answer.kind === 'unknown') throw new Error(`the responder ${certificate.ocspUrls[0]} does not know the certificate`);
  return answer;
}

/** Rejects where one of the distribution points does not answer, and none says that it is revoked. */
async function readLists(question: IssuedQuestion): Promise<Verdict> {
  const { certificate } = question;
  if (certificate.namesDeltas) throw new Error('the certificate names a delta list of its own, which is not supported');
  if (certificate.distributionPoints.length > maxPlaces) throw new Error(`the certificate names more than ${maxPlaces} revocation lists`);
  for (const { urls, isIndirect } of certificate.distributionPoints) {
    if (isIndirect) throw new Error("the certificate's revocation list is by another authority, which is not supported");
    const verdict = await takeFirst(urls, (url) => readList(url, urls, question));
    if (verdict.kind === 'revoked') return verdict;
  }
  return { kind: 'good' };
}

async function readList(url: string, names: readonly string[], question: IssuedQuestion): Promise<Verdict> {
  const { certificate, issuer, network, now, signingTime } = question;
  const base = await network.fetchList(url);
  verifyBase(base);
  verifyRevocationList(base, certificate, issuer, { names, now });
  const deltaUrls = deltaNames(base);
  const delta = deltaUrls && (await takeFirst(deltaUrls, (deltaUrl) => network.fetchList(deltaUrl)));
  if (delta === undefined) return findRevocation([base], certificate, signingTime);
  // A delta's scope is that of its base, whose name it repeats.
  verifyRevocationList(delta, certificate, issuer, { names, now });
  verifyDelta(delta, base);
  return findRevocation([base, delta], certificate, signingTime);
}

/** The first place that gives something. Rejects with the reasons of all. */
async function takeFirst<Found>(urls: readonly string[], take: (url: string) => Promise<Found>): Promise<Found> {
  const failures: string[] = [];
  for (const url of urls.slice(0, maxPlaces)) {
    try {
      return await take(url);
    } catch (error) {
      failures.push(`${url}: ${error instanceof Error ? error.message : 'unknown error'}`);
    }
  }
  throw new Error(failures.join('; ') || 'no place is named');
}

/** Asks authorities, and keeps their lists. */
class Network {
  readonly cancelled: AbortSignal | undefined;
  readonly #http: Http;
  readonly #lists = new Map<string, Promise<RevocationList>>();

  constructor({ http, cancelled }: RevocationOptions) {
    this.#http = http;
    this.cancelled = cancelled;
  }

  /** RFC 6960, A.1: what fits into an address of 255 bytes may be asked for by GET, which servers between can keep. */
  ask(url: string, request: Buffer): Promise<Buffer> {
    const path = encodeURIComponent(request.toString('base64'));
    const limits = { maxBodyBytes: maxAnswerBytes, deadlineMs: answerDeadlineMs };
    if (path.length < 255) return this.#exchange({ method: 'GET', url: toUrl(`${url.replace(/\/$/, '')}/${path}`), ...limits });
    const headers = { 'content-type': 'application/ocsp-request' };
    return this.#exchange({ method: 'POST', url: toUrl(url), headers, body: request, ...limits });
  }

  fetchList(url: string): Promise<RevocationList> {
    const list = this.#lists.get(url) ?? this.#readList(url);
    this.#lists.set(url, list);
    return list;
  }

  async #readList(url: string): Promise<RevocationList> {
    const bytes = await this.#exchange({ method: 'GET', url: toUrl(url), maxBodyBytes: maxListBytes, deadlineMs: listDeadlineMs });
    if (bytes.length > maxKeptBytes) this.#lists.delete(url);
    return parseRevocationList(bytes);
  }

  async #exchange(request: HttpRequest): Promise<Buffer> {
    const { status, body } = await this.#http(this.cancelled === undefined ? request : { ...request, signal: this.cancelled });
    if (status !== 200) throw new Error(`it answers with ${status}`);
    return body;
  }
}

/** Over https a certificate would have to be checked in order to check one. */
function toUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') throw new Error('only addresses of http are asked');
  return url;
}
