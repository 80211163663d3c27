import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseScanReport } from '../../src/evidence/scan-report.ts';
import { parseStatement } from '../../src/evidence/statement.ts';
import { parseVerdictSummary } from '../../src/evidence/verdict-summary.ts';
import { startRegistry as startSandboxRegistry } from '../../src/sandbox/registry.ts';
import { readOutputFile } from '../host/oracle-github-runner.ts';
import { file, tar } from '../layer/tar-writer.ts';
import { makeChain, toPem } from '../sign/chain.ts';
import {
  configOf,
  describe as describeBlob,
  digestOf,
  ociConfigType,
  ociIndexType,
  ociManifestType,
  tarLayerType,
} from '../source/image-fixture.ts';
import { startRegistry } from './loopback-registry.ts';
import { peer, shared } from './peers.ts';
import { expectProgram, runBundle, runProgram } from './step.ts';

/** Statements about an index and its two platforms, held against cosign, notation and oras. */
let folder: string;
let registries: ReadonlyMap<string, { readonly host: string; readonly stop: () => Promise<unknown> }>;
/** Digests of the index, of the platform with a vulnerable package, and of the one without. */
let index: string;
let found: string;
let clean: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attestations-'));
  await Promise.all(['sandbox', 'image/blobs/sha256', 'home', 'runner'].map((name) => mkdir(join(folder, name), { recursive: true })));
  [index, found, clean] = await writeLayout(join(folder, 'image'));
  const { chain, keys } = makeChain('P-256');
  await writeFile(join(folder, 'key.pem'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'key.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(folder, 'chain.pem'), toPem(...chain));
  await writeFile(join(folder, 'policy.yml'), policy);
  await writeFile(join(folder, 'strict.yml'), 'version: 1\nextends: builtin\n');
  await writeFile(join(folder, 'root.pem'), toPem(chain.at(-1) ?? Buffer.of()));
  await trustRoot(toPem(chain.at(-1) ?? Buffer.of()));
  const [distribution, sandbox] = await Promise.all([
    startRegistry(),
    startSandboxRegistry({ folder: join(folder, 'sandbox'), now: () => new Date() }),
  ]);
  registries = new Map([
    ['CNCF Distribution', { host: distribution.host, stop: () => distribution.stop() }],
    ['the sandbox', { host: sandbox.host, stop: () => sandbox.close() }],
  ]);
});

afterAll(async () => {
  await Promise.all([...(registries?.values() ?? [])].map(({ stop }) => stop()));
  await rm(folder, { recursive: true, force: true });
});

const policy = `version: 1
extends: builtin
exceptions:
  - { id: CVE-2021-44906, reason: parses nothing of others, expires: 2099-06-30 }
`;

async function writeLayout(layout: string): Promise<[string, string, string]> {
  const put = async (mediaType: string, bytes: Buffer, more = {}) => {
    const digest = digestOf(bytes);
    await writeFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
    return { ...describeBlob({ mediaType, bytes }, more), digest };
  };
  const platform = async (architecture: string, version: string) => {
    const name = 'srv/node_modules/minimist/package.json';
    const layer = tar(file('etc/os-release', 'ID=debian\nVERSION_ID="12"\n'), file(name, JSON.stringify({ name: 'minimist', version })));
    const config = await put(ociConfigType, configOf({ architecture, diffIds: [digestOf(layer).slice('sha256:'.length)] }));
    const layers = [await put(tarLayerType, layer)];
    const manifest = { schemaVersion: 2, mediaType: ociManifestType, config, layers };
    return put(ociManifestType, Buffer.from(JSON.stringify(manifest)), { platform: { os: 'linux', architecture } });
  };
  const manifests = [await platform('amd64', '1.2.5'), await platform('arm64', '1.2.8')];
  const all = await put(ociIndexType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests })));
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests: [all] }));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return [all.digest, manifests[0]?.digest ?? '', manifests[1]?.digest ?? ''];
}

async function trustRoot(root: string): Promise<void> {
  const store = join(folder, 'home/notation/truststore/x509/ca/test');
  await mkdir(store, { recursive: true });
  await writeFile(join(store, 'root.pem'), root);
  const statement = {
    name: 'test',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:test'],
    trustedIdentities: ['*'],
  };
  await writeFile(join(folder, 'home/notation/trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [statement] }));
}

const run = {
  GITHUB_ACTIONS: 'true',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'contoso/shop',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_SHA: 'a1'.repeat(20),
  GITHUB_WORKFLOW_REF: 'contoso/shop/.github/workflows/image.yml@refs/heads/main',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_EVENT_NAME: 'push',
};

/** Publishes the index as a job of GitHub would, and gives the outputs. */
async function publish(destination: string, inputs: Readonly<Record<string, string>> = {}): Promise<ReadonlyMap<string, string>> {
  const output = join(folder, 'runner', `output-${Math.random()}`);
  await writeFile(output, '');
  const given = {
    image: 'oci:image',
    push: destination,
    advisories: shared('testdata/osv'),
    policy: 'policy.yml',
    sign: 'notation\ncosign',
    'cosign-format': 'both',
    'signing-key': 'file:key.pem,chain.pem',
    attest: 'sbom\nprovenance\nscan\nverdict',
    ...inputs,
  };
  const env = {
    ...run,
    PATH: process.env.PATH,
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: join(folder, 'runner'),
    GITHUB_OUTPUT: output,
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const { exitCode, stdout, stderr } = await runBundle('github.js', [], { cwd: folder, env });
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
  return readOutputFile(await readFile(output, 'utf8'));
}

const types = {
  sbom: 'cyclonedx',
  provenance: 'slsaprovenance1',
  scan: 'https://github.com/image-custody/image-custody/attestations/scan/v1',
  verdict: 'https://slsa.dev/verification_summary/v1',
};

/** The statements of a type that cosign has verified. */
async function verifyAttestations(reference: string, type: string, options: readonly string[] = []) {
  const args = ['verify-attestation', '--key', join(folder, 'key.pub'), '--insecure-ignore-tlog', '--allow-insecure-registry'];
  const lines = await expectProgram(peer('cosign'), [...args, '--type', type, ...options, reference]);
  return lines
    .trim()
    .split('\n')
    .map((line) => parseStatement(Buffer.from((JSON.parse(line) as { payload: string }).payload, 'base64')));
}

async function listReferrers(reference: string, type: string): Promise<readonly string[]> {
  const args = ['discover', '--plain-http', '--format', 'json', '--depth', '1', '--artifact-type', type, reference];
  const { referrers } = JSON.parse(await expectProgram(peer('oras'), args)) as { referrers: readonly { readonly digest: string }[] };
  return referrers.map(({ digest }) => digest);
}

function verifyNotation(reference: string) {
  const home = join(folder, 'home');
  const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  return runProgram(peer('notation'), ['verify', '--insecure-registry', reference], { env });
}

describe.each(['CNCF Distribution', 'the sandbox'])('on %s', (place) => {
  const repository = () => `${registries.get(place)?.host ?? ''}/team/shop`;
  let outputs: ReadonlyMap<string, string>;
  beforeAll(async () => {
    outputs = await publish(`${repository()}:1`);
  });

  test('the image keeps its digest, and the outputs name each statement', async () => {
    expect(await expectProgram(peer('crane'), ['digest', '--insecure', `${repository()}:1`])).toContain(index);
    // Of the index three, of two platforms four; by notation, as a bundle and as a layer.
    expect(outputs.get('attestations')?.split('\n')).toHaveLength((3 + 4 + 4) * 3);
  });

  test.each([
    ['bundles', []],
    ['layers', ['--new-bundle-format=false']],
  ])('cosign verifies statements in %s about the index and each platform', async (_form, options) => {
    for (const digest of [index, found, clean]) {
      const reference = `${repository()}@${digest}`;
      const subject = [{ name: repository(), digest: { sha256: digest.slice('sha256:'.length) } }];
      const [provenance] = await verifyAttestations(reference, types.provenance, options);
      expect(provenance).toMatchObject({
        subject,
        predicate: {
          buildDefinition: {
            externalParameters: { workflow: { path: '.github/workflows/image.yml' } },
            resolvedDependencies: [{ uri: 'git+https://github.com/contoso/shop@refs/heads/main', digest: { gitCommit: 'a1'.repeat(20) } }],
          },
          runDetails: { metadata: { invocationId: 'https://github.com/contoso/shop/actions/runs/42/attempts/1' } },
        },
      });
      const [scan] = await verifyAttestations(reference, types.scan, options);
      const report = parseScanReport(scan?.predicate);
      expect(report.findings.map(({ kind, title }) => `${kind} ${title}`).filter((line) => line.includes('CVE-2021-44906'))).toHaveLength(
        digest === clean ? 0 : 1,
      );
      expect(report.platforms).toHaveLength(digest === index ? 2 : 1);
      const [verdict] = await verifyAttestations(reference, types.verdict, options);
      expect(parseVerdictSummary(verdict?.predicate)).toMatchObject({
        kind: 'pass',
        resource: expect.stringContaining(digest),
        expires: digest === clean ? undefined : '2099-06-30',
      });
    }
    for (const digest of [found, clean]) {
      const [sbom] = await verifyAttestations(`${repository()}@${digest}`, types.sbom, options);
      expect(sbom?.predicate).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    }
  });

  test('notation verifies the artifacts that have the statements and the bills of materials', async () => {
    for (const digest of [index, found, clean]) {
      const reference = `${repository()}@${digest}`;
      const statements = await listReferrers(reference, 'application/vnd.in-toto+json');
      const sboms = await listReferrers(reference, 'application/vnd.cyclonedx+json');
      expect([statements.length, sboms.length]).toEqual([3, digest === index ? 0 : 1]);
      for (const artifact of [digest, ...statements, ...sboms])
        expect(await verifyNotation(`${repository()}@${artifact}`)).toMatchObject({ exitCode: 0 });
    }
  });

  test('oras pulls statements by their names, and trivy reads the bill of materials out of what cosign verifies', async () => {
    const pulled = await mkdtemp(join(folder, 'pulled-'));
    for (const digest of await listReferrers(`${repository()}@${found}`, 'application/vnd.in-toto+json'))
      await expectProgram(peer('oras'), ['pull', '--plain-http', '--output', pulled, `${repository()}@${digest}`]);
    expect((await readdir(pulled)).toSorted()).toEqual(['provenance.intoto.json', 'scan.intoto.json', 'verdict.intoto.json']);
    const envelope = join(pulled, 'sbom.dsse.json');
    const args = ['verify-attestation', '--key', join(folder, 'key.pub'), '--insecure-ignore-tlog', '--allow-insecure-registry'];
    await writeFile(envelope, await expectProgram(peer('cosign'), [...args, '--type', types.sbom, `${repository()}@${found}`]));
    const flags = ['--format', 'json', '--list-all-pkgs', '--scanners', 'license', '--skip-db-update', '--offline-scan', '--quiet'];
    const env = { ...process.env, HOME: pulled };
    expect(await expectProgram(peer('trivy'), ['sbom', ...flags, envelope], { env })).toContain('pkg:npm/minimist@1.2.5');
  });

  test.each([
    ['cosign', ['--cosign-key', 'key.pub']],
    ['the Notary Project', ['--trusted-certificate', 'root.pem']],
  ])('verify accepts what is signed for %s, under the policy of the run and not under another', async (_system, trust) => {
    const verify = (digest: string, policyFile: string) => {
      const required = ['provenance', 'scan', 'verdict', ...(digest === index ? [] : ['sbom'])].flatMap((kind) => ['--require', kind]);
      const args = ['verify', '--reference', `${repository()}@${digest}`, '--policy', policyFile, ...required, ...trust];
      return runBundle('cli.js', args, { cwd: folder });
    };
    for (const digest of [index, found, clean]) expect(await verify(digest, 'policy.yml')).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout, stderr } = await verify(found, 'strict.yml');
    expect({ exitCode, text: stdout + stderr }).toEqual({ exitCode: 1, text: expect.stringContaining('CVE-2021-44906') });
  });

  test('cosign judges statements by policies of Rego and CUE, in both forms', async () => {
    const rego = (result: string) =>
      `package signature\ndefault allow = false\nallow { input.predicate.verificationResult == "${result}" }\n`;
    await writeFile(join(folder, 'passed.rego'), rego('PASSED'));
    await writeFile(join(folder, 'failed.rego'), rego('FAILED'));
    await writeFile(join(folder, 'bill.cue'), 'predicateType: "https://cyclonedx.org/bom"\npredicate: bomFormat: "CycloneDX"\n');
    const withPolicy = (name: string, form: string) => [form, '--policy', join(folder, name)];
    for (const form of ['--new-bundle-format=true', '--new-bundle-format=false']) {
      expect(await verifyAttestations(`${repository()}@${index}`, types.verdict, withPolicy('passed.rego', form))).toHaveLength(1);
      await expect(verifyAttestations(`${repository()}@${index}`, types.verdict, withPolicy('failed.rego', form))).rejects.toThrow();
      expect(await verifyAttestations(`${repository()}@${found}`, types.sbom, withPolicy('bill.cue', form))).toHaveLength(1);
    }
  });

  test('what cosign copies, saves and loads is verified there, by cosign and by verify', async () => {
    const host = registries.get(place)?.host ?? '';
    const cosign = (...args: readonly string[]) => expectProgram(peer('cosign'), args);
    const saved = join(folder, `saved-${host.replace(/\W/g, '-')}`);
    const insecure = '--allow-insecure-registry';
    await cosign('copy', insecure, `${repository()}@${found}`, `${host}/team/copied:1`);
    await cosign('save', insecure, '--dir', saved, `${repository()}@${found}`);
    await cosign('load', insecure, '--dir', saved, `${host}/team/loaded:1`);
    const byKey = ['--key', join(folder, 'key.pub'), '--insecure-ignore-tlog'];
    await cosign('verify', ...byKey, '--local-image', saved);
    const references = [`${host}/team/copied@${found}`, `${host}/team/loaded@${found}`, `oci:${saved}`];
    for (const reference of references.slice(0, 2))
      for (const form of ['--new-bundle-format=true', '--new-bundle-format=false'])
        await cosign('verify', insecure, ...byKey, form, reference);
    const required = ['cosign', 'sbom', 'provenance', 'scan', 'verdict'].flatMap((kind) => ['--require', kind]);
    const named = references.flatMap((reference) => ['--reference', reference]);
    const args = ['verify', ...named, '--policy', 'policy.yml', '--cosign-key', 'key.pub', ...required];
    expect(await runBundle('cli.js', args, { cwd: folder })).toMatchObject({ exitCode: 0 });
  });

  test('what says the same again is not attached twice, and what tells a time is', async () => {
    await publish(`${repository()}:2`);
    const reference = `${repository()}@${index}`;
    for (const options of [[], ['--new-bundle-format=false']]) {
      expect(await verifyAttestations(reference, types.provenance, options)).toHaveLength(1);
      expect(await verifyAttestations(reference, types.verdict, options)).toHaveLength(2);
    }
    const statements = await listReferrers(reference, 'application/vnd.in-toto+json');
    expect(statements).toHaveLength(5);
    const signatures = await Promise.all(
      statements.map((digest) => listReferrers(`${repository()}@${digest}`, 'application/vnd.cncf.notary.signature')),
    );
    expect(signatures.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1]);
  });
});

test('a shell knows of no run, and gives no provenance', async () => {
  const host = registries.get('the sandbox')?.host ?? '';
  const options = { image: 'oci:image', push: `${host}/team/shell:1`, advisories: shared('testdata/osv'), policy: 'policy.yml' };
  const signing = { sign: 'cosign', 'signing-key': 'file:key.pem,chain.pem', attest: 'provenance' };
  const args = Object.entries({ ...options, ...signing }).flatMap(([name, value]) => [`--${name}`, value]);
  const { exitCode, stdout, stderr } = await runBundle('cli.js', args, { cwd: folder });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.not.stringContaining('attested') });
  expect(stderr).toContain('No provenance is attested');
});
