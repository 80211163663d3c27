import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHttp, readWhole } from '../src/lib/http-client.ts';
import { forEachParallel } from '../src/lib/parallel.ts';
import type { Digest } from '../src/model/digest.ts';
import { type Descriptor, mediaTypes } from '../src/model/image.ts';
import { digestOf, emptyConfig, toArtifactManifest } from '../src/registry/artifact.ts';
import { toReferrersTag } from '../src/registry/referrers-tag.ts';
import { openRepository } from '../src/registry/repository.ts';
import { startRegistry } from '../src/sandbox/registry.ts';

/**
 * What it costs to find one signature among others that anybody has put there, of the same type and with the same annotations: time and peak memory of a
 * process that looks for it, beside those of one where nobody has. `node bench/referrers-flood.ts [COUNT] [ROUNDS]`.
 */
const artifactType = 'application/vnd.cncf.notary.signature';
const [count = 10_000, rounds = 5] = process.argv.slice(2).map(Number);

interface Reading {
  readonly ms: number;
  readonly peakBytes: number;
}

/** Limits of what is claimed, beside a list without a flood. */
const most = { ms: 2_000, bytes: 20 * 1024 * 1024 };

function open(host: string) {
  return openRepository(
    { registry: host, repository: 'team/app' },
    {
      http: createHttp({ userAgent: 'bench' }),
      credential: { kind: 'anonymous' },
      now: () => new Date(),
      random: Math.random,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
  );
}

/** In a process of its own: what was asked for last is what is wanted. */
async function look(host: string, subject: Digest, wanted: Digest): Promise<void> {
  const startMs = performance.now();
  const found = await open(host).findReferrers(subject, { artifactType, isWanted: ({ digest }) => digest === wanted });
  if (found.length !== 1) throw new Error(`found ${found.length}`);
  const reading: Reading = { ms: performance.now() - startMs, peakBytes: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(JSON.stringify(reading));
}

async function measure(host: string, subject: Digest, wanted: Digest): Promise<Reading> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'look', host, subject, wanted], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await Promise.all([readWhole(child.stdout), once(child, 'exit')]);
  return JSON.parse(text.toString()) as Reading;
}

function toArtifact(subject: Descriptor, text: string) {
  const layers = [{ mediaType: 'application/jose+json', bytes: Buffer.from('one envelope') }];
  const annotations = { 'io.cncf.notary.x509chain.thumbprint#S256': JSON.stringify(['0'.repeat(64)]), text };
  return toArtifactManifest({ subject, artifactType, layers, annotations });
}

/** A subject with so many referrers, the wanted one among them. */
async function flood(host: string, referrersApi: boolean, junk: number): Promise<{ readonly subject: Digest; readonly wanted: Digest }> {
  const repository = open(host);
  const envelope = Buffer.from('one envelope');
  for (const bytes of [emptyConfig, envelope]) await repository.putBlob(digestOf(bytes), bytes);
  const config = { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length };
  const image = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config,
    layers: [config],
    annotations: { junk: `${junk} ${referrersApi}` },
  };
  const subject = await repository.putManifest(mediaTypes.ociManifest, Buffer.from(JSON.stringify(image)));
  const artifacts = [...Array(junk + 1).keys()].map((at) => toArtifact(subject, `${at}`));
  const wanted = artifacts[Math.floor(junk / 2)]?.descriptor.digest ?? subject.digest;
  if (referrersApi) {
    await forEachParallel(artifacts, 8, async ({ descriptor, bytes }) => void (await repository.putManifest(descriptor.mediaType, bytes)));
  } else {
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: artifacts.map(({ descriptor }) => descriptor) };
    await repository.putTag(toReferrersTag(subject.digest), mediaTypes.ociIndex, Buffer.from(JSON.stringify(index)));
  }
  return { subject: subject.digest, wanted };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function compare(referrersApi: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flood-'));
  const registry = await startRegistry({ folder, now: () => new Date(), limits: { referrersApi, requireContent: false } });
  try {
    const [quiet, flooded] = [await flood(registry.host, referrersApi, 0), await flood(registry.host, referrersApi, count)];
    const readings: { readonly quiet: Reading; readonly flooded: Reading }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      readings.push({
        quiet: await measure(registry.host, quiet.subject, quiet.wanted),
        flooded: await measure(registry.host, flooded.subject, flooded.wanted),
      });
    }
    const ms = median(readings.map((each) => each.flooded.ms - each.quiet.ms));
    const bytes = median(readings.map((each) => each.flooded.peakBytes - each.quiet.peakBytes));
    const place = referrersApi ? 'referrers API, pages of 1,000' : 'index at the referrers tag';
    console.log(`| ${place} | ${count} | ${Math.round(ms)} ms | ${(bytes / 1024 / 1024).toFixed(1)} MiB |`);
    if (ms > most.ms || bytes > most.bytes) process.exitCode = 1;
  } finally {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'look') {
  const [host = '', subject = '', wanted = ''] = process.argv.slice(3);
  await look(host, subject as Digest, wanted as Digest);
} else {
  console.log('| list | others | more time | more memory at the peak |\n|---|---|---|---|');
  for (const referrersApi of [true, false]) await compare(referrersApi);
}
