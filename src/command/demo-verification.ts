import { setTimeout as sleep } from 'node:timers/promises';
import { cycloneDxMediaType } from '../evidence/cyclonedx.ts';
import { predicateTypes } from '../evidence/predicate-type.ts';
import { parseScanReport } from '../evidence/scan-report.ts';
import { parseStatement } from '../evidence/statement.ts';
import { parseVerdictSummary } from '../evidence/verdict-summary.ts';
import { readWhole } from '../lib/http-client.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { toHex } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { openRepository, type Repository } from '../registry/repository.ts';
import { statementMediaType } from '../sign/cosign/dsse.ts';
import { notaryArtifactType } from '../sign/notary/signature.ts';
import { type CertificateTrust, verifyNotary } from '../sign/notary/verification.ts';
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
    ...(await readStatements(remote, descriptor, { now, trusted })),
  ];
}

/** What is said of the image; each statement has to be about it, and signed. */
async function readStatements(remote: Repository, image: Descriptor, trust: CertificateTrust): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const referrer of await remote.listReferrers(image.digest, statementMediaType)) {
    await verifyNotary(await fetchContent(remote, referrer, notaryArtifactType), referrer, trust);
    const { subject, predicateType, predicate } = parseStatement((await fetchDocument(remote, referrer)).bytes);
    if (subject[0]?.digest.sha256 !== toHex(image.digest)) throw new Error(`${referrer.digest} is about something else`);
    lines.push(`attested   ${toStatementLine(predicateType, predicate)}, signed`);
  }
  return lines.toSorted();
}

function toStatementLine(predicateType: string, predicate: object): string {
  if (predicateType === predicateTypes.scan) {
    const { findings, gaps, advisories } = parseScanReport(predicate);
    return `scan report, ${findings.length} findings and ${gaps.length} gaps with the advisories of ${advisories.source}`;
  }
  if (predicateType === predicateTypes.verdict) {
    const { kind, policy, expires } = parseVerdictSummary(predicate);
    return `verdict, ${kind} under the policy ${policy.name}${expires === undefined ? '' : ` until ${expires}`}`;
  }
  return `provenance, ${predicateType}`;
}

async function fetchContent(remote: Repository, subject: Descriptor, artifactType: string) {
  const [referrer] = await remote.listReferrers(subject.digest, artifactType);
  if (referrer === undefined) throw new Error(`nothing of type ${artifactType} refers to ${subject.digest}`);
  return fetchDocument(remote, referrer);
}

async function fetchDocument(remote: Repository, referrer: Descriptor) {
  const { manifest } = await remote.fetchManifest(referrer.digest);
  const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
  if (blob === undefined) throw new Error(`${referrer.digest} has no content`);
  return { mediaType: blob.mediaType, bytes: await remote.fetchBlob(blob, readWhole) };
}
