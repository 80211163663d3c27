import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StepError } from '../../src/lib/step-error.ts';
import type { TaggedLayer } from '../../src/model/signed-document.ts';
import { type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { parseCosignIdentity } from '../../src/sign/cosign/identity.ts';
import { type CosignTrust, parseCosignKey } from '../../src/sign/cosign/trust.ts';
import { parseTrustedRoot } from '../../src/sign/cosign/trusted-root.ts';
import { verifyCosignBundle, verifyCosignLayer } from '../../src/sign/cosign/verification.ts';
import { issuer, makeCertifiedLayer, workflow } from '../sign/cosign/certified.ts';
import type { SigstoreInstance } from '../sign/sigstore-instance.ts';
import { peer } from './peers.ts';
import { runProgram } from './step.ts';

import {
  again,
  byCertificate,
  byKey,
  type Case,
  digest,
  document,
  type Instances,
  keys,
  layersByCertificate,
  layersByKey,
  predicateType,
  startInstances,
  text,
  toBundle,
  toLayer,
} from './tampered-cosign.ts';

let folder: string;
let instances: Instances;
let sigstore: SigstoreInstance;
let registry: RunningRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tampering-cosign-'));
  await mkdir(join(folder, 'registry'));
  instances = await startInstances();
  ({ sigstore } = instances);
  registry = await startRegistry({ folder: join(folder, 'registry'), now: () => new Date() });
  await writeFile(join(folder, 'key.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(folder, 'root.json'), sigstore.trustedRoot);
});

afterAll(async () => {
  await Promise.all([...Object.values(instances ?? {}), registry].map((running) => running?.close()));
  await rm(folder, { recursive: true, force: true });
});

const identityOptions = ['--certificate-identity', workflow, '--certificate-oidc-issuer', issuer, '--trusted-root'];
const kinds = {
  key: {
    options: () => ['--key', join(folder, 'key.pub'), '--insecure-ignore-tlog'],
    trust: (_?: SigstoreInstance): CosignTrust => ({
      keys: [parseCosignKey('key.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString())],
      identities: [parseCosignIdentity(`${issuer} ${workflow}`)],
      openRoot: async () => parseTrustedRoot('root.json', sigstore.trustedRoot),
    }),
  },
  certificate: {
    options: () => [...identityOptions, join(folder, 'root.json')],
    trust: (from = sigstore): CosignTrust => ({
      ...kinds.key.trust(),
      keys: [],
      openRoot: async () => parseTrustedRoot('root.json', from.trustedRoot),
    }),
  },
};

async function cosign(args: readonly string[]): Promise<boolean> {
  return (await runProgram(peer('cosign'), args, { env: { ...process.env, TUF_ROOT: join(folder, 'tuf') } })).exitCode === 0;
}

async function cosignAcceptsBundle(bytes: Buffer, options: readonly string[]): Promise<boolean> {
  const path = join(folder, 'bundle.json');
  await writeFile(path, bytes);
  const about = ['--type', predicateType, '--digest', digest.slice(7), '--digestAlg', 'sha256'];
  return cosign(['verify-blob-attestation', '--bundle', path, ...about, ...options]);
}

async function cosignAcceptsLayer(layer: TaggedLayer, options: readonly string[]): Promise<boolean> {
  const config = Buffer.from('{}');
  const toDescriptor = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
  });
  const base = `http://${registry.host}/v2/image`;
  const put = async (tag: string, value: object | Buffer) => {
    const body = Buffer.isBuffer(value) ? value : Buffer.from(text(value));
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
    const { status } = await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: Uint8Array.from(body) });
    if (status !== 201) throw new Error(`${tag}: ${status}`);
  };
  for (const bytes of [config, layer.bytes]) {
    const url = `${base}/blobs/uploads/?digest=${toDescriptor('', bytes).digest}`;
    const headers = { 'content-type': 'application/octet-stream' };
    await fetch(url, { method: 'POST', headers, body: Uint8Array.from(bytes) });
  }
  const { mediaType, annotations, bytes } = layer;
  await put(`${digest.replace(':', '-')}.sig`, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: toDescriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [{ ...toDescriptor(mediaType, bytes), annotations }],
  });
  const reference = `${registry.host}/image@${digest}`;
  return cosign(['verify', '--new-bundle-format=false', '--offline', '--allow-insecure-registry', ...options, reference]);
}

async function refusalOf(verified: Promise<unknown>): Promise<StepError> {
  const error = await verified.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StepError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

const bytesOf = (made: object | string) => Buffer.from(typeof made === 'string' ? made : text(made));

function inLines(layer: TaggedLayer): TaggedLayer {
  const name = 'dev.cosignproject.cosign/signature';
  return { ...layer, annotations: { ...layer.annotations, [name]: `${layer.annotations[name]?.replaceAll(/.{76}/g, '$&\n')}\n` } };
}

test('what nobody has tampered with is accepted, by us and by cosign', async () => {
  const { bundle } = await again();
  const layer = await makeCertifiedLayer(sigstore, document());
  for (const [bytes, { trust, options }] of [
    [bytesOf(toBundle()), kinds.key],
    [bytesOf(bundle), kinds.certificate],
  ] as const) {
    await expect(verifyCosignBundle(bytes, { digest }, trust())).resolves.toMatchObject({ predicateType });
    expect(await cosignAcceptsBundle(bytes, options())).toBe(true);
  }
  for (const [made, { trust, options }] of [
    [toLayer(), kinds.key],
    // As `cosign attach signature` leaves what `openssl dgst` and `base64` wrote.
    [inLines(toLayer()), kinds.key],
    [layer, kinds.certificate],
  ] as const) {
    await expect(verifyCosignLayer(made, { digest }, trust())).resolves.toMatchObject({ signedBy: expect.any(String) });
    expect(await cosignAcceptsLayer(made, options())).toBe(true);
  }
});

describe.each([
  ['key', byKey],
  ['certificate', byCertificate],
] as const)('a bundle by a %s', (kind, cases) => {
  test.each<Case<object | string>>(cases)('with $what is refused', async ({ make, code, reason, root, acceptedByCosign }) => {
    const bytes = bytesOf(await make());
    await writeFile(join(folder, 'root.json'), (root?.() ?? sigstore).trustedRoot);
    const refusal = await refusalOf(verifyCosignBundle(bytes, { digest }, kinds[kind].trust(root?.())));
    expect(refusal).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(await cosignAcceptsBundle(bytes, kinds[kind].options())).toBe(acceptedByCosign !== undefined);
  });
});

describe.each([
  ['key', layersByKey],
  ['certificate', layersByCertificate],
] as const)('a layer by a %s', (kind, cases) => {
  test.each<Case<TaggedLayer>>(cases)('with $what is refused', async ({ make, code, reason, acceptedByCosign }) => {
    const layer = await make();
    const refusal = await refusalOf(verifyCosignLayer(layer, { digest }, kinds[kind].trust()));
    expect(refusal).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(await cosignAcceptsLayer(layer, kinds[kind].options())).toBe(acceptedByCosign !== undefined);
  });
});

test('no two cases of one kind have the same words', () => {
  for (const cases of [byKey, byCertificate, layersByKey, layersByCertificate])
    expect(new Set(cases.map(({ what }) => what)).size).toBe(cases.length);
  expect(byKey.length + byCertificate.length + layersByKey.length + layersByCertificate.length).toBeGreaterThanOrEqual(50);
});
