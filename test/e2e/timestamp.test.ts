import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readBer, readChildren } from '../../src/lib/ber.ts';
import { type Descriptor, mediaTypes } from '../../src/model/image.ts';
import type { SignatureAlgorithm } from '../../src/model/signer.ts';
import { digestOf, emptyConfig } from '../../src/registry/artifact.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import { extendedKeyUsages, keyUsages } from '../../src/sandbox/certificate/x509.ts';
import { toPrivateKeyPem } from '../../src/sandbox/certificate.ts';
import { fixedShop } from '../../src/sandbox/demo/shop.ts';
import { startRegistry as startSandboxRegistry } from '../../src/sandbox/registry.ts';
import { createTimestampChain, type TimestampChain, type TimestampChainOptions } from '../../src/sandbox/timestamp/chain.ts';
import type { TokenOptions } from '../../src/sandbox/timestamp/token.ts';
import { startTimestampAuthority, type TimestampAuthority } from '../../src/sandbox/timestamp.ts';
import { parseEnvelope } from '../../src/sign/notary/envelope.ts';
import { notaryArtifactType, signNotary } from '../../src/sign/notary/signature.ts';
import { fetchTimestamp } from '../../src/sign/timestamp/authority.ts';
import { toTimestampRequest } from '../../src/sign/timestamp/request.ts';
import { verifySignedInTime, verifyTimestamp } from '../../src/sign/timestamp/verification.ts';
import { anonymous, http } from '../registry/loopback.ts';
import { algorithms, makeChain, makeSigner, toPem } from '../sign/chain.ts';
import { tokenOver } from '../sign/timestamp/token.ts';
import { startCraneRegistry } from './crane-registry.ts';
import { startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';

let folder: string;
/** Hosts by name, and what ends them. */
let registries: ReadonlyMap<string, { readonly host: string; readonly stop: () => Promise<unknown> }>;
let authority: TimestampAuthority;
let sandbox: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timestamp-'));
  await writeFile(join(folder, 'app.tar'), fixedShop().archive);
  await mkdir(join(folder, 'sandbox'));
  const [distribution, crane, own] = await Promise.all([
    startRegistry(),
    startCraneRegistry(),
    startSandboxRegistry({ folder: join(folder, 'sandbox'), now: () => new Date() }),
  ]);
  sandbox = own.host;
  registries = new Map([
    ['CNCF Distribution', { host: distribution.host, stop: () => distribution.stop() }],
    ['crane registry serve', crane],
    ['the sandbox', { host: own.host, stop: () => own.close() }],
  ]);
  authority = await startTimestampAuthority({ token: { accuracy: { seconds: 1 } } });
  await writeFile(join(folder, 'tsa.pem'), authority.rootPem);
});

afterAll(async () => {
  await Promise.all([authority?.close(), ...[...(registries?.values() ?? [])].map(({ stop }) => stop())]);
  await rm(folder, { recursive: true, force: true });
});

function rootOf({ certificates }: TimestampChain): Buffer {
  return certificates.at(-1)?.raw ?? Buffer.of();
}

/** A home of notation that trusts `root` for signing and, where it is given, `tsa` for timestamps, which it then asks for always. */
async function notationHome(root: Buffer, tsa?: Buffer) {
  const home = await mkdtemp(join(folder, 'home-'));
  const stores = [['ca:test', 'ca/test', root] as const, ...(tsa === undefined ? [] : [['tsa:test', 'tsa/test', tsa] as const])];
  for (const [, path, certificate] of stores) {
    const store = join(home, 'notation/truststore/x509', path);
    await mkdir(store, { recursive: true });
    await writeFile(join(store, 'root.pem'), toPem(certificate));
  }
  const statement = {
    name: 'test',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: stores.map(([name]) => name),
    trustedIdentities: ['*'],
  };
  await writeFile(join(home, 'notation/trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [statement] }), { mode: 0o600 });
  return { home, env: { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home } };
}

async function notationVerify(reference: string, root: Buffer, tsa?: Buffer): Promise<string> {
  const { env } = await notationHome(root, tsa);
  const { exitCode, stdout, stderr } = await runProgram(peer('notation'), ['verify', '--insecure-registry', '-v', reference], { env });
  return exitCode === 0 ? 'verified' : `${stdout}${stderr}`;
}

/** Publishes the shop and gives its digest and that of its signatures. */
async function publish(destination: string, inputs: Readonly<Record<string, string>>) {
  const report = join(folder, `report-${Math.random()}.json`);
  const options = {
    image: 'docker-archive:app.tar',
    push: destination,
    advisories: shared('testdata/osv'),
    'fail-on': 'none',
    report,
    ...inputs,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { exitCode, stdout, stderr } = await runBundle('cli.js', args, { cwd: folder });
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
  const { digest, publication } = JSON.parse(await readFile(report, 'utf8')) as { digest: string; publication: { signatures: string[] } };
  return { digest, signatures: publication.signatures };
}

async function writeSigner(name: string, keyType: Parameters<typeof makeChain>[0]) {
  const { chain, keys } = makeChain(keyType);
  await writeFile(join(folder, `${name}.key`), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, `${name}.crt`), toPem(...chain));
  return { signingKey: `file:${name}.key,${name}.crt`, root: chain.at(-1) ?? Buffer.of() };
}

const stamped = () => ({ 'timestamp-url': authority.url, 'timestamp-certificate': 'tsa.pem' });

// Side by side: where there is no referrers API, whoever writes the tag waits for others.
describe.concurrent.each(['CNCF Distribution', 'crane registry serve', 'the sandbox'])('on %s', (place) => {
  test.each(['jws', 'cose'] as const)('notation, which asks for timestamps, verifies what the step signs in %s', async (format) => {
    const name = `${place.replaceAll(' ', '-').toLowerCase()}-${format}`;
    const repository = `${registries.get(place)?.host}/stamped/${format}`;
    const { signingKey, root } = await writeSigner(name, 'P-256');
    const inputs = { 'signing-key': signingKey, 'signature-format': format };
    const bare = await publish(`${repository}:1`, inputs);
    const reference = `${repository}@${bare.digest}`;
    const tsa = rootOf(authority.chain);
    expect(await notationVerify(reference, root, tsa)).toMatch(/no timestamp countersignature was found/);
    const first = await publish(`${repository}:2`, { ...inputs, ...stamped() });
    expect(first.digest).toBe(bare.digest);
    expect(first.signatures).not.toEqual(bare.signatures);
    expect(await notationVerify(reference, root, tsa)).toBe('verified');
    // What is there with a timestamp is kept, and not made a second time.
    expect((await publish(`${repository}:3`, { ...inputs, ...stamped() })).signatures).toEqual(first.signatures);
  });
});

test.each(algorithms)('a signature by a key of %s (%s) is countersigned by its own hash', async (keyType) => {
  const repository = `${sandbox}/algorithms/${keyType.toLowerCase()}`;
  const { signingKey, root } = await writeSigner(keyType, keyType);
  const { digest } = await publish(`${repository}:1`, { 'signing-key': signingKey, ...stamped() });
  expect(await notationVerify(`${repository}@${digest}`, root, rootOf(authority.chain))).toBe('verified');
});

test('where the authority refuses nothing is published', async () => {
  const refusing = await startTimestampAuthority({ refusal: { text: 'no time', failure: 'timeNotAvailable' } });
  onTestFinished(() => refusing.close());
  const { signingKey } = await writeSigner('refused', 'P-256');
  const inputs = { 'signing-key': signingKey, ...stamped(), 'timestamp-url': refusing.url };
  await expect(publish(`${sandbox}/refused:1`, inputs)).rejects.toThrow(
    /ended with 3: [\s\S]*it refuses \(rejection\): no time, timeNotAvailable/,
  );
  expect(await (await fetch(`http://${sandbox}/v2/refused/tags/list`)).text()).not.toContain('"1"');
});

async function pushImage(
  name: string,
): Promise<{ readonly repository: Repository; readonly subject: Descriptor; readonly reference: string }> {
  const clock = { now: () => new Date(), random: () => 0.5, sleep: (ms: number) => wait(ms) };
  const repository = openRepository({ registry: sandbox, repository: name }, { http, credential: anonymous, ...clock });
  const image = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(emptyConfig), size: emptyConfig.length },
      layers: [],
      annotations: { name },
    }),
  );
  await repository.putBlob(digestOf(emptyConfig), emptyConfig);
  await repository.putManifest(mediaTypes.ociManifest, image);
  const subject = { mediaType: mediaTypes.ociManifest, digest: digestOf(image), size: image.length };
  return { repository, subject, reference: `${sandbox}/${name}@${subject.digest}` };
}

interface Stamped {
  /** Of the signing certificates. */
  readonly validity?: { readonly from: Date; readonly to: Date };
  /** When it was signed, by the signer's clock. */
  readonly signedAt?: Date;
  readonly timestamp: (signature: Uint8Array, algorithm: SignatureAlgorithm) => Promise<Uint8Array>;
}

/** Attaches a signature with whatever timestamp, and gives what it takes to verify it. */
async function attach(name: string, { validity, signedAt = new Date(), timestamp }: Stamped) {
  const { repository, subject, reference } = await pushImage(name);
  const part = { ...validity };
  const { chain, keys } = makeChain('P-256', { leaf: part, intermediate: part, root: part });
  const signer = makeSigner('ES256', keys, chain);
  const signed = await signNotary({ signer, subject, now: () => signedAt, agent: 'test', timestamp });
  await repository.attachReferrer({
    subject,
    artifactType: signed.artifactType,
    annotations: signed.annotations,
    layers: [{ mediaType: signed.mediaType, bytes: signed.bytes }],
  });
  return { reference, root: chain.at(-1) ?? Buffer.of(), chain, envelope: parseEnvelope(signed.bytes, signed.mediaType) };
}

/** The code of our refusal of the timestamp of an envelope. */
function ourVerdict({ envelope, chain }: Awaited<ReturnType<typeof attach>>, tsa: Buffer): string {
  try {
    const { timestamp = new Uint8Array(), signature, algorithm } = envelope;
    verifySignedInTime(chain, verifyTimestamp(timestamp, signature, algorithm, { trusted: [tsa] }));
    return 'verified';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const past = new Date('2025-01-15T12:00:00Z');
const expired = { from: new Date('2025-01-01T00:00:00Z'), to: new Date('2025-02-01T00:00:00Z') };
const pastChain = (options: TimestampChainOptions = {}) =>
  createTimestampChain({ validity: { notBefore: expired.from, notAfter: expired.to }, ...options });

describe('a signature whose certificates have expired', () => {
  test('holds by its timestamp, for notation as for us, and not without it', async () => {
    const chain = await pastChain();
    const attached = await attach('past', {
      validity: expired,
      signedAt: past,
      timestamp: async (signature) => tokenOver(signature, chain, { now: past }),
    });
    expect(ourVerdict(attached, rootOf(chain))).toBe('verified');
    expect(await notationVerify(attached.reference, attached.root, rootOf(chain))).toBe('verified');
    expect(await notationVerify(attached.reference, attached.root)).toMatch(/expired/);
  });

  test('holds by a timestamp that is signed with PSS', async () => {
    const chain = await pastChain({ keyType: 'RSA-2048' });
    const attached = await attach('past-pss', {
      validity: expired,
      signedAt: past,
      timestamp: async (signature) => tokenOver(signature, chain, { now: past, isPss: true }),
    });
    expect(ourVerdict(attached, rootOf(chain))).toBe('verified');
    expect(await notationVerify(attached.reference, attached.root, rootOf(chain))).toBe('verified');
  });

  const second = { seconds: 1 };
  test.each<[string, Date, TokenOptions['accuracy'], string, RegExp]>([
    ['its last second', expired.to, undefined, 'verified', /verified/],
    ['a second later', new Date(expired.to.getTime() + 1000), undefined, 'timestamp-validity', /timestamp can be after certificate/],
    ['perhaps after its last second', expired.to, second, 'timestamp-validity', /timestamp can be after certificate/],
    ['its first second', expired.from, undefined, 'verified', /verified/],
    [
      'before it was valid',
      new Date(expired.from.getTime() - 1000),
      undefined,
      'timestamp-validity',
      /timestamp can be before certificate/,
    ],
    ['perhaps before it was valid', expired.from, second, 'timestamp-validity', /timestamp can be before certificate/],
  ])(
    'holds from its first to its last second, however sure the authority is of the time: %s',
    async (what, now, accuracy, ours, theirs) => {
      const chain = await createTimestampChain({
        validity: { notBefore: new Date('2024-01-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') },
      });
      const attached = await attach(`bounds/${what.replaceAll(' ', '-')}`, {
        validity: expired,
        signedAt: past,
        timestamp: async (signature) => tokenOver(signature, chain, { now, accuracy }),
      });
      expect(ourVerdict(attached, rootOf(chain))).toBe(ours);
      expect(await notationVerify(attached.reference, attached.root, rootOf(chain))).toMatch(theirs);
    },
  );
});

interface Refused {
  readonly what: string;
  readonly chain?: TimestampChainOptions;
  readonly token?: TokenOptions & { readonly imprintHash?: 'sha256' | 'sha384' };
  readonly signed?: (signature: Uint8Array) => Uint8Array;
  readonly change?: (token: Buffer) => Buffer;
  readonly ours: RegExp;
  /** What notation says; `verified` where we are stricter. */
  readonly theirs: RegExp;
}

const { digitalSignature, keyEncipherment, cRLSign } = keyUsages;
const refused: readonly Refused[] = [
  { what: 'over another signature', signed: () => randomBytes(64), ours: /^timestamp-imprint/, theirs: /mismatched message/ },
  { what: 'over another imprint', token: { flaw: 'other-imprint' }, ours: /^timestamp-imprint/, theirs: /mismatched message/ },
  {
    what: 'without certificates',
    token: { flaw: 'no-certificates' },
    ours: /^timestamp-certificate/,
    theirs: /signing certificate not found/,
  },
  {
    what: 'without SigningCertificateV2',
    token: { flaw: 'no-signing-certificate' },
    ours: /^timestamp-format/,
    theirs: /failed to get SigningCertificateV2/,
  },
  {
    what: 'with the hash of another certificate',
    token: { flaw: 'other-certificate-hash' },
    ours: /^timestamp-certificate/,
    theirs: /hash does not match CertHash/,
  },
  {
    what: 'with the number of another certificate',
    token: { flaw: 'other-issuer-serial' },
    ours: /^timestamp-certificate/,
    theirs: /signing certificate not found/,
  },
  { what: 'with a damaged signature', token: { flaw: 'damaged-signature' }, ours: /^timestamp-signature/, theirs: /verification failure/ },
  {
    what: 'with other content',
    token: { flaw: 'other-content' },
    ours: /^timestamp-(format|imprint|signature)/,
    theirs: /mismatch message digest/,
  },
  { what: 'without a signature', token: { flaw: 'no-signature' }, ours: /^timestamp-format/, theirs: /signerInfo not found/ },
  { what: 'with two signatures', token: { flaw: 'two-signatures' }, ours: /^timestamp-format/, theirs: /^verified$/ },
  { what: 'cut off', change: (token) => token.subarray(0, -1), ours: /^timestamp-format/, theirs: /failed to parse timestamp/ },
  {
    what: 'of a purpose that is not critical',
    chain: { leaf: { isExtendedKeyUsageCritical: false } },
    ours: /^timestamp-certificate/,
    theirs: /must be set as critical/,
  },
  {
    what: 'for code signing',
    chain: { leaf: { extendedKeyUsage: [extendedKeyUsages.codeSigning] } },
    ours: /^timestamp-certificate/,
    theirs: /incompatible key usage/,
  },
  {
    what: 'with two purposes',
    chain: { leaf: { extendedKeyUsage: [extendedKeyUsages.timeStamping, extendedKeyUsages.codeSigning] } },
    ours: /^timestamp-certificate/,
    theirs: /only have ExtKeyUsageTimeStamping/,
  },
  {
    what: 'of a leaf that is an authority',
    chain: { leaf: { isAuthority: { value: true, critical: true } } },
    ours: /^timestamp-certificate/,
    theirs: /ca field must be set to false/,
  },
  {
    what: 'without key usage',
    chain: { leaf: { keyUsage: undefined } },
    ours: /^timestamp-certificate/,
    theirs: /key usage extension must be present/,
  },
  {
    what: 'with a surplus key usage',
    chain: { leaf: { keyUsage: { flags: digitalSignature | keyEncipherment, critical: true } } },
    ours: /^timestamp-certificate/,
    theirs: /found "KeyEncipherment"/,
  },
  { what: 'of a leaf signed with SHA-1', chain: { leaf: { hash: 'sha1' } }, ours: /^timestamp-certificate/, theirs: /insecure algorithm/ },
  { what: 'of a root signed with SHA-1', chain: { root: { hash: 'sha1' } }, ours: /^timestamp-certificate/, theirs: /insecure algorithm/ },
  {
    what: 'with a critical extension that nobody knows',
    chain: { leaf: { extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] } },
    ours: /^timestamp-certificate/,
    theirs: /unhandled critical extension/,
  },
  {
    what: 'of an intermediate that is no authority',
    chain: { intermediate: { isAuthority: undefined } },
    ours: /^timestamp-certificate/,
    theirs: /cannot sign this kind/,
  },
  {
    what: 'of an intermediate that may not sign',
    chain: { intermediate: { keyUsage: { flags: cRLSign, critical: true } } },
    ours: /^timestamp-certificate/,
    theirs: /cannot sign this kind/,
  },
  {
    what: 'of an intermediate for other purposes',
    chain: { intermediate: { extendedKeyUsage: [extendedKeyUsages.serverAuth] } },
    ours: /^timestamp-certificate/,
    theirs: /incompatible key usage/,
  },
  {
    what: 'of a root that allows no intermediate',
    chain: { root: { isAuthority: { value: true, critical: true, pathLength: 0 } } },
    ours: /^timestamp-certificate/,
    theirs: /too many intermediates/,
  },
  {
    what: 'of an authority that had expired',
    chain: { validity: { notBefore: new Date('2024-01-01T00:00:00Z'), notAfter: new Date('2025-01-01T00:00:00Z') } },
    ours: /^timestamp-validity/,
    theirs: /has expired or is not yet valid/,
  },
];

test.each(refused)(
  'a timestamp $what is refused by us and by notation',
  async ({ what, chain: options, token, signed, change, ours, theirs }) => {
    const chain = await pastChain(options);
    const attached = await attach(`refused/${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`, {
      validity: expired,
      signedAt: past,
      timestamp: async (signature) => {
        const made = tokenOver(signed?.(signature) ?? signature, chain, { now: past, ...token });
        return change?.(made) ?? made;
      },
    });
    expect(ourVerdict(attached, rootOf(chain))).toMatch(ours);
    const theirVerdict = await notationVerify(attached.reference, attached.root, rootOf(chain));
    expect(theirVerdict).toMatch(theirs);
  },
);

test('a timestamp of an authority that is not trusted is refused by us and by notation', async () => {
  const [chain, other] = [await pastChain(), await pastChain()];
  const attached = await attach('untrusted', {
    validity: expired,
    signedAt: past,
    timestamp: async (signature) => tokenOver(signature, chain, { now: past }),
  });
  expect(ourVerdict(attached, rootOf(other))).toBe('timestamp-untrusted');
  expect(await notationVerify(attached.reference, attached.root, rootOf(other))).toMatch(/certificate signed by unknown authority/);
});

describe.each(['jws', 'cose'] as const)('what notation has countersigned in %s', (format) => {
  test.each(['P-256', 'P-521', 'RSA-3072'] as const)('by a key of %s, we verify', async (keyType) => {
    const { repository, subject, reference } = await pushImage(`theirs/${format}/${keyType.toLowerCase()}`);
    const { chain, keys } = makeChain(keyType);
    const { home, env } = await notationHome(chain.at(-1) ?? Buffer.of());
    const [keyPath, certPath] = [join(home, 'key.pem'), join(home, 'chain.pem')];
    await writeFile(keyPath, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(certPath, toPem(...chain));
    const keysFile = { default: 'test', keys: [{ name: 'test', keyPath, certPath }] };
    await writeFile(join(home, 'notation/signingkeys.json'), JSON.stringify(keysFile), { mode: 0o600 });
    const stamping = ['--timestamp-url', authority.url, '--timestamp-root-cert', join(folder, 'tsa.pem')];
    await expectProgram(peer('notation'), ['sign', '--insecure-registry', '--signature-format', format, ...stamping, reference], { env });
    const [listed] = await repository.listReferrers(subject.digest, notaryArtifactType);
    const { manifest } = await repository.fetchManifest(listed?.digest ?? '');
    const [layer] = manifest.kind === 'image' ? manifest.layers : [];
    const answer = await fetch(`http://${sandbox}/v2/theirs/${format}/${keyType.toLowerCase()}/blobs/${layer?.digest}`);
    const envelope = parseEnvelope(new Uint8Array(await answer.arrayBuffer()), layer?.mediaType ?? '');
    const { timestamp = new Uint8Array(), signature, algorithm } = envelope;
    const verified = verifyTimestamp(timestamp, signature, algorithm, { trusted: [rootOf(authority.chain)] });
    expect(verified.accuracyMs).toBe(1000);
    verifySignedInTime(envelope.certificateChain, verified);
  });
});

describe('OpenSSL', () => {
  test.each(['RSA-2048', 'P-256', 'P-521'] as const)(
    'verifies what the sandbox attests with a key of %s, asked by us or by it',
    async (keyType) => {
      const chain = await createTimestampChain({ keyType });
      const tsa = await startTimestampAuthority({ chain, token: { hash: 'sha512', accuracy: { seconds: 1, millis: 2, micros: 3 } } });
      onTestFinished(() => tsa.close());
      const [data, root, query, reply] = ['data', 'root.pem', 'query.tsq', 'reply.tsr'].map((name) => join(folder, `${keyType}-${name}`));
      await writeFile(data ?? '', randomBytes(64));
      await writeFile(root ?? '', tsa.rootPem);
      const openssl = (args: readonly (string | undefined)[]) => runProgram('openssl', ['ts', ...args.map(String)]);
      const ask = async () => {
        const body = await readFile(query ?? '');
        const answer = await fetch(tsa.url, { method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body });
        await writeFile(reply ?? '', Buffer.from(await answer.arrayBuffer()));
        return openssl(['-verify', '-queryfile', query, '-in', reply, '-CAfile', root]);
      };
      await openssl(['-query', '-data', data, '-sha384', '-cert', '-out', query]);
      expect(await ask()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Verification: OK') });
      await writeFile(query ?? '', toTimestampRequest(await readFile(data ?? ''), 'ES512').bytes);
      expect((await openssl(['-query', '-in', query, '-text'])).stdout).toMatch(/sha512[\s\S]*Certificate required: yes/);
      expect(await ask()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Verification: OK') });
    },
  );

  test.each(['RSA-2048', 'P-384'] as const)('attests with a key of %s what we verify', async (keyType) => {
    const chain = await createTimestampChain({ keyType });
    const home = await mkdtemp(join(folder, 'openssl-'));
    const signature = randomBytes(96);
    const files = {
      'key.pem': toPrivateKeyPem(chain.keys.privateKey),
      'tsa.pem': chain.certificates[0]?.toString() ?? '',
      'chain.pem': chain.certificates.join(''),
      serial: '01\n',
      'query.tsq': toTimestampRequest(signature, 'ES384').bytes,
      'tsa.cnf': [
        '[tsa]',
        'default_tsa = own',
        '[own]',
        'serial = serial',
        'default_policy = 1.2.3.4.1',
        'digests = sha256, sha384, sha512',
        'signer_digest = sha256',
        'ess_cert_id_alg = sha256',
        'ess_cert_id_chain = yes',
        'accuracy = secs:1, millisecs:500, microsecs:100',
        'ordering = yes',
        'tsa_name = yes',
      ].join('\n'),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content);
    const made = ['ts', '-reply', '-config', 'tsa.cnf', '-section', 'own', '-queryfile', 'query.tsq', '-out', 'reply.tsr'];
    await expectProgram('openssl', [...made, '-inkey', 'key.pem', '-signer', 'tsa.pem', '-chain', 'chain.pem'], { cwd: home });
    const [, token] = readChildren(readBer(await readFile(join(home, 'reply.tsr'))));
    const verified = verifyTimestamp(token?.raw ?? new Uint8Array(), signature, 'ES384', { trusted: [rootOf(chain)] });
    expect(verified.accuracyMs).toBe(1501);
    expect(verified.certificateChain).toHaveLength(3);
  });
});

test('the timestamp authority of Sigstore countersigns what we and notation verify', async () => {
  const chain = await createTimestampChain({ keyType: 'P-384', intermediate: { extendedKeyUsage: [extendedKeyUsages.timeStamping] } });
  await writeFile(join(folder, 'sigstore.key'), toPrivateKeyPem(chain.keys.privateKey));
  await writeFile(join(folder, 'sigstore.crt'), chain.certificates.join(''));
  const { child, url } = await startTimestampServer(['sigstore.key', 'sigstore.crt']);
  onTestFinished(() => void child.kill());
  const session = { http, retry: { now: () => new Date(), random: () => 0.5, sleep: (ms: number) => wait(ms) } };
  const attached = await attach('sigstore', {
    timestamp: (signature, algorithm) =>
      fetchTimestamp({ url, trusted: [rootOf(chain)] }, signature, { algorithm, certificateChain: [] }, session),
  });
  expect(ourVerdict(attached, rootOf(chain))).toBe('verified');
  expect(await notationVerify(attached.reference, attached.root, rootOf(chain))).toBe('verified');
});

async function startTimestampServer([key = '', certificates = '']: readonly string[]): Promise<{ child: ChildProcess; url: URL }> {
  const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--disable-ntp-monitoring', '--timestamp-signer', 'file'];
  const files = ['--file-signer-key-path', join(folder, key), '--certificate-chain-path', join(folder, certificates)];
  const child = spawn(peer('timestamp-server'), [...args, ...files, '--timestamp-signer-hash', 'sha384', '--include-chain-in-response'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  for (let round = 0; round < 100; round += 1) {
    const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return { child, url: new URL(`http://127.0.0.1:${port}/api/v1/timestamp`) };
    await wait(100);
  }
  child.kill();
  throw new Error(`timestamp-server did not start: ${text}`);
}
