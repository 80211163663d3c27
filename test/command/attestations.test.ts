import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { secure } from '../../src/command/secure.ts';
import { parseScanReport } from '../../src/evidence/scan-report.ts';
import { parseStatement } from '../../src/evidence/statement.ts';
import { parseVerdictSummary } from '../../src/evidence/verdict-summary.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { BuildRun } from '../../src/model/build-run.ts';
import type { Descriptor } from '../../src/model/image.ts';
import { digestOf } from '../../src/registry/artifact.ts';
import { openRepository, type Repository } from '../../src/registry/repository.ts';
import { toTar } from '../../src/sandbox/demo/tar-archive.ts';
import type { RegistryOptions } from '../../src/sandbox/registry.ts';
import { signNotary } from '../../src/sign/notary/signature.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { makeChain, makeSigner } from '../sign/chain.ts';
import { openHttp, recordingHost, toWorld, writeArchive } from './publication.ts';

let place: Place;
let http: HttpClient;

const statementType = 'application/vnd.in-toto+json';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const sbomType = 'application/vnd.cyclonedx+json';
const notaryType = 'application/vnd.cncf.notary.signature';
const indexType = 'application/vnd.oci.image.index.v1+json';
const emptyIndex = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] });

const buildRun: BuildRun = {
  buildType: 'https://example.com/type',
  builder: 'https://example.com/builder',
  invocation: 'https://example.com/run/1',
  externalParameters: {},
  internalParameters: {},
  source: undefined,
};

/** Has a package database that is cut off, which the policy accepts for a time. */
const policy = `version: 1
extends: builtin
exceptions:
  - { id: root-user, reason: known, expires: 2099-12-31 }
gaps:
  - { code: damaged, reason: a test file, expires: 2099-06-30 }
`;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  const files = [
    { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' },
    { path: 'var/lib/dpkg/status', content: 'Package: base-files\nStatus: install ok installed\nVersion: 12.4\n' },
    { path: 'srv/node_modules/left-pad/package.json', content: '{"name": "left-pad", "version": ' },
  ];
  await writeArchive(place, 'app.tar', [toTar(files)]);
  await writeFile(join(place.workspace, 'policy.yml'), policy);
});

afterAll(async () => {
  http.close();
  await place.close();
});

async function openTarget(options: Partial<RegistryOptions> = {}) {
  const actions = ['pull', 'push', 'delete'] as const;
  const users = [{ name: 'shop-ci', password: place.password, grants: [{ repository: 'team/*', actions }] }];
  const registry = await place.startRegistry({ auth: { kind: 'bearer', users }, ...options });
  const credential = { kind: 'password', username: 'shop-ci', password: new SecretValue(place.password) } as const;
  const given = { http, credential, now: () => new Date(), random: () => 0, sleep: (ms: number) => sleep(ms) };
  const repository = openRepository({ registry: registry.host, repository: 'team/app' }, given);
  let minutes = 0;
  /** Each run is a minute after the one before. */
  const run = async (inputs: Readonly<Record<string, string>> = {}) => {
    minutes += 1;
    const offsetMs = minutes * 60_000;
    const startedAt = new Date(Date.now() + offsetMs);
    const given = {
      ...fileInputs(place, `${registry.host}/team/app:1`),
      image: 'docker-archive:app.tar',
      policy: 'policy.yml',
      attest: 'sbom\nprovenance\nscan\nverdict',
      ...inputs,
    };
    const log: string[] = [];
    const outputs = new Map<string, string>();
    const host = recordingHost(place.workspace, await place.newFolder('runner'), log, outputs);
    const clock = { now: () => new Date(Date.now() + offsetMs), sleep: (ms: number) => sleep(ms) };
    const world = { ...toWorld(http, { findBuildRun: async () => buildRun }), ...clock };
    const settings = parseSettings(new Map(Object.entries(given)), (name) => name);
    const exitCode = await secure(settings, host, world).catch((error: unknown) => {
      if (!(error instanceof StepError)) throw error;
      log.push(error.message);
      return exitCodeOf(error);
    });
    return { exitCode, log: log.join('\n'), outputs, startedAt };
  };
  const subject = async (): Promise<Descriptor> => {
    const { mediaType, digest, size } = (await repository.fetchManifest('1')).descriptor;
    return { mediaType, digest, size };
  };
  return { registry, repository, run, subject };
}

async function readStatements(repository: Repository, subject: Descriptor) {
  const listed = await repository.listReferrers(subject.digest, statementType);
  const read = listed.map(async ({ digest }) => parseStatement(await fetchContent(repository, digest)));
  return Promise.all(read);
}

async function fetchContent(repository: Repository, digest: Descriptor['digest']): Promise<Buffer> {
  const { manifest } = await repository.fetchManifest(digest);
  const blob = manifest.kind === 'image' ? manifest.layers[0] : undefined;
  if (blob === undefined) throw new Error(`${digest} has no content`);
  return repository.fetchBlob(blob, readWhole);
}

async function countOf(repository: Repository, subject: Descriptor) {
  const types = [statementType, bundleType, sbomType];
  return Promise.all(types.map(async (type) => (await repository.listReferrers(subject.digest, type)).length));
}

describe('statements', () => {
  it('say what the run has found out, and until when its verdict holds', async () => {
    const { repository, run, subject } = await openTarget();
    const { exitCode, outputs, startedAt } = await run();
    expect(exitCode).toBe(0);
    const statements = await readStatements(repository, await subject());
    const predicateOf = (part: string) => statements.find(({ predicateType }) => predicateType.includes(part))?.predicate;
    expect(statements.map((statement) => statement.subject)).toEqual(
      Array(3).fill([{ name: repository.name, digest: { sha256: (await subject()).digest.slice('sha256:'.length) } }]),
    );
    const report = parseScanReport(predicateOf('/scan/'));
    expect(report).toMatchObject({ platforms: ['linux/amd64'], packages: 1, version: '0.0.0' });
    expect(Date.parse(report.scannedAt)).toBeGreaterThanOrEqual(startedAt.getTime());
    expect(report.gaps).toMatchObject([{ code: 'damaged', path: 'srv/node_modules/left-pad/package.json' }]);
    expect(report.advisories.digest).toBeUndefined();
    const verdict = parseVerdictSummary(predicateOf('verification_summary'));
    expect(verdict).toMatchObject({ kind: 'pass', policy: { name: 'policy.yml' }, expires: '2099-06-30' });
    expect(verdict.exceptions).toEqual([{ rule: undefined, subject: 'damaged', reason: 'a test file', expires: '2099-06-30' }]);
    expect(predicateOf('provenance')).toMatchObject({ runDetails: { metadata: { invocationId: buildRun.invocation } } });
    expect(outputs.get('attestations')?.split('\n')).toHaveLength(4);
    expect(outputs.get('signatures')?.split('\n')).toHaveLength(1);
  });

  it('name files of the workspace as the repository does', async () => {
    const { repository, run, subject } = await openTarget();
    await mkdir(join(place.workspace, 'osv'), { recursive: true });
    await writeFile(
      join(place.workspace, 'lenient.yml'),
      `${policy}  - { code: no-advisories, reason: an empty folder, expires: 2099-06-30 }\n`,
    );
    await run({ policy: join(place.workspace, 'lenient.yml'), advisories: 'osv' });
    const statements = await readStatements(repository, await subject());
    expect(statements.find(({ predicateType }) => predicateType.includes('verification_summary'))?.predicate).toMatchObject({
      policy: { uri: expect.stringMatching(/\/policies\/lenient\.yml$/) },
    });
    expect(parseScanReport(statements.find(({ predicateType }) => predicateType.includes('/scan/'))?.predicate).advisories.source).toBe(
      'osv',
    );
  });

  it('are pulled by the name of what they say', async () => {
    const { repository, run, subject } = await openTarget();
    await run();
    const listed = await repository.listReferrers((await subject()).digest, statementType);
    const titles = listed.map(async ({ digest }) => {
      const { manifest } = await repository.fetchManifest(digest);
      return manifest.kind === 'image' ? manifest.layers[0]?.annotations?.['org.opencontainers.image.title'] : undefined;
    });
    expect((await Promise.all(titles)).toSorted()).toEqual(['provenance.intoto.json', 'scan.intoto.json', 'verdict.intoto.json']);
  });

  it('are signed each by notation, the bill of materials as it is', async () => {
    const { repository, run, subject } = await openTarget();
    await run();
    const image = await subject();
    const signed = [statementType, sbomType].map((type) => repository.listReferrers(image.digest, type));
    const artifacts = (await Promise.all(signed)).flat();
    const signatures = artifacts.map(async ({ digest }) => (await repository.listReferrers(digest, notaryType)).length);
    expect(await Promise.all(signatures)).toEqual([1, 1, 1, 1]);
  });

  it('are those that are asked for, and no others', async () => {
    const { repository, run, subject } = await openTarget();
    await run({ attest: 'verdict', sign: 'cosign', sbom: 'none' });
    // One is the signature of the image.
    expect(await countOf(repository, await subject())).toEqual([0, 2, 0]);
    await run({ attest: 'none', sign: 'cosign', sbom: 'none' });
    expect(await countOf(repository, await subject())).toEqual([0, 2, 0]);
  });

  it('are read back before the tag moves', async () => {
    let image: string | undefined;
    const { registry, run, subject } = await openTarget({
      // Lists what refers to the image, and nothing of what refers to a statement.
      faults: ({ method, target }) =>
        method === 'GET' && image !== undefined && target.includes('/referrers/') && !target.includes(image)
          ? { kind: 'answer', status: 200, headers: { 'content-type': indexType }, body: emptyIndex }
          : undefined,
    });
    expect((await run({ attest: 'none' })).exitCode).toBe(0);
    image = (await subject()).digest;
    const { exitCode, log } = await run({ push: `${registry.host}/team/app:2` });
    expect(exitCode).toBe(3);
    expect(log).toMatch(/cannot read the attestation of the \w+ of .* back: it is not listed/);
    expect(registry.content.tags('team/app').map(([tag]) => tag)).toEqual(['1']);
  });
});

describe.each([
  ['with the referrers API', true],
  ['without it', false],
])('prune-evidence %s', (_name, referrersApi) => {
  const both = { sign: 'notation\ncosign' };
  const prune = { ...both, 'prune-evidence': 'true' };

  it('deletes what this key has said before, and nothing else', async () => {
    const { repository, run, subject } = await openTarget({ limits: { referrersApi } });
    await run(both);
    await run(both);
    // The provenance is the same in both; the bundles are the image's signature, and four statements of which one is the same.
    expect(await countOf(repository, await subject())).toEqual([5, 8, 2]);
    const { log } = await run(prune);
    expect(log).toMatch(/Deleted 12 older attestations/);
    expect(await countOf(repository, await subject())).toEqual([3, 5, 1]);
    const left = await repository.listReferrers((await subject()).digest, sbomType);
    expect(await repository.listReferrers(left[0]?.digest ?? 'sha256:', notaryType)).toHaveLength(1);
  });

  it('takes what this key has said before out of the image at the tag, and nothing else', async () => {
    const { repository, run, subject } = await openTarget({ limits: { referrersApi } });
    const legacy = { sign: 'cosign', 'cosign-format': 'legacy', attest: 'provenance\nscan\nverdict' };
    await run(legacy);
    const tag = `${(await subject()).digest.replace(':', '-')}.att`;
    const [own] = await repository.listTaggedLayers(tag);
    const annotations = own?.annotations ?? {};
    const other = { mediaType: own?.mediaType ?? '', bytes: Buffer.from('{"of":"somebody else"}'), annotations };
    await repository.upsertTaggedLayer(tag, other);
    await run(legacy);
    expect(await repository.listTaggedLayers(tag)).toHaveLength(6);
    const { exitCode, log } = await run({ ...legacy, 'prune-evidence': 'true' });
    expect([exitCode, log]).toEqual([0, expect.stringMatching(/Deleted 4 older attestations/)]);
    const left = await repository.listTaggedLayers(tag);
    expect(left).toHaveLength(4);
    expect(left.map(({ digest }) => digest)).toContain(digestOf(other.bytes));
  });

  it('leaves what another key has signed, too', async () => {
    const { repository, run, subject } = await openTarget({ limits: { referrersApi } });
    await run({ attest: 'scan' });
    const [scan] = await repository.listReferrers((await subject()).digest, statementType);
    if (scan === undefined) throw new Error('no scan report');
    const { chain, keys } = makeChain('P-256');
    const request = {
      signer: makeSigner('ES256', keys, chain),
      subject: scan,
      now: () => new Date(),
      agent: 'other',
      format: 'jws' as const,
    };
    const { artifactType, annotations, mediaType, bytes } = await signNotary({ ...request, lifetimeMs: undefined, metadata: new Map() });
    await repository.attachReferrer({ subject: scan, artifactType, annotations, layers: [{ mediaType, bytes }] });
    await run({ attest: 'scan', 'prune-evidence': 'true' });
    expect((await countOf(repository, await subject()))[0]).toBe(2);
  });
});

it("a layer that is listed at the tag and is not there is nobody's, and ends no run", async () => {
  const { repository, run, subject } = await openTarget({ limits: { requireContent: false } });
  const legacy = { sign: 'cosign', 'cosign-format': 'legacy', attest: 'provenance' };
  await run(legacy);
  const tag = `${(await subject()).digest.replace(':', '-')}.att`;
  const { bytes, descriptor } = await repository.fetchManifest(tag);
  const image = JSON.parse(bytes.toString());
  const gone = { ...image.layers[0], digest: `sha256:${'e'.repeat(64)}` };
  await repository.putTag(tag, descriptor.mediaType, Buffer.from(JSON.stringify({ ...image, layers: [gone, ...image.layers, gone] })));
  const { exitCode } = await run({ ...legacy, 'prune-evidence': 'true' });
  expect(exitCode).toBe(0);
  expect(await repository.listTaggedLayers(tag)).toHaveLength(3);
});

it('where nothing may be deleted, older statements stay, and the run ends well', async () => {
  const { repository, run, subject } = await openTarget({
    faults: ({ method, target }) => (method === 'DELETE' && target.includes('/manifests/') ? { kind: 'answer', status: 405 } : undefined),
  });
  await run({ attest: 'scan' });
  const { exitCode, log } = await run({ attest: 'scan', 'prune-evidence': 'true' });
  expect(exitCode).toBe(0);
  expect(log).toMatch(/Older attestations stay in/);
  expect((await countOf(repository, await subject()))[0]).toBe(2);
});
