import { createHash, sign, type X509Certificate } from 'node:crypto';
import {
  BasicOCSPResponse,
  CertID,
  CertStatus,
  id_pkix_ocsp_basic,
  KeyHash,
  OCSPRequest,
  OCSPResponse,
  OCSPResponseStatus,
  ResponderID,
  ResponseBytes,
  ResponseData,
  RevokedInfo,
  SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  Certificate,
  CRLReason,
  type CRLReasons,
  Extension,
  InvalidityDate,
  id_ce_invalidityDate,
} from '@peculiar/asn1-x509';
import { toSignatureAlgorithm } from '../certificate/x509.ts';
import type { RawExtension, Revocation, RevokingAuthority } from './revocation-list.ts';

export interface OcspAnswerFields {
  /** Whom it is about, and who issued it. */
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  readonly status: 'good' | 'unknown' | Omit<Revocation, 'certificate'>;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date | undefined;
  /** Certificates that are sent along. */
  readonly certificates?: readonly X509Certificate[] | undefined;
  /** How the responder names itself. Default by its key. */
  readonly responder?: 'key' | 'name' | undefined;
  readonly extensions?: readonly RawExtension[] | undefined;
  readonly hash?: 'sha1' | 'sha256' | undefined;
}

/** Makes an answer (RFC 6960, 4.2) that `responder` signs, in DER. */
export function issueOcspAnswer(fields: OcspAnswerFields, responder: RevokingAuthority): Buffer {
  const { status, certificates = [], extensions = [], hash = 'sha256' } = fields;
  const single = [...extensions, ...(typeof status === 'object' && status.invalidFrom ? [toInvalidityDate(status.invalidFrom)] : [])];
  const data = new ResponseData({
    responderID: toResponder(responder.certificate, fields.responder),
    producedAt: fields.thisUpdate,
    responses: [
      new SingleResponse({
        certID: toCertId(fields.certificate, fields.issuer),
        certStatus: toStatus(status),
        thisUpdate: fields.thisUpdate,
        ...(fields.nextUpdate && { nextUpdate: fields.nextUpdate }),
        ...(single.length > 0 && { singleExtensions: single.map(toExtension) }),
      }),
    ],
  });
  const basic = new BasicOCSPResponse({
    tbsResponseData: data,
    signatureAlgorithm: toSignatureAlgorithm(responder.privateKey, hash),
    signature: toArrayBuffer(sign(hash, Buffer.from(AsnConvert.serialize(data)), responder.privateKey)),
    ...(certificates.length > 0 && { certs: certificates.map(({ raw }) => AsnConvert.parse(raw, Certificate)) }),
  });
  const responseBytes = new ResponseBytes({ responseType: id_pkix_ocsp_basic, response: new OctetString(AsnConvert.serialize(basic)) });
  return toAnswer(new OCSPResponse({ responseStatus: OCSPResponseStatus.successful, responseBytes }));
}

/** An answer without one (RFC 6960, 4.2.1). */
export function refuseOcsp(reason: 'malformedRequest' | 'internalError' | 'tryLater' | 'sigRequired' | 'unauthorized'): Buffer {
  return toAnswer(new OCSPResponse({ responseStatus: OCSPResponseStatus[reason] }));
}

/** The serial number that is asked for, in hexadecimal digits as Node gives it; undefined where it is no request for one. */
export function readOcspRequest(bytes: Uint8Array): string | undefined {
  try {
    const [request, ...others] = AsnConvert.parse(bytes, OCSPRequest).tbsRequest.requestList;
    if (request === undefined || others.length > 0) return undefined;
    return Buffer.from(request.reqCert.serialNumber)
      .toString('hex')
      .replace(/^00(?=..)/, '')
      .toUpperCase();
  } catch {
    return undefined;
  }
}

function toCertId(certificate: X509Certificate, issuer: X509Certificate): CertID {
  const { subject, subjectPublicKeyInfo } = AsnConvert.parse(issuer.raw, Certificate).tbsCertificate;
  return new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: '1.3.14.3.2.26', parameters: null }),
    issuerNameHash: toHash(Buffer.from(AsnConvert.serialize(subject))),
    issuerKeyHash: toHash(Buffer.from(subjectPublicKeyInfo.subjectPublicKey)),
    serialNumber: AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.serialNumber,
  });
}

function toResponder(certificate: X509Certificate, form: 'key' | 'name' = 'key'): ResponderID {
  const { subject, subjectPublicKeyInfo } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  if (form === 'name') return new ResponderID({ byName: subject });
  return new ResponderID({ byKey: new KeyHash(toHash(Buffer.from(subjectPublicKeyInfo.subjectPublicKey)).buffer) });
}

function toStatus(status: OcspAnswerFields['status']): CertStatus {
  if (status === 'good') return new CertStatus({ good: null });
  if (status === 'unknown') return new CertStatus({ unknown: null });
  const { time, reason } = status;
  return new CertStatus({
    revoked: new RevokedInfo({
      revocationTime: time,
      ...(reason !== undefined && { revocationReason: new CRLReason(reason as CRLReasons) }),
    }),
  });
}

function toInvalidityDate(time: Date): RawExtension {
  return { oid: id_ce_invalidityDate, critical: false, value: new Uint8Array(AsnConvert.serialize(new InvalidityDate(time))) };
}

function toExtension({ oid, critical, value }: RawExtension): Extension {
  return new Extension({ extnID: oid, critical, extnValue: new OctetString(toArrayBuffer(value)) });
}

function toHash(bytes: Buffer): OctetString {
  return new OctetString(toArrayBuffer(createHash('sha1').update(bytes).digest()));
}

function toAnswer(response: OCSPResponse): Buffer {
  return Buffer.from(AsnConvert.serialize(response));
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
