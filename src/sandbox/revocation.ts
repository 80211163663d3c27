import type { X509Certificate } from 'node:crypto';
import { type Answer, type ReceivedRequest, toTextAnswer } from './exchange.ts';
import { issueOcspAnswer, readOcspRequest, refuseOcsp } from './revocation/ocsp-answer.ts';
import { issueRevocationList, type Revocation, type RevokingAuthority } from './revocation/revocation-list.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** Answers for the certificates of any number of authorities, each at its own path, by OCSP and by lists. */
export interface RevocationService extends StandIn {
  /** What the certificates of an authority have to name, before there is the authority. */
  addressesOf(name: string): { readonly crlUrl: string; readonly ocspUrl: string };
  /** From here on it is answered for them: all are good but those that are revoked. */
  enroll(name: string, authority: EnrolledAuthority): void;
  /** Revokes a certificate of the authority of that name. */
  revoke(name: string, revocation: Revocation): void;
}

export interface EnrolledAuthority extends RevokingAuthority {
  readonly issued: readonly X509Certificate[];
  /** Whom it lets answer by OCSP; default itself. */
  readonly responder?: RevokingAuthority | undefined;
}

interface Authority extends EnrolledAuthority {
  readonly revocations: Revocation[];
}

const dayMs = 24 * 60 * 60 * 1000;

/** Starts the service. Its clock is `now`; what it says counts for a day. */
export async function startRevocationService(options: StandInOptions = {}): Promise<RevocationService> {
  const { now = () => new Date() } = options;
  const authorities = new Map<string, Authority>();
  const standIn = await startStandIn((request) => answer(request, authorities, now()), options);
  return Object.assign(standIn, {
    addressesOf: (name: string) => ({ crlUrl: `${standIn.url}/${name}/list.crl`, ocspUrl: `${standIn.url}/${name}/ocsp` }),
    enroll: (name: string, authority: EnrolledAuthority) => void authorities.set(name, { ...authority, revocations: [] }),
    revoke: (name: string, revocation: Revocation) => void authorities.get(name)?.revocations.push(revocation),
  });
}

function answer({ method, url, body }: ReceivedRequest, authorities: ReadonlyMap<string, Authority>, now: Date): Answer {
  const [, name = '', kind, ...rest] = url.pathname.split('/');
  const authority = authorities.get(name);
  if (authority === undefined) return toTextAnswer(404, 'Not Found');
  // Whole seconds: RFC 5280 has no others (4.1.2.5.2).
  const second = Math.floor(now.getTime() / 1000) * 1000;
  const times = { thisUpdate: new Date(second - dayMs / 24), nextUpdate: new Date(second + dayMs) };
  if (kind === 'list.crl' && method === 'GET') {
    const list = issueRevocationList({ revocations: authority.revocations, number: authority.revocations.length + 1, ...times }, authority);
    return toBinaryAnswer('application/pkix-crl', list);
  }
  if (kind !== 'ocsp') return toTextAnswer(404, 'Not Found');
  // RFC 6960, A.1: base64 in the path, whose own slashes may stand there as they are.
  const request = method === 'POST' ? body : Buffer.from(decodeURIComponent(rest.join('/')), 'base64');
  return toBinaryAnswer('application/ocsp-response', answerOcsp(request, authority, times));
}

function answerOcsp(request: Buffer, authority: Authority, times: { readonly thisUpdate: Date; readonly nextUpdate: Date }): Buffer {
  const serialNumber = readOcspRequest(request);
  if (serialNumber === undefined) return refuseOcsp('malformedRequest');
  const certificate = authority.issued.find((issued) => issued.serialNumber === serialNumber);
  if (certificate === undefined) return refuseOcsp('unauthorized');
  const revocation = authority.revocations.find((revoked) => revoked.certificate.serialNumber === serialNumber);
  const responder = authority.responder ?? authority;
  const certificates = authority.responder === undefined ? [] : [authority.responder.certificate];
  return issueOcspAnswer({ certificate, issuer: authority.certificate, status: revocation ?? 'good', certificates, ...times }, responder);
}

function toBinaryAnswer(type: string, body: Buffer): Answer {
  return { status: 200, headers: { 'content-type': type }, body };
}
