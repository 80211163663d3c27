import { decode, encode, Tagged } from 'cborg';
import { expect, test } from 'vitest';
import { StepError } from '../../../src/lib/step-error.ts';
import type { KeySigner } from '../../../src/model/signer.ts';
import { envelopeMediaTypes } from '../../../src/sign/notary/envelope.ts';
import { payloadMediaType, type SignedSubject } from '../../../src/sign/notary/envelope-content.ts';
import { signNotary } from '../../../src/sign/notary/signature.ts';
import { verifyNotary } from '../../../src/sign/notary/verification.ts';
import { makeChain, makeSigner } from '../chain.ts';

const subject: SignedSubject = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'ab'.repeat(32)}`,
  size: 1234,
};
const signingTime = new Date('2026-06-01T12:00:00Z');
const { chain, keys } = makeChain('P-256');
const signer = makeSigner('ES256', keys, chain);
const trust = { now: () => signingTime, trusted: chain.slice(2) };
const seconds = signingTime.getTime() / 1000;
const tagged = (value: unknown) => new Tagged(1, value);

type Entries = readonly (readonly [string | number, unknown])[];

interface Forgery {
  /** In place of the member with the same label, or besides. */
  readonly header?: Entries;
  readonly without?: string | number;
  readonly payload?: string | Uint8Array;
  readonly unprotected?: Entries;
  readonly by?: KeySigner;
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  readonly whole?: (parts: readonly unknown[]) => unknown;
}

/** An envelope that is signed for real, whose header, payload or outside is not as it should be. */
async function forge({
  header = [],
  without,
  payload,
  unprotected = [],
  by = signer,
  signature = (value) => value,
  whole,
}: Forgery): Promise<Uint8Array> {
  const members = new Map<string | number, unknown>([
    [1, -7],
    [2, ['io.cncf.notary.signingScheme']],
    [3, payloadMediaType],
    ['io.cncf.notary.signingScheme', 'notary.x509'],
    ['io.cncf.notary.signingTime', tagged(seconds)],
    ...header,
  ]);
  if (without !== undefined) members.delete(without);
  const protectedBytes = encode(members);
  const content =
    typeof payload === 'string' ? Buffer.from(payload) : (payload ?? Buffer.from(JSON.stringify({ targetArtifact: subject })));
  const plain = new Uint8Array(content);
  const value = await by.sign(encode(['Signature1', protectedBytes, new Uint8Array(), plain]));
  const x5chain = by.certificateChain.map((der) => new Uint8Array(der));
  const parts = [
    protectedBytes,
    new Map<string | number, unknown>([[33, x5chain], ...unprotected]),
    plain,
    new Uint8Array(signature(value)),
  ];
  return encode(whole === undefined ? new Tagged(18, parts) : whole(parts));
}

async function codeOf(bytes: Uint8Array, other: Partial<SignedSubject> = {}, now = signingTime): Promise<string> {
  try {
    await verifyNotary({ bytes, mediaType: envelopeMediaTypes.cose }, { ...subject, ...other }, { ...trust, now: () => now });
  } catch (error) {
    if (error instanceof StepError) return error.code;
    throw error;
  }
  return 'accepted';
}

const stranger = makeChain('P-256');
const target = (change: object) => JSON.stringify({ targetArtifact: { ...subject, ...change } });
const [leaf, intermediate, root] = chain as [Buffer, Buffer, Buffer];

test('what is forged without a change is accepted: every refusal below is for its one change', async () => {
  expect(await codeOf(await forge({}))).toBe('accepted');
  expect(await codeOf(await forge({ unprotected: [['io.cncf.notary.signingAgent', 'somebody/1.0']] }))).toBe('accepted');
  expect(await codeOf(await forge({ header: [['com.example.note', 'not critical']] }))).toBe('accepted');
  expect(await codeOf(await forge({ unprotected: [[4, new Uint8Array([1])]] }))).toBe('accepted');
});

test.each<[string, Forgery, string]>([
  ['another digest in the payload', { payload: target({ digest: `sha256:${'cd'.repeat(32)}` }) }, 'other-subject'],
  ['another size in the payload', { payload: target({ size: 1235 }) }, 'other-subject'],
  ['another media type in the payload', { payload: target({ mediaType: 'application/vnd.oci.image.index.v1+json' }) }, 'other-subject'],
  ['a size that is no number', { payload: target({ size: '1234' }) }, 'envelope'],
  ['a digest of another kind', { payload: target({ digest: 'md5:00' }) }, 'envelope'],
  ['a payload with a name twice', { payload: `{"targetArtifact":${JSON.stringify(subject)},"targetArtifact":{}}` }, 'envelope'],
  ['a payload that is no JSON', { payload: 'sha256:ab' }, 'envelope'],
  ['an empty payload', { payload: '' }, 'envelope'],
  ['no algorithm', { without: 1 }, 'envelope'],
  ['the algorithm of another key', { header: [[1, -37]] }, 'envelope'],
  ['a downgraded algorithm (RS1)', { header: [[1, -65535]] }, 'envelope'],
  ['an algorithm by name', { header: [[1, 'ES256']] }, 'envelope'],
  ['no content type', { without: 3 }, 'envelope'],
  ['another content type', { header: [[3, 'application/json']] }, 'envelope'],
  ['no scheme', { without: 'io.cncf.notary.signingScheme' }, 'envelope'],
  ['an unknown scheme', { header: [['io.cncf.notary.signingScheme', 'notary.pgp']] }, 'envelope'],
  ['a scheme that is not critical', { header: [[2, []]] }, 'envelope'],
  ['no critical headers', { without: 2 }, 'envelope'],
  [
    'a critical header that is not known',
    {
      header: [
        [2, ['io.cncf.notary.signingScheme', 'x']],
        ['x', 1],
      ],
    },
    'critical-header',
  ],
  ['a critical header that is not there', { header: [[2, ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry']]] }, 'envelope'],
  ['an expiry that is not critical', { header: [['io.cncf.notary.expiry', tagged(seconds + 60)]] }, 'envelope'],
  ['no signing time', { without: 'io.cncf.notary.signingTime' }, 'envelope'],
  ['a signing time without its tag', { header: [['io.cncf.notary.signingTime', seconds]] }, 'envelope'],
  ['a signing time as a text', { header: [['io.cncf.notary.signingTime', '2026-06-01T12:00:00Z']] }, 'envelope'],
  ['a signing time before the certificates', { header: [['io.cncf.notary.signingTime', tagged(0)]] }, 'certificate-rules'],
  [
    'an expiry before the signing time',
    {
      header: [
        [2, ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry']],
        ['io.cncf.notary.expiry', tagged(seconds - 60)],
      ],
    },
    'envelope',
  ],
  ['a header that is signed and unsigned', { unprotected: [['io.cncf.notary.signingTime', tagged(seconds)]] }, 'envelope'],
  ['critical headers outside of what is signed', { unprotected: [[2, ['x']]] }, 'envelope'],
  ['a countersignature among what is signed', { header: [[11, []]] }, 'envelope'],
  ['a countersignature outside of what is signed', { unprotected: [[7, 1]] }, 'envelope'],
  ['an initialisation vector that is none', { unprotected: [[5, 'x']] }, 'envelope'],
  ['a name of the key that is no byte string', { unprotected: [[4, 'x']] }, 'envelope'],
  ['a plugin that is asked for and not critical', { header: [['io.cncf.notary.verificationPlugin', 'p']] }, 'critical-header'],
  ['a size with a fraction', { payload: target({}).replace('1234', '1234.0') }, 'envelope'],
  ['a chain of a stranger', { by: { ...signer, certificateChain: stranger.chain } }, 'wrong-signature'],
  ['a stranger, signature and chain', { by: makeSigner('ES256', stranger.keys, stranger.chain) }, 'untrusted'],
  ['the chain in another order', { by: { ...signer, certificateChain: [leaf, root, intermediate] } }, 'certificate-rules'],
  ['the root first', { by: { ...signer, certificateChain: [root, intermediate, leaf] } }, 'wrong-signature'],
  ['a chain without its root', { by: { ...signer, certificateChain: [leaf, intermediate] } }, 'certificate-rules'],
  [
    'a certificate more than the chain',
    { by: { ...signer, certificateChain: [...chain, stranger.chain[2] ?? root] } },
    'certificate-rules',
  ],
  ['no certificate', { by: { ...signer, certificateChain: [] } }, 'envelope'],
  ['one certificate without an array', { unprotected: [[33, new Uint8Array(leaf)]] }, 'envelope'],
  ['an empty signature', { signature: () => Buffer.of() }, 'wrong-signature'],
  ['a signature of zeros', { signature: (value) => Buffer.alloc(value.length) }, 'wrong-signature'],
  ['a signature with a zero before it', { signature: (value) => Buffer.concat([Buffer.of(0), value]) }, 'wrong-signature'],
  ['a signature cut short', { signature: (value) => value.subarray(1) }, 'wrong-signature'],
  ['its halves exchanged', { signature: (value) => Buffer.concat([value.subarray(32), value.subarray(0, 32)]) }, 'wrong-signature'],
  ['no tag', { whole: (parts) => parts }, 'envelope'],
  ['the tag of a COSE_Sign', { whole: (parts) => new Tagged(98, parts) }, 'envelope'],
  ['three parts', { whole: (parts) => new Tagged(18, parts.slice(0, 3)) }, 'envelope'],
  ['five parts', { whole: (parts) => new Tagged(18, [...parts, 0]) }, 'envelope'],
  ['a payload that is elsewhere', { whole: ([header, unsigned, , value]) => new Tagged(18, [header, unsigned, null, value]) }, 'envelope'],
])('%s is refused', async (_, forgery, code) => {
  expect(await codeOf(await forge(forgery))).toBe(code);
});

test('what was signed for another subject, or has expired, is refused', async () => {
  const { bytes } = await signNotary({ signer, subject, now: () => signingTime, agent: 'a', format: 'cose', lifetimeMs: 3_600_000 });
  expect(await codeOf(bytes)).toBe('accepted');
  expect(await codeOf(bytes, { digest: `sha256:${'cd'.repeat(32)}` })).toBe('other-subject');
  expect(await codeOf(bytes, {}, new Date(signingTime.getTime() + 3_600_000))).toBe('expired');
});

test('cut anywhere, or with a byte more, it is refused', async () => {
  const { bytes } = await signNotary({ signer, subject, now: () => signingTime, agent: 'a', format: 'cose' });
  for (let length = 0; length < bytes.length; length += 1)
    expect(await codeOf(bytes.subarray(0, length)), `${length} bytes`).toBe('envelope');
  expect(await codeOf(Buffer.concat([bytes, Buffer.of(0)]))).toBe('envelope');
});

test('with any of its bits changed it is refused, but for the name of the agent, which is not signed', async () => {
  const signed = await signNotary({ signer, subject, now: () => signingTime, agent: 'agent', format: 'cose' });
  const bytes = Buffer.from(signed.bytes);
  const agent = bytes.indexOf('eagent');
  const accepted: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    if ((await codeOf(changed)) === 'accepted') accepted.push(at);
  }
  const label = bytes.indexOf('io.cncf.notary.signingAgent');
  expect(accepted.filter((at) => at < label || at > agent + 'eagent'.length)).toEqual([]);
});

test('other encodings of the same are refused: longer forms, lengths not told, keys twice', async () => {
  const bytes = Buffer.from(await forge({}));
  const [protectedBytes, unprotectedHeader, payload, signature] = decode(bytes.subarray(1), { useMaps: true }) as [
    Uint8Array,
    Map<unknown, unknown>,
    Uint8Array,
    Uint8Array,
  ];
  const parts = [encode(protectedBytes), encode(unprotectedHeader), encode(payload), encode(signature)];
  const [first = Buffer.of(), second = Buffer.of(), third = Buffer.of(), fourth = Buffer.of()] = parts;
  expect(await codeOf(Buffer.concat([Buffer.of(0xd2, 0x84), first, second, third, fourth]))).toBe('accepted');
  expect(await codeOf(Buffer.concat([Buffer.of(0xd2, 0x98, 4), first, second, third, fourth]))).toBe('envelope');
  expect(await codeOf(Buffer.concat([Buffer.of(0xd2, 0x9f), first, second, third, fourth, Buffer.of(0xff)]))).toBe('envelope');
  expect(await codeOf(Buffer.concat([Buffer.of(0xd8, 18, 0x84), first, second, third, fourth]))).toBe('envelope');
  const chainItem = encode(unprotectedHeader.get(33));
  const twice = Buffer.concat([Buffer.of(0xa2, 0x18, 33), chainItem, Buffer.of(0x18, 33), chainItem]);
  expect(await codeOf(Buffer.concat([Buffer.of(0xd2, 0x84), first, twice, third, fourth]))).toBe('envelope');
});
