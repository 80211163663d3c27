import type { X509Certificate } from 'node:crypto';
import { issueOcspAnswer, type OcspAnswerFields, refuseOcsp } from '../../../src/sandbox/revocation/ocsp-answer.ts';
import { issueRevocationList, type RevocationListFields } from '../../../src/sandbox/revocation/revocation-list.ts';
import { after, before, hourMs, makeLeaf, makeResponder, makeRoot, now, type Party } from './authority.ts';

export const root = makeRoot();
export const stranger = makeRoot('Stranger');
/** By the name of `root`, with another key. */
export const namesake = makeRoot();

export interface Place {
  readonly leaf: X509Certificate;
  /** Where its list is. */
  readonly url: string;
}

/** What is answered, what we make of it, and what notation does where that is another thing. */
type RevocationCase = readonly [
  what: string,
  status: RegExp,
  answer: (place: Place) => Buffer | undefined,
  notation?: 'good' | 'revoked' | 'unknown',
];

export function toList(fields: Partial<RevocationListFields> = {}, by: Party = root): Buffer {
  return issueRevocationList({ revocations: [], thisUpdate: before, nextUpdate: after, number: 7, ...fields }, by);
}

export function revoked(certificate: X509Certificate, change: object = {}) {
  return { revocations: [{ certificate, time: before, ...change }] };
}

export function toAnswer(certificate: X509Certificate, fields: Partial<OcspAnswerFields> = {}, by: Party = root): Buffer {
  return issueOcspAnswer({ certificate, issuer: root.certificate, status: 'good', thisUpdate: before, nextUpdate: after, ...fields }, by);
}

function by(leaf: X509Certificate, party: Party, fields: Partial<OcspAnswerFields> = {}): Buffer {
  return toAnswer(leaf, { certificates: [party.certificate], ...fields }, party);
}

const other = { certificate: makeLeaf(root, {}, 'Other'), time: before };

export const listCases: readonly RevocationCase[] = [
  ['empty', /^good$/, () => toList()],
  ['of others', /^good$/, () => toList({ revocations: Array.from({ length: 1000 }, () => other) })],
  ['with it', /^revoked: since \d{4}-[-\dT:]+\.000Z$/, ({ leaf }) => toList({ revocations: [other, { certificate: leaf, time: before }] })],
  ['with it and a reason', /^revoked: .*, key compromise$/, ({ leaf }) => toList(revoked(leaf, { reason: 1 }))],
  ['with it on hold', /^revoked: .*, certificate hold$/, ({ leaf }) => toList(revoked(leaf, { reason: 6 }))],
  ['with it removed from the list', /^good$/, ({ leaf }) => toList(revoked(leaf, { reason: 8 }))],
  ['for this point alone', /^good$/, ({ url }) => toList({ scope: { url } })],
  ['for leaves alone', /^good$/, () => toList({ scope: { onlyUsers: true } })],
  ['of another point', /^unknown: .*another distribution point/, ({ url }) => toList({ scope: { url: `${url}2` } }), 'good'],
  ['for authorities alone', /^unknown: .*another kind/, () => toList({ scope: { onlyAuthorities: true } }), 'good'],
  ['that is indirect', /^unknown: .*indirect/, () => toList({ scope: { isIndirect: true } }), 'good'],
  ['by another authority', /^unknown: .*by another authority/, () => toList({}, stranger)],
  ['by an authority of the same name', /^unknown: .*not signed by/, () => toList({}, namesake)],
  ['that has expired', /^unknown: .*counted until/, () => toList({ nextUpdate: new Date(now.getTime() - 1) })],
  ['that does not say until when it counts', /^unknown: .*nextUpdate/, () => toList({ nextUpdate: undefined })],
  [
    'of tomorrow',
    /^unknown: .*counts only from/,
    () => toList({ thisUpdate: after, nextUpdate: new Date(after.getTime() + hourMs) }),
    'good',
  ],
  ['signed with SHA-1', /^unknown: .*1\.2\.840\.10045\.4\.1/, () => toList({ hash: 'sha1' }), 'good'],
  ['signed with SHA-512', /^good$/, () => toList({ hash: 'sha512' })],
  ['that is a delta', /^unknown: .*delta list where a complete/, () => toList({ baseNumber: 6 }), 'good'],
  [
    'with an unknown critical extension',
    /^unknown: .*1\.2\.3 is not known/,
    () => toList({ extensions: [{ oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }] }),
  ],
  ['with an unknown extension', /^good$/, () => toList({ extensions: [{ oid: '1.2.3', critical: false, value: Buffer.of(5, 0) }] })],
  [
    'with an entry that names another issuer',
    /^unknown: .*2\.5\.29\.29 is not known/,
    ({ leaf }) => toList(revoked(leaf, { extensions: [{ oid: '2.5.29.29', critical: true, value: Buffer.of(0x30, 0) }] })),
  ],
  ['that is not there', /^unknown: .*answers with 404/, () => undefined],
  ['that is cut off', /^unknown: .*breaks off/, () => toList().subarray(0, -1)],
  ['with a byte more', /^unknown: .*bytes follow/, () => Buffer.concat([toList(), Buffer.of(0)]), 'good'],
  ['that is a page', /^unknown/, () => Buffer.from('<html>')],
  ['that is empty', /^unknown/, () => Buffer.of()],
];

const responder = makeResponder(root);
const plain = makeResponder(root, { extendedKeyUsage: undefined }, 'Plain');
const old = makeResponder(root, { notAfter: before }, 'Old');
const foreign = makeResponder(stranger, {}, 'Foreign');
const mute = makeResponder(root, { keyUsage: { flags: 4, critical: true } }, 'Mute');

export const answerCases: readonly RevocationCase[] = [
  ['good', /^good$/, ({ leaf }) => toAnswer(leaf)],
  ['good, by name', /^good$/, ({ leaf }) => toAnswer(leaf, { responder: 'name' })],
  ['good, the issuer sent along', /^good$/, ({ leaf }) => by(leaf, root)],
  ['revoked', /^revoked: since \d{4}-[-\dT:]+\.000Z$/, ({ leaf }) => toAnswer(leaf, { status: { time: before } })],
  ['revoked with a reason', /^revoked: .*, superseded$/, ({ leaf }) => toAnswer(leaf, { status: { time: before, reason: 4 } })],
  ['unknown', /^unknown: .*does not know the certificate$/, ({ leaf }) => toAnswer(leaf, { status: 'unknown' })],
  ['by a delegate', /^good$/, ({ leaf }) => by(leaf, responder)],
  ['by a delegate, by name', /^good$/, ({ leaf }) => by(leaf, responder, { responder: 'name' })],
  [
    'by a delegate beside others',
    /^good$/,
    ({ leaf }) => by(leaf, responder, { certificates: [root.certificate, responder.certificate] }),
    'unknown',
  ],
  ['by a delegate that is not sent along', /^unknown: .*not signed by the responder/, ({ leaf }) => toAnswer(leaf, {}, responder)],
  ['by somebody who may not answer', /^unknown: .*no OCSPSigning/, ({ leaf }) => by(leaf, plain), 'good'],
  ['by a delegate that may not sign', /^unknown: .*may not sign/, ({ leaf }) => by(leaf, mute), 'good'],
  ['by a delegate that has expired', /^unknown: .*not valid now/, ({ leaf }) => by(leaf, old), 'good'],
  ["by another authority's delegate", /^unknown: .*not one of the certificate's issuer/, ({ leaf }) => by(leaf, foreign)],
  ['by another authority', /^unknown: .*not one of the certificate's issuer/, ({ leaf }) => by(leaf, stranger)],
  [
    'by an authority of the same name',
    /^unknown: .*not signed by the responder/,
    ({ leaf }) => toAnswer(leaf, { responder: 'name' }, namesake),
  ],
  [
    'in the name of another',
    /^unknown: .*not signed by/,
    ({ leaf }) =>
      issueOcspAnswer(
        {
          certificate: leaf,
          issuer: root.certificate,
          status: 'good',
          thisUpdate: before,
          nextUpdate: after,
          certificates: [responder.certificate],
        },
        { certificate: responder.certificate, privateKey: stranger.privateKey },
      ),
  ],
  ['about another certificate', /^unknown: .*about another certificate/, ({ leaf }) => toAnswer(leaf, { certificate: makeLeaf(root) })],
  ['about another issuer', /^unknown: .*about another certificate/, ({ leaf }) => toAnswer(leaf, { issuer: stranger.certificate }), 'good'],
  ['that has expired', /^unknown: .*counted until/, ({ leaf }) => toAnswer(leaf, { nextUpdate: before })],
  ['without an end', /^unknown: .*nextUpdate/, ({ leaf }) => toAnswer(leaf, { nextUpdate: undefined })],
  [
    'of tomorrow',
    /^unknown: .*counts only from/,
    ({ leaf }) => toAnswer(leaf, { thisUpdate: after, nextUpdate: new Date(after.getTime() + hourMs) }),
    'good',
  ],
  ['signed with SHA-1', /^unknown: .*1\.2\.840\.10045\.4\.1/, ({ leaf }) => toAnswer(leaf, { hash: 'sha1' }), 'good'],
  [
    'with an unknown critical extension',
    /^unknown: .*1\.2\.3 is not known/,
    ({ leaf }) => toAnswer(leaf, { extensions: [{ oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }] }),
  ],
  ['that refuses', /^unknown: .*refuses: try later/, () => refuseOcsp('tryLater')],
  ['that does not know us', /^unknown: .*refuses: unauthorized/, () => refuseOcsp('unauthorized')],
  ['that is none', /^unknown: .*404/, () => undefined],
  ['that is a page', /^unknown/, () => Buffer.from('<html></html>')],
  ['that is cut off', /^unknown: .*breaks off/, ({ leaf }) => toAnswer(leaf).subarray(0, -1)],
  ['above 20 KiB', /^unknown: .*(larger|more than|too)/i, () => Buffer.alloc(20 * 1024 + 1)],
];
