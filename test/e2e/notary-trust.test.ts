import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { type RevocationService, startRevocationService } from '../../src/sandbox/revocation.ts';
import { type StandIn, startStandIn } from '../../src/sandbox/stand-in.ts';
import { createTimestampChain, type TimestampChain } from '../../src/sandbox/timestamp/chain.ts';
import { notaryArtifactType, signNotary, thumbprintAnnotation, toThumbprint } from '../../src/sign/notary/signature.ts';
import { parseTrustPolicy, statementFor } from '../../src/sign/notary/trust-policy.ts';
import { openTrustStores } from '../../src/sign/notary/trust-store.ts';
import { verifyNotary } from '../../src/sign/notary/verification.ts';
import { openRevocation } from '../../src/sign/revocation/check.ts';
import { readOcspAnswer, toOcspRequest } from '../../src/sign/revocation/ocsp.ts';
import { parseRevocable } from '../../src/sign/revocation/revocable-certificate.ts';
import { type ChainParts, makeChain, makeSigner, toPem } from '../sign/chain.ts';
import { refusedPolicies, toPolicy } from '../sign/notary/refused-policies.ts';
import { before, hourMs, makeResponder, makeSigningParty, now, type Party } from '../sign/revocation/authority.ts';
import { answerCases, listCases, root } from '../sign/revocation/cases.ts';
import { tokenOver } from '../sign/timestamp/token.ts';
import { NotationRegistry, type Pushed, type Signature } from './notation-registry.ts';
import { peer } from './peers.ts';
import { build, schemeName, time, timeName } from './tampered-envelope.ts';

const run = promisify(execFile);
const http = createHttp({ userAgent: 'test' });
const dayMs = 24 * hourMs;

let registry: NotationRegistry;
let revocation: RevocationService;
/** Answers whatever stands in `answers` at the first part of the path. */
let places: StandIn;
const answers = new Map<string, Buffer>();
beforeAll(async () => {
  registry = await NotationRegistry.start();
  revocation = await startRevocationService();
  places = await startStandIn(({ url }) => {
    const body = answers.get(url.pathname.split('/')[1] ?? '');
    return { status: body === undefined ? 404 : 200, headers: {}, body: body ?? Buffer.of() };
  });
});
afterAll(async () => {
  await Promise.all([registry?.stop(), revocation?.close(), places?.close()]);
  http.close();
});

/** A signed image in the registry. */
interface Artifact {
  readonly repository: string;
  readonly subject: Pushed;
  readonly signature: Signature;
  /** PEM of what its chain ends with. */
  readonly rootPem: string;
}

interface Trust {
  readonly policy: string;
  /** Files in the folder of the trust stores, `ca/acme/root.pem`; text that begins with `->` makes a link. */
  readonly stores: Readonly<Record<string, string>>;
}

/** A folder with both, as notation has it in its configuration. */
async function makeHome({ policy, stores }: Trust): Promise<string> {
  const home = await mkdtemp(join(registry.folder, 'home-'));
  await mkdir(join(home, 'notation/truststore/x509'), { recursive: true });
  await writeFile(join(home, 'notation/trustpolicy.json'), policy, { mode: 0o600 });
  for (const [name, content] of Object.entries(stores)) {
    const path = join(home, 'notation/truststore/x509', name);
    await mkdir(dirname(path), { recursive: true });
    await (content.startsWith('->') ? symlink(content.slice(2), path) : writeFile(path, content));
  }
  return home;
}

async function askNotation(home: string, { repository, subject }: Artifact): Promise<string> {
  const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  const asked = ['verify', '--insecure-registry', '-v', `${registry.host}/${repository}@${subject.digest}`];
  const result = await run(peer('notation'), asked, { env }).catch((error: { stdout?: string; stderr?: string }) => error);
  return `${result.stdout}${result.stderr}`;
}

/** `accepted`, with the codes that were logged, or the code of the refusal. */
async function ask(home: string, { repository, subject, signature }: Artifact): Promise<string> {
  try {
    const policy = parseTrustPolicy(await readFile(join(home, 'notation/trustpolicy.json')));
    const statement = statementFor(policy, `${registry.host}/${repository}`);
    if (statement.kind === 'skip') return 'skipped';
    const stores = openTrustStores(join(home, 'notation/truststore'));
    const clock = () => new Date();
    const { warnings } = await verifyNotary(signature, subject, {
      now: clock,
      statement,
      stores,
      checkRevocation: openRevocation({ http, now: clock }),
    });
    return ['accepted', ...warnings.map(({ check, error }) => `${check} ${error.code}`)].join(', ');
  } catch (error) {
    if (error instanceof StepError) return error.code;
    throw error;
  }
}

/** What notation says where we say that. */
const words: Readonly<Record<string, RegExp>> = {
  accepted: /Successfully verified signature/,
  skipped: /configured to skip signature verification/,
  untrusted: /does not contain any trusted certificate|no trusted certificates are found/,
  'untrusted-identity': /does not match the X\.509 trusted identities|no x509 trusted identities|parsing the certificate subject/,
  'trust-store': /trust store|trusted certificate/,
  'trust-policy': /trust policy|registry scope/,
  'no-trust-policy': /no applicable trust policy/,
  expired: /digital signature has expired/,
  'certificate-time': /validity period|was not valid when/,
  'no-timestamp': /no timestamp countersignature was found/,
  'timestamp-untrusted': /failed to verify the timestamp countersignature/,
  'timestamp-imprint': /failed to get timestamp from timestamp countersignature/,
  'timestamp-validity': /timestamp can be (?:after|before) certificate/,
  revoked: /is revoked/,
  'revocation-unknown': /revocation status is unknown/,
};

function expectAgreement(ours: string, theirs: string): void {
  const [outcome = '', ...logged] = ours.split(', ');
  expect(theirs).toMatch(words[outcome] ?? /no words for this/);
  if (outcome !== 'accepted') expect(theirs).not.toMatch(words.accepted as RegExp);
  const warned = [...theirs.matchAll(/Warning: (\w+) was set to "log"/g)].map(([, check]) => check);
  expect([...new Set(warned)].sort()).toEqual([...new Set(logged.map((text) => text.split(' ')[0]))].sort());
}

let made = 0;
async function attach(
  by: Party | ReturnType<typeof makeChain>,
  sign: (chain: readonly Uint8Array[], subject: Pushed) => Promise<Pick<Signature, 'bytes' | 'mediaType'>>,
): Promise<Artifact> {
  made += 1;
  const repository = `trust/${made}`;
  const chain = 'chain' in by ? by.chain : [by.certificate.raw, root.certificate.raw];
  const subject = await registry.pushImage(repository);
  const { bytes, mediaType } = await sign(chain, subject);
  const annotations = { [thumbprintAnnotation]: JSON.stringify(chain.map(toThumbprint)) };
  const signature = { artifactType: notaryArtifactType, mediaType, bytes, annotations };
  await registry.attach(repository, subject, signature);
  return { repository, subject, signature, rootPem: toPem(Buffer.from(chain.at(-1) ?? [])) };
}

interface Signed {
  readonly parts?: ChainParts;
  readonly at?: Date;
  readonly lifetimeMs?: number;
  readonly format?: 'jws' | 'cose';
  readonly timestamp?: { readonly chain: TimestampChain; readonly at: Date; readonly over?: Buffer };
  readonly isOther?: boolean;
}

/** Signs as the step does. */
function signed({ parts, at = new Date(), lifetimeMs, format = 'jws', timestamp, isOther }: Signed = {}): Promise<Artifact> {
  const made = makeChain('P-256', parts);
  return attach(made, (chain, subject) =>
    signNotary({
      signer: makeSigner('ES256', made.keys, chain),
      subject: isOther ? { ...subject, size: subject.size + 1 } : subject,
      now: () => at,
      agent: 'image-custody/0.0.0',
      format,
      lifetimeMs,
      ...(timestamp && {
        timestamp: async (signature: Uint8Array) => tokenOver(timestamp.over ?? signature, timestamp.chain, { now: timestamp.at }),
      }),
    }),
  );
}

/** By an authority that vouches for the time. */
function vouched(at: Date, parts?: ChainParts): Promise<Artifact> {
  const made = makeChain('P-256', parts);
  return attach(made, async (chain, subject) => {
    const authentic = 'io.cncf.notary.authenticSigningTime';
    const bytes = await build('jws', subject, {
      by: makeSigner('ES256', made.keys, chain),
      forge: ({ protected: header }) => {
        header.delete(timeName as string);
        header
          .set(authentic, at)
          .set(schemeName as string, 'notary.x509.signingAuthority')
          .set('crit', [schemeName, authentic]);
      },
    });
    return { bytes, mediaType: 'application/jose+json' };
  });
}

const statementOf = (change: object = {}) => ({
  name: 'test',
  registryScopes: ['*'],
  signatureVerification: { level: 'strict' },
  trustStores: ['ca:acme'],
  trustedIdentities: ['*'],
  ...change,
});
const policyOf = (...changes: readonly object[]) => JSON.stringify({ version: '1.0', trustPolicies: changes.map(statementOf) });
const level = (name: string, more: object = {}) => ({ signatureVerification: { level: name, ...more } });
const identity = (value: string) => ({ trustedIdentities: [`x509.subject:${value}`] });

describe('policies, stores and signatures, judged alike', () => {
  let tsa: TimestampChain;
  let otherTsa: TimestampChain;
  let artifacts: Readonly<Record<string, Artifact>>;
  const past = new Date(now.getTime() - 10 * dayMs);
  const ended: ChainParts = { leaf: { from: new Date(now.getTime() - 20 * dayMs), to: new Date(now.getTime() - dayMs) } };
  beforeAll(async () => {
    tsa = await createTimestampChain({
      validity: { notBefore: new Date(now.getTime() - 20 * dayMs), notAfter: new Date(now.getTime() + dayMs) },
    });
    otherTsa = await createTimestampChain({ name: 'other' });
    artifacts = {
      plain: await signed(),
      cose: await signed({ format: 'cose' }),
      expired: await signed({ at: new Date(now.getTime() - hourMs), lifetimeMs: 60_000 }),
      other: await signed({ isOther: true }),
      ended: await signed({ parts: ended, at: past }),
      stamped: await signed({ parts: ended, at: past, timestamp: { chain: tsa, at: past } }),
      'stamped-late': await signed({ parts: ended, at: past, timestamp: { chain: tsa, at: new Date(now.getTime() - hourMs) } }),
      'stamped-cose': await signed({ parts: ended, at: past, format: 'cose', timestamp: { chain: tsa, at: past } }),
      'stamped-other': await signed({ parts: ended, at: past, timestamp: { chain: tsa, at: past, over: Buffer.from('something else') } }),
      vouched: await vouched(time(-hourMs)),
      'vouched-ended': await vouched(past, ended),
      'vouched-late': await vouched(time(-hourMs), ended),
    };
  });

  const withTsa = { trustStores: ['ca:acme', 'tsa:clock'] };
  const byAuthority = { trustStores: ['signingAuthority:acme'] };
  const lenient = level('audit');
  test.each<[string, string, string, readonly object[], object?]>([
    ['by a trusted root', 'plain', 'accepted', [{}]],
    ['in COSE', 'cose', 'accepted', [{}]],
    ['with a store of the other type', 'plain', 'untrusted', [byAuthority]],
    ['with the store of another', 'plain', 'untrusted', [{ trustStores: ['ca:other'] }]],
    ['with two stores', 'plain', 'accepted', [{ trustStores: ['ca:other', 'ca:acme', 'ca:acme'] }]],
    ['with the store of another, logged', 'plain', 'accepted, authenticity untrusted', [{ ...lenient, trustStores: ['ca:other'] }]],
    ['with the store of another, permissive', 'plain', 'untrusted', [{ ...level('permissive'), trustStores: ['ca:other'] }]],
    ['with no such store', 'plain', 'trust-store', [{ trustStores: ['ca:absent'] }]],
    ['with no such store, logged', 'plain', 'accepted, authenticity trust-store', [{ ...lenient, trustStores: ['ca:absent'] }]],
    ['skipped', 'plain', 'skipped', [{ ...level('skip'), trustStores: [], trustedIdentities: [] }]],
    ['by the identity', 'plain', 'accepted', [identity(' C=DE, ST=Berlin, O=Tests, CN=Leaf')]],
    ['by the identity in another order', 'plain', 'accepted', [identity('CN=Leaf;O=Tests;S=Berlin;C=DE')]],
    ['by an escaped identity', 'plain', 'accepted', [identity('CN=L\\65af,O=\\54ests,ST=Berlin,C=DE')]],
    ['by another identity', 'plain', 'untrusted-identity', [identity('C=DE, ST=Berlin, O=Tests, CN=leaf')]],
    ['by the identity of the root', 'plain', 'untrusted-identity', [identity('C=DE, ST=Berlin, O=Tests, CN=Root')]],
    [
      'by another identity, logged',
      'plain',
      'accepted, authenticity untrusted-identity',
      [{ ...lenient, ...identity('C=DE, ST=Berlin, O=X') }],
    ],
    ['by identities of a plugin', 'plain', 'untrusted-identity', [{ trustedIdentities: ['plugin.id:x'] }]],
    ['over another image', 'other', 'other-subject', [lenient]],
    ['expired', 'expired', 'expired', [{}]],
    ['expired, permissive', 'expired', 'accepted, expiry expired', [level('permissive')]],
    ['expired, permissive but for that', 'expired', 'expired', [level('permissive', { override: { expiry: 'enforce' } })]],
    ['by a certificate that has expired', 'ended', 'certificate-time', [{}]],
    ['by a certificate that has expired, logged', 'ended', 'accepted, authenticTimestamp certificate-time', [level('permissive')]],
    ['by one that has expired, without a timestamp', 'ended', 'no-timestamp', [withTsa]],
    ['by one that is valid, without a timestamp', 'plain', 'no-timestamp', [withTsa]],
    [
      'without one, which is wanted later',
      'plain',
      'accepted',
      [{ ...withTsa, ...level('strict', { verifyTimestamp: 'afterCertExpiry' }) }],
    ],
    ['with a timestamp', 'stamped', 'accepted', [withTsa]],
    ['with a timestamp in COSE', 'stamped-cose', 'accepted', [withTsa]],
    ['with a timestamp that nobody asks for', 'stamped', 'certificate-time', [{}]],
    ['with a timestamp after the certificate', 'stamped-late', 'timestamp-validity', [withTsa]],
    ['with a timestamp of something else', 'stamped-other', 'timestamp-imprint', [withTsa]],
    ['with a timestamp by another authority', 'stamped', 'timestamp-untrusted', [{ trustStores: ['ca:acme', 'tsa:other'] }]],
    ['with a timestamp and no such store', 'stamped', 'trust-store', [{ trustStores: ['ca:acme', 'tsa:absent'] }]],
    ['vouched for', 'vouched', 'accepted', [byAuthority]],
    ['vouched for, with the store of the other type', 'vouched', 'untrusted', [{}]],
    ['vouched for, the certificate expired since', 'vouched-ended', 'accepted', [byAuthority]],
    ['vouched for after the certificate', 'vouched-late', 'certificate-time', [byAuthority]],
    ['in no scope', 'plain', 'no-trust-policy', [{ registryScopes: ['registry.example.com/shop'] }]],
    ['all but it trusted', 'plain', 'untrusted', [{}, { name: 'own', registryScopes: ['OWN'], trustStores: ['ca:other'] }]],
    ['it alone trusted', 'plain', 'accepted', [{ trustStores: ['ca:other'] }, { name: 'own', registryScopes: ['OWN'] }]],
  ])('%s', async (_, name, outcome, statements) => {
    const artifact = artifacts[name] as Artifact;
    const policy = policyOf(...statements).replaceAll('"OWN"', JSON.stringify(`${registry.host}/${artifact.repository}`));
    const home = await makeHome({
      policy,
      stores: {
        'ca/acme/root.pem': artifact.rootPem,
        'ca/other/root.pem': toPem(makeChain('P-256').chain[2] as Buffer),
        'signingAuthority/acme/root.pem': artifact.rootPem,
        'tsa/clock/root.pem': tsa.certificates.at(-1)?.toString() ?? '',
        'tsa/other/root.pem': otherTsa.certificates.at(-1)?.toString() ?? '',
      },
    });
    expect(await ask(home, artifact)).toBe(outcome);
    const theirs = await askNotation(home, artifact);
    if (outcome === 'other-subject') expect(theirs).toContain('content descriptor mismatch');
    else expectAgreement(outcome, theirs);
  });

  test.each(refusedPolicies.map(([what, statements]) => ({ what, statements })))('a policy with $what', async ({ statements }) => {
    const { plain } = artifacts as { plain: Artifact };
    const home = await makeHome({ policy: toPolicy(statements), stores: { 'ca/acme/root.pem': plain.rootPem } });
    expect(await ask(home, plain)).toBe('trust-policy');
    expectAgreement('trust-policy', await askNotation(home, plain));
  });

  const leafPem = () => toPem(makeChain('P-256').chain[0] as Buffer);
  test.each<[string, (rootPem: string) => Record<string, string>]>([
    ['with a link', (rootPem) => ({ 'ca/other/root.pem': rootPem, 'ca/acme/root.pem': '->../other/root.pem' })],
    ['that is a link', (rootPem) => ({ 'ca/other/root.pem': rootPem, 'ca/acme': '->other' })],
    ['with a folder', (rootPem) => ({ 'ca/acme/root.pem': rootPem, 'ca/acme/more/root.pem': rootPem })],
    ['with a leaf', (rootPem) => ({ 'ca/acme/root.pem': rootPem, 'ca/acme/leaf.pem': leafPem() })],
    ['with text', (rootPem) => ({ 'ca/acme/root.pem': rootPem, 'ca/acme/README': 'hello' })],
    ['with an empty file', (rootPem) => ({ 'ca/acme/root.pem': rootPem, 'ca/acme/empty': '' })],
    ['with a key', (rootPem) => ({ 'ca/acme/root.pem': `${rootPem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n` })],
    ['that is a file', (rootPem) => ({ 'ca/acme': rootPem })],
  ])('a store %s', async (_, stores) => {
    const { plain } = artifacts as { plain: Artifact };
    const home = await makeHome({ policy: policyOf({}), stores: stores(plain.rootPem) });
    expect(await ask(home, plain)).toBe('trust-store');
    expectAgreement('trust-store', await askNotation(home, plain));
  });
});

describe('revocation, judged alike', () => {
  const policy = policyOf({});
  const stores = { 'ca/acme/root.pem': root.certificate.toString() };

  /** An image signed by a certificate of `root`. */
  function signedBy(party: Party): Promise<Artifact> {
    return attach(party, async (certificateChain, subject) => {
      const { publicKey } = party.certificate;
      const signer = makeSigner('ES256', { publicKey, privateKey: party.privateKey }, certificateChain as Uint8Array[]);
      return signNotary({ signer, subject, now: () => new Date(), agent: 'image-custody/0.0.0' });
    });
  }

  const statuses = { good: 'accepted', revoked: 'revoked', unknown: 'revocation-unknown' } as const;
  const statusOf = (status: RegExp) =>
    (Object.keys(statuses) as (keyof typeof statuses)[]).find((name) => status.source.startsWith(`^${name}`)) ?? 'good';

  describe.each([
    ['list', listCases],
    ['ocsp', answerCases],
  ] as const)('%s', (kind, cases) => {
    let party: Party;
    let artifact: Artifact;
    let home: string;
    beforeAll(async () => {
      const url = `${places.url}/${kind}`;
      party = makeSigningParty(root, kind === 'list' ? { crlUrls: [url] } : { ocspUrls: [url] });
      artifact = await signedBy(party);
      home = await makeHome({ policy, stores });
    });

    test.each(cases.map(([what, status, answer, notation]) => ({ what, status, answer, notation })))(
      '$what',
      async ({ status, answer, notation }) => {
        const bytes = answer({ leaf: party.certificate, url: `${places.url}/${kind}` });
        answers.clear();
        if (bytes !== undefined) answers.set(kind, bytes);
        expect(await ask(home, artifact)).toBe(statuses[statusOf(status)]);
        // Notation keeps lists, so that each case has a folder of its own.
        const fresh = await makeHome({ policy, stores });
        expectAgreement(statuses[notation ?? statusOf(status)], await askNotation(fresh, artifact));
      },
    );
  });

  test('of the sandbox: good until it is revoked, by OCSP, a delegate and a list, and for a timestamp authority too', async () => {
    const { ocspUrl, crlUrl } = revocation.addressesOf('acme');
    const [asked, listed] = [makeSigningParty(root, { ocspUrls: [ocspUrl] }), makeSigningParty(root, { crlUrls: [crlUrl] })];
    const issued = [asked.certificate, listed.certificate];
    const images = [await signedBy(asked), await signedBy(listed)];
    revocation.enroll('acme', { ...root, issued, responder: makeResponder(root) });
    for (const outcome of ['accepted', 'revoked']) {
      for (const image of images) {
        const home = await makeHome({ policy, stores });
        expect(await ask(home, image)).toBe(outcome);
        expectAgreement(outcome, await askNotation(home, image));
      }
      for (const certificate of issued) revocation.revoke('acme', { certificate, time: before, reason: 1 });
    }
  });

  test('of a timestamp authority', async () => {
    const url = `${places.url}/tsa`;
    const tsa = await createTimestampChain({ length: 'root', leaf: { crlUrls: [url] } });
    const [leaf, tsaRoot] = tsa.certificates;
    const image = await signed({ timestamp: { chain: tsa, at: new Date() } });
    const trusted = { 'ca/acme/root.pem': image.rootPem, 'tsa/clock/root.pem': tsaRoot?.toString() ?? '' };
    const home = await makeHome({ policy: policyOf({ trustStores: ['ca:acme', 'tsa:clock'] }), stores: trusted });
    expect(leaf).toBeDefined();
    answers.clear();
    expect(await ask(home, image)).toBe('revocation-unknown');
    expectAgreement('revocation-unknown', await askNotation(home, image));
  });

  describe('with OpenSSL', () => {
    let folder: string;
    let party: Party;
    beforeAll(async () => {
      folder = await mkdtemp(join(registry.folder, 'openssl-'));
      party = makeSigningParty(root, { ocspUrls: [revocation.addressesOf('openssl').ocspUrl], crlUrls: [`${places.url}/openssl-list`] });
      revocation.enroll('openssl', { ...root, issued: [party.certificate], responder: makeResponder(root) });
      await writeFile(join(folder, 'root.pem'), root.certificate.toString());
      await writeFile(join(folder, 'root.key'), root.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await writeFile(join(folder, 'leaf.pem'), party.certificate.toString());
    });

    async function openssl(...args: readonly string[]): Promise<string> {
      const { stdout, stderr } = await run('openssl', args, { cwd: folder });
      return `${stdout}${stderr}`;
    }

    /** The database of `openssl ca`, in which the certificate stands as good or revoked. */
    async function writeIndex(isRevoked: boolean): Promise<void> {
      const utc = (time: Date) =>
        `${time
          .toISOString()
          .replace(/[-:T]|\.\d+/g, '')
          .slice(2)}`;
      const row = [isRevoked ? 'R' : 'V', utc(new Date(party.certificate.validTo)), isRevoked ? `${utc(before)},keyCompromise` : ''];
      await writeFile(join(folder, 'index.txt'), `${[...row, party.certificate.serialNumber, 'unknown', '/CN=Leaf'].join('\t')}\n`);
    }

    const check = async () => {
      const [status] = await openRevocation({ http, now: () => new Date() })([party.certificate.raw, root.certificate.raw]);
      return `${status?.status} ${status?.reason ?? ''}`;
    };

    test('it believes our responder', async () => {
      const { ocspUrl } = revocation.addressesOf('openssl');
      const args = ['ocsp', '-issuer', 'root.pem', '-cert', 'leaf.pem', '-url', ocspUrl, '-CAfile', 'root.pem'];
      const good = await openssl(...args);
      expect(good).toContain('Response verify OK');
      expect(good).toContain('leaf.pem: good');
      revocation.revoke('openssl', { certificate: party.certificate, time: before, reason: 1 });
      const revoked = await openssl(...args);
      expect(revoked).toContain('Response verify OK');
      expect(revoked).toMatch(/leaf\.pem: revoked[\s\S]*keyCompromise/);
    });

    test.each([
      [false, /^good/],
      [true, /^revoked since .*key compromise$/],
    ])('we read its answer to our request (revoked: %s)', async (isRevoked, status) => {
      await writeIndex(isRevoked);
      const [leaf, issuer] = [party.certificate, root.certificate].map(({ raw }) => parseRevocable(raw));
      if (leaf === undefined || issuer === undefined) throw new Error('no certificates');
      await writeFile(join(folder, 'request.der'), toOcspRequest(leaf, issuer));
      const signer = ['-rsigner', 'root.pem', '-rkey', 'root.key', '-CA', 'root.pem', '-ndays', '1'];
      await openssl('ocsp', '-index', 'index.txt', ...signer, '-reqin', 'request.der', '-respout', 'answer.der');
      const answer = readOcspAnswer(await readFile(join(folder, 'answer.der')), {
        certificate: leaf,
        issuer,
        now: new Date(),
        signingTime: undefined,
      });
      expect(`${answer.kind} ${'reason' in answer ? answer.reason : ''}`).toMatch(status);
    });

    test.each([
      [false, /^good/],
      [true, /^revoked since .*key compromise$/],
    ])('we read its list, where the responder is down (revoked: %s)', async (isRevoked, status) => {
      await writeIndex(isRevoked);
      await writeFile(join(folder, 'crlnumber'), '01\n');
      await writeFile(
        join(folder, 'ca.cnf'),
        '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha384\ndefault_crl_days=1\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n',
      );
      await openssl('ca', '-gencrl', '-config', 'ca.cnf', '-keyfile', 'root.key', '-cert', 'root.pem', '-out', 'list.pem');
      await openssl('crl', '-in', 'list.pem', '-outform', 'DER', '-out', 'list.der');
      answers.set('openssl-list', await readFile(join(folder, 'list.der')));
      revocation.faults.add({ status: 503 });
      expect(await check()).toMatch(status);
    });
  });
});
