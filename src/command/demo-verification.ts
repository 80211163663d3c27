import { setTimeout as sleep } from 'node:timers/promises';
import { cycloneDxMediaType } from '../evidence/cyclonedx.ts';
import { readWhole } from '../lib/http-client.ts';
import { SecretValue } from '../lib/secret-value.ts';
import type { Descriptor } from '../model/image.ts';
import { openRepository, type Repository } from '../registry/repository.ts';
import { notaryArtifactType } from '../sign/notary/signature.ts';
import { verifyNotary } from '../sign/notary/verification.ts';
import type { DemoSandbox } from './demo-step.ts';
import type { World } from './world.ts';

/**
 * Reads what was published as somebody would who deploys it: the tag, every blob, the signature (trusting the root of the vault's certificate
 * alone) and the bill of materials. Gives a line for each; rejects with a StepError where something does not hold.
 */
export async function verifyPublished({ registry, sandbox, repository }: DemoSandbox, password: string, world: World): Promise<string[]> {
  const { http, now, random } = world;
  const remote = openRepository(
    { registry: registry.host, repository },
    {
      http,
      now,
      random,
      sleep: async (ms) => sleep(ms),
      credential: { kind: 'password', username: 'shop-ci', password: new SecretValue(password) },
    },
  );
  const { descriptor, manifest } = await remote.fetchManifest('1.0');
  const blobs = manifest.kind === 'image' ? [manifest.config, ...manifest.layers] : manifest.manifests;
  if (manifest.kind === 'image') for (const blob of blobs) await remote.fetchBlob(blob, readWhole);
  const signature = await fetchContent(remote, descriptor, notaryArtifactType);
  const trusted = sandbox.signing.chain.slice(-1).map(({ raw }) => raw);
  const { algorithm, signingTime } = await verifyNotary(signature, descriptor, { now, trusted });
  const sbom = JSON.parse((await fetchContent(remote, descriptor, cycloneDxMediaType)).bytes.toString('utf8')) as { components: unknown[] };
  return [
    `image      ${remote.name}:1.0@${descriptor.digest}`,
    `content    ${blobs.length} blobs with the digests that the manifest names`,
    `signature  Notary Project, ${algorithm}, ${signingTime.toISOString()}, by ${sandbox.signing.chain[0]?.subject.replaceAll('\n', ', ')}`,
    `SBOM       CycloneDX, ${sbom.components.length} components`,
  ];
}

async function fetchContent(remote: Repository, subject: Descriptor, artifactType: string) {
  const [referrer] = await remote.listReferrers(subject.digest, artifactType);
  if (referrer === undefined) throw new Error(`nothing of type ${artifactType} refers to ${subject.digest}`);
  const { manifest } = await remote.fetchManifest(referrer.digest);
  const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
  if (blob === undefined) throw new Error(`${referrer.digest} has no content`);
  return { mediaType: blob.mediaType, bytes: await remote.fetchBlob(blob, readWhole) };
}
