import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHttp } from '../../../src/lib/http-client.ts';
import { issueOcspAnswer, type OcspAnswerFields, refuseOcsp } from '../../../src/sandbox/revocation/ocsp-answer.ts';
import { issueRevocationList, type RevocationListFields } from '../../../src/sandbox/revocation/revocation-list.ts';
import { type StandIn, startStandIn } from '../../../src/sandbox/stand-in.ts';
import { openRevocation } from '../../../src/sign/revocation/check.ts';
import { after, before, hourMs, makeLeaf, makeResponder, makeRoot, now } from './authority.ts';

const http = createHttp({ userAgent: 'test' });
const answers = new Map<string, Buffer>();
let server: StandIn;
beforeAll(async () => {
  server = await startStandIn(({ url }) => {
    const body = answers.get(url.pathname.split('/')[1] ?? '');
    return body === undefined ? { status: 404, headers: {}, body: Buffer.of() } : { status: 200, headers: {}, body };
  });
});
beforeEach(() => answers.clear());
afterAll(async () => {
  await server.close();
  http.close();
});

const root = makeRoot();
const stranger = makeRoot('Stranger');
const namesake = makeRoot();
const url = (name: string) => `${server.url}/${name}`;

async function statusOf(certificate: X509Certificate, signingTime?: Date, issuer = root): Promise<string> {
  const check = openRevocation({ http, now: () => now });
  const [leaf, last] = await check([certificate.raw, issuer.certificate.raw], signingTime);
  expect(last).toEqual({ subject: expect.stringContaining(`CN=${issuer.name}`), status: 'not-checkable' });
  return leaf?.reason === undefined ? `${leaf?.status}` : `${leaf.status}: ${leaf.reason}`;
}

function toList(fields: Partial<RevocationListFields> = {}, by = root): Buffer {
  return issueRevocationList({ revocations: [], thisUpdate: before, nextUpdate: after, number: 7, ...fields }, by);
}

test('a certificate that names no place cannot be asked for', async () => {
  expect(await statusOf(makeLeaf(root))).toBe('not-checkable');
});

describe('by a revocation list', () => {
  let leaf: X509Certificate;
  beforeAll(() => {
    leaf = makeLeaf(root, { crlUrls: [url('list')] });
  });
  const revoked = (change: object = {}) => ({ revocations: [{ certificate: leaf, time: before, ...change }] });
  const other = { certificate: makeLeaf(root, {}, 'Other'), time: before };

  test.each<[string, RegExp, () => Buffer | undefined]>([
    ['empty', /^good$/, () => toList()],
    ['of others', /^good$/, () => toList({ revocations: Array.from({ length: 1000 }, () => other) })],
    ['with it', /^revoked: since 2026-06-01T11:00:00\.000Z$/, () => toList({ revocations: [other, { certificate: leaf, time: before }] })],
    ['with it and a reason', /^revoked: .*, key compromise$/, () => toList(revoked({ reason: 1 }))],
    ['with it on hold', /^revoked: .*, certificate hold$/, () => toList(revoked({ reason: 6 }))],
    ['with it removed from the list', /^good$/, () => toList(revoked({ reason: 8 }))],
    ['for this point alone', /^good$/, () => toList({ scope: { url: url('list') } })],
    ['for leaves alone', /^good$/, () => toList({ scope: { onlyUsers: true } })],
    ['of another point', /^unknown: .*another distribution point/, () => toList({ scope: { url: url('list2') } })],
    ['for authorities alone', /^unknown: .*another kind/, () => toList({ scope: { onlyAuthorities: true } })],
    ['that is indirect', /^unknown: .*indirect/, () => toList({ scope: { isIndirect: true } })],
    ['by another authority', /^unknown: .*by another authority/, () => toList({}, stranger)],
    ['by an authority of the same name', /^unknown: .*not signed by/, () => toList({}, namesake)],
    ['that has expired', /^unknown: .*counted until 2026-06-01T11:59:59/, () => toList({ nextUpdate: new Date(now.getTime() - 1) })],
    ['that does not say until when it counts', /^unknown: .*nextUpdate/, () => toList({ nextUpdate: undefined })],
    ['of tomorrow', /^unknown: .*counts only from/, () => toList({ thisUpdate: after, nextUpdate: new Date(after.getTime() + hourMs) })],
    ['signed with SHA-1', /^unknown: .*1\.2\.840\.10045\.4\.1/, () => toList({ hash: 'sha1' })],
    ['signed with SHA-512', /^good$/, () => toList({ hash: 'sha512' })],
    ['that is a delta', /^unknown: .*delta list where a complete/, () => toList({ baseNumber: 6 })],
    [
      'with an unknown critical extension',
      /^unknown: .*1\.2\.3 is not known/,
      () => toList({ extensions: [{ oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }] }),
    ],
    ['with an unknown extension', /^good$/, () => toList({ extensions: [{ oid: '1.2.3', critical: false, value: Buffer.of(5, 0) }] })],
    [
      'with an entry that names another issuer',
      /^unknown: .*2\.5\.29\.29 is not known/,
      () => toList(revoked({ extensions: [{ oid: '2.5.29.29', critical: true, value: Buffer.of(0x30, 0) }] })),
    ],
    ['that is not there', /^unknown: .*answers with 404/, () => undefined],
    ['that is cut off', /^unknown: .*breaks off/, () => toList().subarray(0, -1)],
    ['with a byte more', /^unknown: .*bytes follow/, () => Buffer.concat([toList(), Buffer.of(0)])],
    ['that is a page', /^unknown/, () => Buffer.from('<html>')],
    ['that is empty', /^unknown/, () => Buffer.of()],
  ])('%s', async (_, status, list) => {
    const bytes = list();
    if (bytes !== undefined) answers.set('list', bytes);
    expect(await statusOf(leaf)).toMatch(status);
  });

  test('with any of its bytes changed it does not count, or says the same', async () => {
    const bytes = toList(revoked());
    const outcomes = new Set<string>();
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      answers.set('list', changed);
      outcomes.add((await statusOf(leaf)).replace(/:.*/, ''));
    }
    expect([...outcomes]).toEqual(['unknown']);
  });

  test('a revocation from a later date on counts unless somebody has vouched for an earlier time', async () => {
    answers.set('list', toList(revoked({ invalidFrom: before })));
    expect(await statusOf(leaf)).toMatch(/^revoked/);
    expect(await statusOf(leaf, now)).toMatch(/^revoked/);
    expect(await statusOf(leaf, new Date(before.getTime() - 1000))).toBe('good');
  });

  test('every point has to answer; the names of one are as good as each other', async () => {
    const twice = makeLeaf(root, { crlUrls: [url('one'), url('two')] });
    answers.set('one', toList());
    expect(await statusOf(twice)).toMatch(/^unknown: .*two: it answers with 404/);
    answers.set('two', toList({ revocations: [{ certificate: twice, time: before }] }));
    expect(await statusOf(twice)).toMatch(/^revoked/);
  });

  test('only http is asked', async () => {
    for (const address of ['https://127.0.0.1:1/list', 'ldap:///CN=list', 'file:///etc/passwd', 'http://user:word@127.0.0.1:1/list'])
      expect(await statusOf(makeLeaf(root, { crlUrls: [address] }))).toMatch(/^unknown: .*only addresses of http/);
    expect(server.requests.filter(({ url }) => url.pathname.includes('passwd'))).toEqual([]);
  });

  test('an authority that may not sign lists, and RSA', async () => {
    const mute = makeRoot('Mute', { keyUsage: { flags: 32, critical: true } });
    answers.set('list', toList({}, mute));
    expect(await statusOf(makeLeaf(mute, { crlUrls: [url('list')] }), undefined, mute)).toMatch(
      /^unknown: .*may not sign revocation lists/,
    );
    const rsa = makeRoot('RSA', {}, 'rsa');
    answers.set('list', toList({}, rsa));
    expect(await statusOf(makeLeaf(rsa, { crlUrls: [url('list')] }), undefined, rsa)).toBe('good');
  });

  test.each<[string, RegExp, Partial<RevocationListFields> | undefined]>([
    ['revokes', /^revoked/, { revocations: [] }],
    ['is not there', /^unknown: .*delta: it answers with 404/, undefined],
    ['is older than its base', /^unknown: .*does not go on/, { number: 7 }],
    ['is of a later base', /^unknown: .*does not go on/, { baseNumber: 8 }],
    ['is no delta', /^unknown: .*lack numbers/, { baseNumber: undefined }],
    ['has another scope', /^unknown: .*other certificates/, { scope: { onlyUsers: true } }],
    ['has expired', /^unknown: .*counted until/, { nextUpdate: before }],
  ])('a delta that %s', async (_, status, fields) => {
    answers.set('list', toList({ deltaUrl: url('delta') }));
    const revocations = [{ certificate: leaf, time: before }];
    if (fields !== undefined) answers.set('delta', toList({ number: 8, baseNumber: 7, ...fields, revocations }));
    expect(await statusOf(leaf)).toMatch(status);
  });

  test('a delta takes a certificate from hold', async () => {
    answers.set('list', toList({ ...revoked({ reason: 6, time: before }), deltaUrl: url('delta') }));
    answers.set('delta', toList({ number: 8, baseNumber: 7, ...revoked({ reason: 8, time: now }) }));
    expect(await statusOf(leaf)).toBe('good');
  });

  test('a list is fetched once for the certificates of a run', async () => {
    const check = openRevocation({ http, now: () => now });
    answers.set('list', toList());
    const asked = server.requests.length;
    await Promise.all([
      check([leaf.raw, root.certificate.raw]),
      check([makeLeaf(root, { crlUrls: [url('list')] }).raw, root.certificate.raw]),
    ]);
    await check([leaf.raw, root.certificate.raw]);
    expect(server.requests.length - asked).toBe(1);
  });

  test('a list above 32 MiB is not taken', async () => {
    answers.set('list', Buffer.alloc(32 * 1024 * 1024 + 1));
    expect(await statusOf(leaf)).toMatch(/^unknown: .*(larger|more than|too)/i);
  });
});

describe('by OCSP', () => {
  let leaf: X509Certificate;
  const responder = makeResponder(root);
  const plain = makeResponder(root, { extendedKeyUsage: undefined }, 'Plain');
  const old = makeResponder(root, { notAfter: before }, 'Old');
  const foreign = makeResponder(stranger, {}, 'Foreign');
  const mute = makeResponder(root, { keyUsage: { flags: 4, critical: true } }, 'Mute');
  beforeAll(() => {
    leaf = makeLeaf(root, { ocspUrls: [url('ocsp')] });
  });
  const toAnswer = (fields: Partial<OcspAnswerFields> = {}, by: typeof responder = root) =>
    issueOcspAnswer({ certificate: leaf, issuer: root.certificate, status: 'good', thisUpdate: before, nextUpdate: after, ...fields }, by);
  const by = (party: typeof responder, fields: Partial<OcspAnswerFields> = {}) =>
    toAnswer({ certificates: [party.certificate], ...fields }, party);

  test.each<[string, RegExp, () => Buffer | undefined]>([
    ['good', /^good$/, () => toAnswer()],
    ['good, by name', /^good$/, () => toAnswer({ responder: 'name' })],
    ['good, the issuer sent along', /^good$/, () => by(root)],
    ['revoked', /^revoked: since 2026-06-01T11:00:00\.000Z$/, () => toAnswer({ status: { time: before } })],
    ['revoked with a reason', /^revoked: .*, superseded$/, () => toAnswer({ status: { time: before, reason: 4 } })],
    ['unknown', /^unknown: .*does not know the certificate$/, () => toAnswer({ status: 'unknown' })],
    ['by a delegate', /^good$/, () => by(responder)],
    ['by a delegate, by name', /^good$/, () => by(responder, { responder: 'name' })],
    ['by a delegate beside others', /^good$/, () => by(responder, { certificates: [root.certificate, responder.certificate] })],
    ['by a delegate that is not sent along', /^unknown: .*not signed by the responder/, () => toAnswer({}, responder)],
    ['by somebody who may not answer', /^unknown: .*no OCSPSigning/, () => by(plain)],
    ['by a delegate that may not sign', /^unknown: .*may not sign/, () => by(mute)],
    ['by a delegate that has expired', /^unknown: .*not valid now/, () => by(old)],
    ["by another authority's delegate", /^unknown: .*not one of the certificate's issuer/, () => by(foreign)],
    ['by another authority', /^unknown: .*not one of the certificate's issuer/, () => by(stranger)],
    ['by an authority of the same name', /^unknown: .*not signed by the responder/, () => toAnswer({ responder: 'name' }, namesake)],
    [
      'in the name of another',
      /^unknown: .*not signed by/,
      () =>
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
    ['about another certificate', /^unknown: .*about another certificate/, () => toAnswer({ certificate: makeLeaf(root) })],
    ['about another issuer', /^unknown: .*about another certificate/, () => toAnswer({ issuer: stranger.certificate })],
    ['that has expired', /^unknown: .*counted until/, () => toAnswer({ nextUpdate: before })],
    ['without an end', /^unknown: .*nextUpdate/, () => toAnswer({ nextUpdate: undefined })],
    ['of tomorrow', /^unknown: .*counts only from/, () => toAnswer({ thisUpdate: after, nextUpdate: new Date(after.getTime() + hourMs) })],
    ['signed with SHA-1', /^unknown: .*1\.2\.840\.10045\.4\.1/, () => toAnswer({ hash: 'sha1' })],
    [
      'with an unknown critical extension',
      /^unknown: .*1\.2\.3 is not known/,
      () => toAnswer({ extensions: [{ oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }] }),
    ],
    ['that refuses', /^unknown: .*refuses: try later/, () => refuseOcsp('tryLater')],
    ['that does not know us', /^unknown: .*refuses: unauthorized/, () => refuseOcsp('unauthorized')],
    ['that is none', /^unknown: .*404/, () => undefined],
    ['that is a page', /^unknown/, () => Buffer.from('<html></html>')],
    ['that is cut off', /^unknown: .*breaks off/, () => toAnswer().subarray(0, -1)],
    ['above 20 KiB', /^unknown: .*(larger|more than|too)/i, () => Buffer.alloc(20 * 1024 + 1)],
  ])('%s', async (_, status, answer) => {
    const bytes = answer();
    if (bytes !== undefined) answers.set('ocsp', bytes);
    expect(await statusOf(leaf)).toMatch(status);
  });

  test('with any of its bytes changed it does not count', async () => {
    const bytes = toAnswer({ status: { time: before } });
    const outcomes = new Set<string>();
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      answers.set('ocsp', changed);
      outcomes.add((await statusOf(leaf)).replace(/:.*/, ''));
    }
    expect([...outcomes]).toEqual(['unknown']);
  });

  test('a revocation from a later date on counts unless somebody has vouched for an earlier time', async () => {
    answers.set('ocsp', toAnswer({ status: { time: now, invalidFrom: before } }));
    expect(await statusOf(leaf)).toMatch(/^revoked/);
    expect(await statusOf(leaf, new Date(before.getTime() - 1000))).toBe('good');
    expect(await statusOf(leaf, before)).toMatch(/^revoked/);
  });

  test('the second responder is asked where the first does not answer, and not where it does', async () => {
    const twice = makeLeaf(root, { ocspUrls: [url('first'), url('second')] });
    answers.set('second', toAnswer({ certificate: twice, status: { time: before } }));
    expect(await statusOf(twice)).toMatch(/^revoked/);
    answers.set('first', toAnswer({ certificate: twice }));
    expect(await statusOf(twice)).toBe('good');
  });

  test('the list is read where the responder says nothing, and not where it does', async () => {
    const both = makeLeaf(root, { ocspUrls: [url('ocsp')], crlUrls: [url('list')] });
    expect(await statusOf(both)).toMatch(/^unknown: .*ocsp: it answers with 404.*list: it answers with 404/);
    answers.set('list', toList({ revocations: [{ certificate: both, time: before }] }));
    expect(await statusOf(both)).toMatch(/^revoked/);
    answers.set('ocsp', toAnswer({ certificate: both, status: 'unknown' }));
    expect(await statusOf(both)).toMatch(/^revoked/);
    answers.set('ocsp', toAnswer({ certificate: both }));
    expect(await statusOf(both)).toBe('good');
  });

  test('a request that fits is in the address, a longer one is sent', async () => {
    const asked = server.requests.length;
    answers.set('ocsp', toAnswer());
    await statusOf(leaf);
    const [request] = server.requests.slice(asked);
    expect(request).toMatchObject({ method: 'GET' });
    expect((request?.url.pathname.length ?? 0) - '/ocsp/'.length).toBeLessThan(255);
  });

  test('a run that is cancelled waits for nobody', async () => {
    const cancel = new AbortController();
    const check = openRevocation({ http, now: () => now, cancelled: cancel.signal });
    cancel.abort(new Error('cancelled'));
    await expect(check([leaf.raw, root.certificate.raw])).rejects.toThrow('cancelled');
  });
});

test('what cannot be read is unknown', async () => {
  const check = openRevocation({ http, now: () => now });
  const leaf = makeLeaf(root, { extensions: [{ oid: '1.3.6.1.5.5.7.1.1', critical: false, value: Buffer.of(5, 0) }] });
  expect(await check([leaf.raw, root.certificate.raw])).toMatchObject([
    { status: 'unknown', reason: expect.stringMatching(/cannot be read/) },
  ]);
});
