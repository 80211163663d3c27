import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BerElement, readBer, readChildren, toTagged } from '../../../src/lib/ber.ts';
import { createHttp } from '../../../src/lib/http-client.ts';
import type { RevocationListFields } from '../../../src/sandbox/revocation/revocation-list.ts';
import { type StandIn, startStandIn } from '../../../src/sandbox/stand-in.ts';
import { openRevocation } from '../../../src/sign/revocation/check.ts';
import { before, makeLeaf, makeRoot, now } from './authority.ts';
import { answerCases, listCases, revoked, root, toAnswer, toList } from './cases.ts';

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

const url = (name: string) => `${server.url}/${name}`;

async function statusOf(certificate: X509Certificate, signingTime?: Date, issuer = root): Promise<string> {
  const check = openRevocation({ http, now: () => now });
  const [leaf, last] = await check([certificate.raw, issuer.certificate.raw], { signingTime });
  expect(last).toEqual({ subject: expect.stringContaining(`CN=${issuer.name}`), status: 'not-checkable' });
  return leaf?.reason === undefined ? `${leaf?.status}` : `${leaf.status}: ${leaf.reason}`;
}

test('a certificate that names no place cannot be asked for', async () => {
  expect(await statusOf(makeLeaf(root))).toBe('not-checkable');
});

describe('by a revocation list', () => {
  let leaf: X509Certificate;
  beforeAll(() => {
    leaf = makeLeaf(root, { crlUrls: [url('list')] });
  });
  test.each(listCases.map(([what, status, list]) => ({ what, status, list })))('$what', async ({ status, list }) => {
    const bytes = list({ leaf, url: url('list') });
    if (bytes !== undefined) answers.set('list', bytes);
    expect(await statusOf(leaf)).toMatch(status);
  });

  test('with any of its bytes changed it does not count, or says the same', async () => {
    const bytes = toList(revoked(leaf));
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
    answers.set('list', toList(revoked(leaf, { invalidFrom: before })));
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
    answers.set('list', toList({ ...revoked(leaf, { reason: 6, time: before }), deltaUrl: url('delta') }));
    answers.set('delta', toList({ number: 8, baseNumber: 7, ...revoked(leaf, { reason: 8, time: now }) }));
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

  test('lists that are made to fill the memory are not read, before anybody asks who signed them', async () => {
    const sequence = (...parts: readonly Uint8Array[]) => toTagged(0x30, Buffer.concat(parts));
    const nulls = Buffer.alloc(16_000_000).fill(Buffer.of(5, 0));
    const end = [sequence(), toTagged(3, Buffer.of(0))];
    answers.set('list', sequence(sequence(nulls), ...end));
    expect(await statusOf(leaf)).toMatch(/^unknown: .*more than 100000 elements/);
    const list = readChildren(readBer(toList()));
    const fields = readChildren(list[0] as BerElement).slice(0, -1);
    const extensions = Array.from({ length: 1000 }, (_, at) =>
      sequence(toTagged(6, Buffer.of(0x2a, 0x83, at & 0x7f, 1)), toTagged(4, Buffer.of(5, 0))),
    );
    const many = toTagged(0xa0, sequence(...extensions));
    answers.set('list', sequence(sequence(...fields.map(({ raw }) => raw), many), ...list.slice(1).map(({ raw }) => raw)));
    expect(await statusOf(leaf)).toMatch(/^unknown: .*more than 64 extensions/);
  });

  test('a list above 32 MiB is not taken', async () => {
    answers.set('list', Buffer.alloc(32 * 1024 * 1024 + 1));
    expect(await statusOf(leaf)).toMatch(/^unknown: .*(larger|more than|too)/i);
  });
});

describe('by OCSP', () => {
  let leaf: X509Certificate;
  beforeAll(() => {
    leaf = makeLeaf(root, { ocspUrls: [url('ocsp')] });
  });

  test.each(answerCases.map(([what, status, answer]) => ({ what, status, answer })))('$what', async ({ status, answer }) => {
    const bytes = answer({ leaf, url: url('ocsp') });
    if (bytes !== undefined) answers.set('ocsp', bytes);
    expect(await statusOf(leaf)).toMatch(status);
  });

  test('with any of its bytes changed it does not count', async () => {
    const bytes = toAnswer(leaf, { status: { time: before } });
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
    answers.set('ocsp', toAnswer(leaf, { status: { time: now, invalidFrom: before } }));
    expect(await statusOf(leaf)).toMatch(/^revoked/);
    expect(await statusOf(leaf, new Date(before.getTime() - 1000))).toBe('good');
    expect(await statusOf(leaf, before)).toMatch(/^revoked/);
  });

  test('the second responder is asked where the first does not answer, and not where it does', async () => {
    const twice = makeLeaf(root, { ocspUrls: [url('first'), url('second')] });
    answers.set('second', toAnswer(twice, { status: { time: before } }));
    expect(await statusOf(twice)).toMatch(/^revoked/);
    answers.set('first', toAnswer(twice));
    expect(await statusOf(twice)).toBe('good');
  });

  test('the list is read where the responder says nothing, and not where it does', async () => {
    const both = makeLeaf(root, { ocspUrls: [url('ocsp')], crlUrls: [url('list')] });
    expect(await statusOf(both)).toMatch(/^unknown: .*ocsp: it answers with 404.*list: it answers with 404/);
    answers.set('list', toList({ revocations: [{ certificate: both, time: before }] }));
    expect(await statusOf(both)).toMatch(/^revoked/);
    answers.set('ocsp', toAnswer(both, { status: 'unknown' }));
    expect(await statusOf(both)).toMatch(/^revoked/);
    answers.set('ocsp', toAnswer(both));
    expect(await statusOf(both)).toBe('good');
  });

  test('a request that fits is in the address, a longer one is sent', async () => {
    const asked = server.requests.length;
    answers.set('ocsp', toAnswer(leaf));
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

test('of a chain that nobody trusts nothing is asked', async () => {
  const check = openRevocation({ http, now: () => now });
  const asked = server.requests.length;
  const chain = [makeLeaf(root, { crlUrls: [url('list')], ocspUrls: [url('ocsp')] }).raw, root.certificate.raw];
  expect(await check(chain, { isTrusted: false })).toMatchObject([{ status: 'unknown' }, { status: 'not-checkable' }]);
  expect(await check([makeLeaf(root).raw, root.certificate.raw], { isTrusted: false })).toMatchObject([{ status: 'not-checkable' }, {}]);
  expect(server.requests.length).toBe(asked);
});

test('what cannot be read is unknown', async () => {
  const check = openRevocation({ http, now: () => now });
  const leaf = makeLeaf(root, { extensions: [{ oid: '1.3.6.1.5.5.7.1.1', critical: false, value: Buffer.of(5, 0) }] });
  expect(await check([leaf.raw, root.certificate.raw])).toMatchObject([
    { status: 'unknown', reason: expect.stringMatching(/cannot be read/) },
  ]);
});
