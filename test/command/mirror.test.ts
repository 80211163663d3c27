import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snapshotArtifactType, snapshotMediaType } from '../../src/advisory/snapshot/format.ts';
import { openSnapshotBytes } from '../../src/advisory/snapshot/snapshot-bytes.ts';
import { SnapshotReader } from '../../src/advisory/snapshot/snapshot-reader.ts';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { mirror } from '../../src/command/mirror.ts';
import { parseMirrorSettings } from '../../src/inputs/parse-mirror.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import { demoAdvisories } from '../../src/sandbox/demo/advisories.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { writeZip } from '../advisory/zip-writer.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { openHttp, recordingHost, runPublication, toWorld } from './publication.ts';

let place: Place;
let http: HttpClient;
let registry: RunningRegistry;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  registry = await place.startRegistry();
  const other = await createSigningChain({ name: 'another' });
  await writeFile(join(place.workspace, 'other.pem'), other.certificates.join(''));
  await writeDirectory('database', demoAdvisories);
});
afterAll(async () => {
  http.close();
  await place.close();
});

async function writeDirectory(name: string, records: readonly { readonly id: string }[]): Promise<void> {
  for (const ecosystem of ['npm', 'Debian']) {
    const own = records.filter((record) => JSON.stringify(record).includes(`"ecosystem":"${ecosystem}`));
    const parts = own.map((record) => ({ name: `${record.id}.json`, content: JSON.stringify(record) }));
    await mkdir(join(place.workspace, name, ecosystem), { recursive: true });
    await writeFile(join(place.workspace, name, ecosystem, 'all.zip'), writeZip(parts).bytes);
  }
}

interface MirrorRun {
  readonly exitCode: number;
  readonly log: readonly string[];
  readonly outputs: ReadonlyMap<string, string>;
  readonly error: StepError | undefined;
}

async function runMirror(inputs: Readonly<Record<string, string>>): Promise<MirrorRun> {
  const log: string[] = [];
  const outputs = new Map<string, string>();
  const host = recordingHost(place.workspace, await place.newFolder('runner'), log, outputs);
  let error: StepError | undefined;
  const exitCode = await (async () =>
    mirror(
      parseMirrorSettings(new Map(Object.entries(inputs)), (name) => name),
      host,
      toWorld(http, {}),
    ))().catch((cause: unknown) => {
    if (!(cause instanceof StepError)) throw cause;
    error = cause;
    return exitCodeOf(cause);
  });
  expect(await readdir(host.temporaryFolder)).toEqual([]);
  return { exitCode, log, outputs, error };
}

function pushInputs(repository: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const { image: _, ...access } = fileInputs(place, `${registry.host}/${repository}:latest`);
  return { ...access, advisories: 'database', ...more };
}

/** Inputs of a run that scans `bad.tar`, which has minimist 1.2.0 and zlib of Debian 11, and publishes nothing. */
function scanInputs(advisories: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const { push: _, 'signing-key': __, ...inputs } = fileInputs(place, 'unused/unused');
  return { ...inputs, image: 'docker-archive:bad.tar', advisories, 'advisories-cache': 'off', ...more };
}

const headerOf = async (path: string) => {
  const bytes = await openSnapshotBytes(path);
  try {
    return (await SnapshotReader.open(bytes, path)).header;
  } finally {
    await bytes.close();
  }
};

describe('mirror', () => {
  it('writes a snapshot of a directory to a file', async () => {
    const run = await runMirror({ advisories: 'database', snapshot: 'out/advisories.snapshot' });
    expect(run.exitCode).toBe(0);
    expect(run.log.join('\n')).toMatch(/Snapshot sha256:[0-9a-f]{64}: 3 advisories of 2 ecosystems/);
    const header = await headerOf(join(place.workspace, 'out/advisories.snapshot'));
    expect(header).toMatchObject({ source: 'directory', asOf: '2025-01-14T10:12:15.693Z', program: 'image-custody/0.0.0' });
    expect(header.ecosystems.map(({ name, records }) => [name, records])).toEqual([
      ['Debian', 1],
      ['npm', 2],
    ]);
  });

  it('writes the named ecosystems of the archives under a URL', async () => {
    const run = await runMirror({ advisories: place.sandbox.osv.url, ecosystem: 'npm', snapshot: 'npm.snapshot' });
    expect(run).toMatchObject({ exitCode: 0, log: expect.arrayContaining([expect.stringContaining('Fetched the advisories of npm')]) });
    const header = await headerOf(join(place.workspace, 'npm.snapshot'));
    expect(header.ecosystems.map(({ name, records }) => [name, records])).toEqual([['npm', 2]]);
    expect(header.source).toBe(new URL(place.sandbox.osv.url).origin);
  });

  it('takes all that can be matched where none is named', async () => {
    expect(await runMirror({ advisories: place.sandbox.osv.url, snapshot: 'all.snapshot' })).toMatchObject({ exitCode: 0 });
    const header = await headerOf(join(place.workspace, 'all.snapshot'));
    expect(header.ecosystems.map(({ name }) => name)).toEqual(['Debian', 'npm']);
  });

  it('pushes it signed, as an artifact of one blob, and moves the tag last', async () => {
    const run = await runMirror(pushInputs('team/advisories', { snapshot: 'pushed.snapshot' }));
    expect(run.exitCode).toBe(0);
    const digest = run.outputs.get('digest') ?? '';
    expect(run.outputs.get('references')).toBe(`${registry.host}/team/advisories:latest@${digest}`);
    expect(registry.content.tags('team/advisories')).toEqual([['latest', digest]]);
    const manifests = registry.content.manifests('team/advisories');
    const manifest = JSON.parse(manifests.find((stored) => stored.digest.text === digest)?.bytes.toString() ?? '');
    expect(manifest).toMatchObject({ artifactType: snapshotArtifactType, layers: [{ mediaType: snapshotMediaType }] });
    expect(manifest).not.toHaveProperty('subject');
    const written = registry.requests.filter(({ method, status = 0 }) => method === 'PUT' && status < 300).map(({ path }) => path);
    expect(written.at(-1)).toBe('/v2/team/advisories/manifests/latest');
    expect(run.outputs.get('signatures')).toMatch(/^sha256:/);
  });

  it('tells that nobody signs where no key is given', async () => {
    const { 'signing-key': _, ...inputs } = pushInputs('team/unsigned');
    const run = await runMirror(inputs);
    expect(run).toMatchObject({ exitCode: 0, log: expect.arrayContaining([expect.stringContaining('Nobody signs the snapshot')]) });
  });

  it.each([
    ['neither file nor reference', { advisories: 'database' }, 2, /Neither snapshot nor push/],
    ['a service', { advisories: 'http://osv.example', snapshot: 'x' }, 2, /advisories/],
    ['a registry', { advisories: 'registry:team/app', snapshot: 'x' }, 2, /advisories/],
    ['a directory that is not there', { advisories: 'nowhere', snapshot: 'x' }, 3, /nowhere/],
    ['an ecosystem that is not there', { advisories: 'database', ecosystem: 'npm\nRust', snapshot: 'x' }, 3, /"Rust"/],
    ['a file that cannot be written', { advisories: 'database', snapshot: 'good.tar/x' }, 2, /good\.tar/],
  ])('refuses %s', async (_, inputs, exitCode, message) => {
    const run = await runMirror(inputs);
    expect(run.error?.message).toMatch(message);
    expect(run.exitCode).toBe(exitCode);
  });

  it('names who lacks which grant where it may not push', async () => {
    const run = await runMirror(pushInputs('other/advisories'));
    expect(run.exitCode).toBe(3);
    expect(run.error).toMatchObject({ missing: { repository: 'other/advisories' } });
  });
});

describe('advisories: a snapshot', () => {
  const minimist = 'GHSA-xvch-5gv4-984h';

  async function scan(inputs: Readonly<Record<string, string>>, environment: Parameters<typeof runPublication>[3] = {}) {
    const run = await runPublication(place, http, inputs, environment);
    const report = run.report as unknown as {
      readonly findings?: readonly { readonly ids?: readonly string[] }[];
      readonly advisories?: { readonly source: string; readonly newest: string; readonly created: string };
    };
    return { ...run, findings: JSON.stringify(report.findings ?? []), advisories: report.advisories };
  }

  it('in a file answers, and the report tells when it was made and how new it is', async () => {
    await runMirror({ advisories: 'database', snapshot: 'scan.snapshot' });
    const { exitCode, findings, advisories } = await scan(scanInputs('scan.snapshot'));
    expect(exitCode).toBe(1);
    expect(findings).toContain(minimist);
    expect(advisories).toMatchObject({ newest: '2025-01-14T10:12:15.693Z', created: expect.stringMatching(/^\d{4}-/) });
  });

  it('of a registry answers where the certificate that was named has signed it, or the digest is named', async () => {
    const { outputs } = await runMirror(pushInputs('team/trusted'));
    const tag = `registry:${registry.host}/team/trusted:latest`;
    const digest = outputs.get('digest') ?? '';
    const certificate = { 'advisories-certificate': 'certificates.pem' };
    for (const inputs of [scanInputs(tag, certificate), scanInputs(`registry:${registry.host}/team/trusted@${digest}`)]) {
      const { exitCode, findings, advisories, log } = await scan(inputs);
      expect(exitCode, log.join('\n')).toBe(1);
      expect(findings).toContain(minimist);
      expect(advisories?.source).toContain(digest);
    }
    const bySigner = await scan({
      ...scanInputs(tag),
      push: `${registry.host}/team/app:1`,
      'signing-key': 'file:key.pem,certificates.pem',
    });
    expect(bySigner.findings).toContain(minimist);
  });

  it('of a registry is not believed by its tag alone', async () => {
    const { exitCode, log } = await scan(scanInputs(`registry:${registry.host}/team/trusted:latest`));
    expect(exitCode).toBe(2);
    expect(log.join('\n')).toMatch(/nothing says whose snapshot it has to be/);
  });

  it('of a registry is refused where somebody else signed it, or nobody', async () => {
    const { 'signing-key': _, ...unsigned } = pushInputs('team/nobody');
    await runMirror(unsigned);
    const other = await scan(scanInputs(`registry:${registry.host}/team/trusted`, { 'advisories-certificate': 'other.pem' }));
    const nobody = await scan(scanInputs(`registry:${registry.host}/team/nobody`, { 'advisories-certificate': 'certificates.pem' }));
    expect([other.exitCode, nobody.exitCode]).toEqual([3, 3]);
    expect(other.log.join('\n')).toMatch(/cannot trust the advisories .*none is by a certificate that is trusted/);
    expect(nobody.log.join('\n')).toMatch(/of its 0 signatures/);
  });

  it('that is none is refused', async () => {
    await runPublication(place, http, { ...fileInputs(place, `${registry.host}/team/image:1`), sbom: 'none' });
    const { exitCode, log } = await scan(
      scanInputs(`registry:${registry.host}/team/image:1`, { 'advisories-certificate': 'certificates.pem' }),
    );
    expect(exitCode).toBe(3);
    expect(log.join('\n')).toMatch(/it is no artifact of type/);
  });

  it('is kept by its digest, checked when it is read, and fetched again where it is something else', async () => {
    const { outputs } = await runMirror(pushInputs('team/cached'));
    const cache = join(await place.newFolder('cache'), 'deep');
    const inputs = scanInputs(`registry:${registry.host}/team/cached@${outputs.get('digest')}`, { 'advisories-cache': cache });
    const downloads = () => registry.requests.filter(({ method, path }) => method === 'GET' && path.includes('team/cached/blobs')).length;

    const before = downloads();
    const runs = await Promise.all([scan(inputs), scan(inputs), scan(inputs)]);
    for (const { findings } of runs) expect(findings).toContain(minimist);
    const [name = '', ...others] = await readdir(cache);
    expect([name, others]).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.snapshot$/), []]);
    expect(downloads()).toBeGreaterThan(before);

    const filled = downloads();
    const again = await scan(inputs);
    expect([again.findings.includes(minimist), downloads()]).toEqual([true, filled]);
    expect(again.log.join('\n')).toMatch(/from the cache/);

    const file = join(cache, name);
    const good = await readFile(file);
    for (const damage of [good.subarray(0, -1), Buffer.from(good.map((byte, at) => (at === 40 ? byte ^ 1 : byte))), Buffer.alloc(0)]) {
      await writeFile(file, damage);
      const mended = await scan(inputs);
      expect(mended.log.join('\n')).toMatch(/is something else; it is fetched again/);
      expect(mended.findings).toContain(minimist);
      expect((await readFile(file)).equals(good)).toBe(true);
    }
  });

  it('is kept in the tool cache of the runner, and in memory where nothing can be kept', async () => {
    const { outputs } = await runMirror(pushInputs('team/kept'));
    const { 'advisories-cache': _, ...inputs } = scanInputs(`registry:${registry.host}/team/kept@${outputs.get('digest')}`);
    const cacheFolder = await place.newFolder('tools');
    expect((await scan(inputs, { cacheFolder })).findings).toContain(minimist);
    expect(await readdir(cacheFolder)).toHaveLength(1);
    const nowhere = await scan(inputs, { cacheFolder: join(place.workspace, 'good.tar/cache') });
    expect(nowhere.log.join('\n')).toMatch(/Cannot keep advisories in .*ENOTDIR/);
    expect(nowhere.findings).toContain(minimist);
  });

  it('that its registry does not give is an error that names who lacks which grant', async () => {
    const { exitCode, log } = await scan(
      scanInputs(`registry:${registry.host}/other/advisories`, { 'advisories-certificate': 'certificates.pem' }),
    );
    expect(exitCode).toBe(3);
    expect(log.join('\n')).toMatch(/cannot read the manifest of .*other\/advisories:latest/);
  });
});
