import { X509Certificate } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { verify } from '../../src/command/verify.ts';
import type { World } from '../../src/command/world.ts';
import { parseVerifySettings } from '../../src/inputs/parse-verify.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { tar } from '../layer/tar-writer.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { openHttp, recordingHost, runPublication, toWorld } from './publication.ts';

let place: Place;
let http: HttpClient;
let registry: RunningRegistry;
/** Repository of the signed image. */
let app: string;
let digest: string;

beforeAll(async () => {
  place = await openPlace();
  http = await openHttp(place);
  registry = await place.startRegistry();
  app = `${registry.host}/team/app`;
  const run = await runPublication(place, http, { ...fileInputs(place, `${app}:1.0`), image: 'docker-archive:small.tar' });
  expect(run.exitCode).toBe(0);
  digest = run.digest;
  const { 'signing-key': _, ...unsigned } = fileInputs(place, `${registry.host}/team/unsigned:1.0`);
  await runPublication(place, http, { ...unsigned, image: 'docker-archive:small.tar' });
  const other = await createSigningChain({ name: 'another' });
  await writeFile(join(place.workspace, 'other.pem'), other.certificates.join(''));
});
afterAll(async () => {
  http.close();
  await place.close();
});

interface VerifyRun {
  readonly exitCode: number;
  readonly outputs: ReadonlyMap<string, string>;
  readonly annotations: readonly Annotation[];
  readonly comment: string;
  readonly error: StepError | undefined;
  /** The JSON report. */
  // biome-ignore lint/suspicious/noExplicitAny: read by what it is to hold
  readonly report: any;
}

async function run(inputs: Readonly<Record<string, string>>, environment: Partial<World['environment']> = {}): Promise<VerifyRun> {
  const outputs = new Map<string, string>();
  const annotations: Annotation[] = [];
  let comment = '';
  let error: StepError | undefined;
  const host = {
    ...recordingHost(place.workspace, await place.newFolder('runner'), [], outputs),
    annotate: async (given: readonly Annotation[]) => void annotations.push(...given),
    comment: async (markdown: string) => {
      comment = markdown;
    },
  };
  const given = {
    'registry-username': 'shop-ci',
    'registry-password': place.password,
    'trusted-certificate': 'certificates.pem',
    ...inputs,
  };
  const exitCode = await (async () =>
    verify(
      parseVerifySettings(new Map(Object.entries(given)), (name) => name),
      host,
      toWorld(http, environment),
    ))().catch((cause: unknown) => {
    if (!(cause instanceof StepError)) throw cause;
    error = cause;
    return exitCodeOf(cause);
  });
  const path = outputs.get('report');
  return { exitCode, outputs, annotations, comment, error, report: path === undefined ? {} : JSON.parse(await readFile(path, 'utf8')) };
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(place.workspace, path)), { recursive: true });
  await writeFile(join(place.workspace, path), text);
}

const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app\n    image: ${image}\n`;

describe('references', () => {
  it('verifies a signed image by tag and by digest, once each', async () => {
    const { exitCode, report, outputs } = await run({ reference: `${app}:1.0\n${app}@${digest}` });
    expect(exitCode).toBe(0);
    expect(report.verdict).toBe('pass');
    expect(report.images).toMatchObject([
      {
        digest,
        failures: [],
        confirmed: [{ kind: 'signature', policy: 'trusted-certificate', signedBy: expect.stringContaining('file-signing') }],
      },
      { digest, failures: [] },
    ]);
    expect(outputs.get('references')).toBe(`${app}:1.0@${digest}\n${app}@${digest}`);
    expect(outputs.get('verdict')).toBe('pass');
  });

  it('refuses one that nobody has signed, and one that somebody else has', async () => {
    const unsigned = await run({ reference: `${registry.host}/team/unsigned:1.0` });
    expect(unsigned.exitCode).toBe(1);
    expect(unsigned.report.images[0].failures).toMatchObject([{ kind: 'deny', policy: 'trusted-certificate', code: 'unsigned' }]);
    const other = await run({ reference: `${app}:1.0`, 'trusted-certificate': 'other.pem' });
    expect(other.exitCode).toBe(1);
    expect(other.report.images[0].failures).toMatchObject([{ kind: 'deny', code: 'untrusted' }]);
    expect(other.outputs.get('denied-by')).toBe('trusted-certificate');
    expect(other.annotations).toMatchObject([{ level: 'error', title: `${app}:1.0, refused by trusted-certificate`, file: undefined }]);
  });

  it('cannot decide about an image that is not there, and says so of that one alone', async () => {
    const { exitCode, report } = await run({ reference: `${app}:2.0\n${app}:1.0` });
    expect(exitCode).toBe(3);
    expect(report.verdict).toBe('undecided');
    expect(report.images.map(({ failures }: { failures: { code: string }[] }) => failures.map(({ code }) => code))).toEqual([
      ['image-absent'],
      [],
    ]);
  });

  it('asks no registry that is not trusted, and gives none the password that a file names', async () => {
    const foreign = await place.startRegistry({ auth: { kind: 'none' } });
    await write('foreign.yaml', pod(`${foreign.host}/team/app:1.0`));
    const refused = await run({ deployment: 'foreign.yaml', 'trusted-registry': `${registry.host}/team` });
    expect(refused.exitCode).toBe(1);
    expect(refused.report.images[0].failures).toMatchObject([{ policy: 'trusted-registry', code: 'untrusted-registry' }]);
    expect(foreign.requests).toEqual([]);
    await run({ deployment: 'foreign.yaml' });
    expect(foreign.requests.length).toBeGreaterThan(0);
    expect(JSON.stringify(foreign.requests)).not.toMatch(/authorization/i);
  });
});

describe('a trust policy', () => {
  const statement = (more: object) => ({
    name: 'release',
    registryScopes: [app],
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:own'],
    trustedIdentities: ['*'],
    ...more,
  });
  const writePolicy = (...statements: object[]) =>
    write('notation/trustpolicy.json', JSON.stringify({ version: '1.0', trustPolicies: statements }));
  const inputs = { reference: '', 'trusted-certificate': '', 'trust-policy': 'notation/trustpolicy.json' };

  beforeAll(async () => {
    const pem = await readFile(join(place.workspace, 'certificates.pem'), 'utf8');
    const root = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*$/.exec(pem)?.[0] ?? '';
    await write('notation/truststore/x509/ca/own/root.pem', root);
    await write(
      'notation/truststore/x509/ca/other/root.pem',
      await readFile(join(place.workspace, 'other.pem'), 'utf8').then((text) => text.slice(text.lastIndexOf('-----BEGIN'))),
    );
  });

  it('says whose signatures count, and its name stands beside each', async () => {
    await writePolicy(statement({}));
    const { exitCode, report } = await run({ ...inputs, reference: `${app}:1.0` });
    expect(report.images[0].failures).toEqual([]);
    expect(report.images[0].confirmed).toMatchObject([{ kind: 'signature', policy: 'trust policy "release"' }]);
    expect(exitCode).toBe(0);
  });

  it.each([
    ['another store', { trustStores: ['ca:other'] }, 1, 'untrusted', 'trust policy "release"'],
    ['another identity', { trustedIdentities: ['x509.subject: C=DE, ST=X, O=Nobody'] }, 1, undefined, 'trust policy "release"'],
    ['another repository', { registryScopes: ['elsewhere.example.com/app'] }, 1, 'no-trust-policy', 'trust-policy'],
  ])('refuses by %s', async (_name, more, exit, code, policy) => {
    await writePolicy(statement(more));
    await write('policy-line.yaml', pod(`${app}@${digest}`));
    const { exitCode, report, annotations } = await run({ ...inputs, deployment: 'policy-line.yaml', 'trusted-registry': registry.host });
    expect(exitCode).toBe(exit);
    const [failure] = report.images[0].failures;
    if (code !== undefined) expect(failure.code).toBe(code);
    expect(failure.policy).toBe(policy);
    expect(annotations[0]).toMatchObject({ file: 'policy-line.yaml', line: 7, title: expect.stringContaining(`refused by ${policy}`) });
  });

  it('logs where it is to log, and looks at nothing where it is to skip', async () => {
    await writePolicy(statement({ signatureVerification: { level: 'audit' }, trustStores: ['ca:other'] }));
    const audit = await run({ ...inputs, reference: `${app}:1.0` });
    expect([audit.exitCode, audit.report.images[0].warnings]).toEqual([
      0,
      [expect.stringContaining('trust policy "release" only logs authenticity')],
    ]);
    await writePolicy(
      statement({ signatureVerification: { level: 'skip' }, registryScopes: ['*'], trustStores: undefined, trustedIdentities: undefined }),
    );
    const skip = await run({ ...inputs, reference: `${registry.host}/team/unsigned:1.0` });
    expect([skip.exitCode, skip.report.images[0].warnings.length]).toEqual([0, 1]);
  });

  it('is refused as an input where it or its store is not what it has to be', async () => {
    await writePolicy(statement({ trustStores: ['ca:nowhere'] }));
    const store = await run({ ...inputs, reference: `${app}:1.0` });
    expect([store.exitCode, store.error?.code]).toEqual([2, 'trust-store']);
    await write('notation/trustpolicy.json', '{}');
    const policy = await run({ ...inputs, reference: `${app}:1.0` });
    expect([policy.exitCode, policy.error?.code]).toEqual([2, 'trust-policy']);
  });
});

describe('a layout', () => {
  /** What is in the repository, as `oras copy --recursive` writes it. */
  async function copy(folder: string, leaveOut: readonly string[] = []): Promise<void> {
    const token = await fetchToken();
    const read = async (path: string) => {
      const answer = await fetch(`http://${registry.host}/v2/team/app/${path}`, {
        headers: { authorization: `Bearer ${token}`, accept: '*/*' },
      });
      return { bytes: Buffer.from(await answer.arrayBuffer()), type: answer.headers.get('content-type') ?? '' };
    };
    const listed: object[] = [];
    const { manifests } = JSON.parse((await read(`referrers/${digest}`)).bytes.toString());
    for (const { digest: one } of [{ digest }, ...manifests]) {
      const { bytes, type } = await read(`manifests/${one}`);
      listed.push({
        mediaType: type,
        digest: one,
        size: bytes.length,
        ...(one === digest ? { annotations: { 'org.opencontainers.image.ref.name': '1.0' } } : {}),
      });
      const { config, layers } = JSON.parse(bytes.toString());
      await writeBlob(folder, one, bytes);
      for (const { digest: blob } of [config, ...layers])
        if (!leaveOut.includes(blob)) await writeBlob(folder, blob, (await read(`blobs/${blob}`)).bytes);
    }
    await write(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: listed }));
    await write(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  }

  async function writeBlob(folder: string, name: string, bytes: Buffer): Promise<void> {
    const path = join(place.workspace, folder, 'blobs', name.replace(':', '/'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }

  async function fetchToken(): Promise<string> {
    const challenge = (await fetch(`http://${registry.host}/v2/`)).headers.get('www-authenticate') ?? '';
    const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const service = /service="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const authorization = `Basic ${Buffer.from(`shop-ci:${place.password}`).toString('base64')}`;
    const answer = await fetch(`${realm}?service=${service}&scope=repository:team/app:pull`, { headers: { authorization } });
    return ((await answer.json()) as { token: string }).token;
  }

  it('is verified with the signatures in it', async () => {
    await copy('layout');
    const { exitCode, report } = await run({ reference: 'oci:layout:1.0' });
    expect(report.images).toMatchObject([{ reference: 'oci:layout:1.0', digest, failures: [], confirmed: [{ kind: 'signature' }] }]);
    expect(exitCode).toBe(0);
    const index = JSON.parse(await readFile(join(place.workspace, 'layout/index.json'), 'utf8'));
    await write('bare/index.json', JSON.stringify({ ...index, manifests: index.manifests.slice(0, 1) }));
    await writeBlob('bare', digest, await readFile(join(place.workspace, 'layout/blobs', digest.replace(':', '/'))));
    const bare = await run({ reference: 'oci:bare' });
    expect([bare.exitCode, bare.report.images[0].failures[0].code]).toEqual([1, 'unsigned']);
    const paths = (await readdir(join(place.workspace, 'layout'), { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const members = paths.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { name: relative(join(place.workspace, 'layout'), path), content: await readFile(path) };
    });
    const archive = tar(...(await Promise.all(members)));
    await writeFile(join(place.workspace, 'layout.tar'), archive);
    await writeFile(join(place.workspace, 'layout.tgz'), gzipSync(archive));
    const archived = await run({ reference: 'oci-archive:layout.tar:1.0' });
    expect([archived.exitCode, archived.report.images[0].confirmed.length]).toEqual([0, 1]);
    expect((await run({ reference: 'oci-archive:layout.tgz' })).report.images[0].failures).toMatchObject([{ code: 'source-unsupported' }]);
    const absent = await run({ reference: 'oci:nowhere' });
    expect([absent.exitCode, absent.error?.code]).toEqual([2, 'source-not-found']);
  });
});

describe('evidence', () => {
  it.each(['notation', 'cosign'])(
    'that secure has attached holds under the same policy, and not under a stricter one (%s)',
    async (system) => {
      const name = `${registry.host}/team/attested-${system}`;
      const attested = { image: 'docker-archive:bad.tar', 'fail-on': 'none', sign: system, attest: 'sbom\nscan\nverdict' };
      await write('lenient.yml', 'version: 1\nrules: []\n');
      const published = await runPublication(place, http, { ...fileInputs(place, `${name}:1.0`), ...attested, policy: 'lenient.yml' });
      expect([published.exitCode, published.log]).toEqual([0, expect.anything()]);
      const key = await readFile(join(place.workspace, 'certificates.pem'), 'utf8');
      await write('release.pub', new X509Certificate(key).publicKey.export({ format: 'pem', type: 'spki' }) as string);
      const inputs = {
        reference: `${name}:1.0`,
        require: `${system}\nsbom\nscan\nverdict`,
        ...(system === 'cosign' ? { 'cosign-key': 'release.pub', 'trusted-certificate': '' } : {}),
      };
      const same = await run({ ...inputs, policy: 'lenient.yml', 'evidence-max-age': '1h' });
      expect(same.report.images[0].failures).toEqual([]);
      expect(same.exitCode).toBe(0);
      expect(same.report.images[0].confirmed.map(({ kind }: { kind: string }) => kind)).toEqual(['signature', 'sbom', 'scan', 'verdict']);
      const stricter = await run({ ...inputs, 'fail-on': 'high' });
      expect(stricter.exitCode).toBe(1);
      const policies = stricter.report.images[0].failures.map(({ policy, code }: Record<string, string>) => `${code} ${policy}`);
      expect(policies).toContain('policy-denied builtin/fail-on-high (builtin)');
      const provenance = await run({ ...inputs, require: 'provenance' });
      expect(provenance.report.images[0].failures).toMatchObject([{ code: 'evidence-missing', policy: 'require provenance' }]);
    },
  );
});

describe('deployments', () => {
  it('annotates each line, and passes only with a digest', async () => {
    await write('k8s/web.yaml', `# comment\n---\n${pod(`${app}:1.0`)}---\n${pod(`${app}@${digest}`)}`);
    await write('k8s/deep/er.yml', pod(`${registry.host}/team/unsigned@${digest}`));
    await write('k8s/values.json', '{}');
    const { exitCode, annotations, report, comment } = await run({ deployment: 'k8s', 'trusted-registry': registry.host });
    expect(exitCode).toBe(1);
    expect(annotations.map(({ file, line, title }) => [file, line, title])).toEqual([
      ['k8s/deep/er.yml', 7, `${registry.host}/team/unsigned@${digest}, refused by trusted-certificate`],
      ['k8s/web.yaml', 9, `${app}:1.0, refused by digest`],
    ]);
    expect(report.images.length).toBe(3);
    expect(report.images[1].uses).toEqual([{ user: 'Pod web, container app', file: 'k8s/web.yaml', line: 9, column: 12 }]);
    expect(comment).toContain('## ⛔ Denied');
    expect(comment).toContain('k8s/web.yaml:9');
  });

  it('writes the digest of what passes, and of nothing else', async () => {
    const text = pod(`${app}:1.0 # pinned by nobody`);
    await write('pin/app.yaml', text);
    const bad = pod(`${registry.host}/team/unsigned:1.0`);
    await write('pin/bad.yaml', bad);
    const first = await run({ deployment: 'pin/*.yaml', pin: 'true', 'trusted-registry': registry.host });
    expect(first.exitCode).toBe(1);
    expect(first.report.pinned).toEqual([{ file: 'pin/app.yaml', digests: 1 }]);
    expect(await readFile(join(place.workspace, 'pin/app.yaml'), 'utf8')).toBe(text.replace(':1.0', `:1.0@${digest}`));
    expect(await readFile(join(place.workspace, 'pin/bad.yaml'), 'utf8')).toBe(bad);
    const second = await run({ deployment: 'pin/app.yaml', 'trusted-registry': registry.host });
    expect([second.exitCode, second.report.pinned]).toEqual([0, []]);
  });

  it('writes through a link, once for all names of a file, and keeps its mode', async () => {
    await write('links/real/app.yaml', pod(`${app}:1.0`));
    await chmod(join(place.workspace, 'links/real/app.yaml'), 0o764);
    await symlink('real/app.yaml', join(place.workspace, 'links/name.yaml'));
    const { exitCode, report } = await run({ deployment: 'links', pin: 'true', 'trusted-registry': registry.host });
    expect([exitCode, report.pinned]).toEqual([0, [{ file: 'links/name.yaml', digests: 1 }]]);
    const path = join(place.workspace, 'links/real/app.yaml');
    expect(await readFile(path, 'utf8')).toBe(pod(`${app}:1.0@${digest}`));
    expect((await stat(path)).mode & 0o777).toBe(0o764);
    expect((await lstat(join(place.workspace, 'links/name.yaml'))).isSymbolicLink()).toBe(true);
    expect(await readdir(join(place.workspace, 'links/real'))).toEqual(['app.yaml']);
  });

  it('reads Compose files with their variables, and what they include', async () => {
    await write('compose/compose.yaml', 'include: [more/db.yaml]\nservices:\n  web: {image: "${APP}:${TAG}"}\n');
    await write('compose/.env', 'TAG=1.0\nAPP=nobody\n');
    await write('compose/more/db.yaml', 'services:\n  db:\n    extends: {file: ../base.yaml, service: base}\n');
    await write('compose/base.yaml', 'services:\n  base: {image: "${APP}:${TAG}"}\n  unused: {image: unused}\n');
    const inputs = { 'compose-variable': `APP=${app}`, require: 'signature', 'trusted-registry': registry.host };
    const { exitCode, report } = await run({ deployment: 'compose/compose.yaml', ...inputs });
    expect(report.images).toMatchObject([
      { reference: `${app}:1.0`, uses: [{ file: 'compose/compose.yaml' }, { file: 'compose/base.yaml', line: 2 }] },
    ]);
    expect(exitCode).toBe(0);
    const unknown = await run({ deployment: 'compose/compose.yaml', require: 'signature', 'compose-variable': 'TAG=' });
    expect(unknown.exitCode).toBe(3);
  });

  it('leads to no file outside of the workspace by a link in a folder', async () => {
    const outside = join(place.folder, 'outside-pod.yaml');
    await writeFile(outside, pod(`${app}:1.0`));
    await mkdir(join(place.workspace, 'leak'));
    await symlink(outside, join(place.workspace, 'leak', 'link.yaml'));
    await symlink('nowhere', join(place.workspace, 'leak', 'dangling.yaml'));
    const { exitCode, annotations } = await run({ deployment: 'leak', pin: 'true', 'trusted-registry': registry.host });
    expect(exitCode).toBe(3);
    expect(annotations.map(({ file, message }) => [file, message.split('\n')[0]])).toEqual([
      ['leak/dangling.yaml', expect.stringContaining('there is no such file')],
      ['leak/link.yaml', expect.stringContaining('outside of the workspace')],
    ]);
    expect(await readFile(outside, 'utf8')).toBe(pod(`${app}:1.0`));
    // The user may name any file.
    expect((await run({ deployment: 'leak/link.yaml', pin: 'true', 'trusted-registry': registry.host })).exitCode).toBe(0);
  });

  it('leads to no file outside of the workspace', async () => {
    await writeFile(join(place.folder, 'outside.yaml'), 'services: {a: {image: secret-of-another}}');
    await write('leave/compose.yaml', 'include: [../../outside.yaml, link.yaml]\nservices: {}\n');
    await symlink(join(place.folder, 'outside.yaml'), join(place.workspace, 'leave', 'link.yaml'));
    const { exitCode, annotations, report } = await run({ deployment: 'leave/compose.yaml' });
    expect(exitCode).toBe(3);
    expect(report.images).toEqual([]);
    expect(annotations.map(({ file, message }) => [file, /outside of the workspace/.test(message)])).toEqual([
      ['leave/compose.yaml', true],
      ['leave/compose.yaml', true],
    ]);
  });

  it('takes a deployment from the standard input', async () => {
    const open = async function* () {
      yield Buffer.from(pod(`${app}@${digest}`));
    };
    const { exitCode, report } = await run(
      { deployment: '-', 'trusted-registry': registry.host },
      { standardInput: { isTerminal: false, open } },
    );
    expect(exitCode).toBe(0);
    expect(report.images[0].uses[0].file).toBeNull();
    const byTag = async function* () {
      yield Buffer.from(pod(`${app}:1.0`));
    };
    const inputs = { deployment: '-', pin: 'true', 'trusted-registry': registry.host };
    const unpinned = await run(inputs, { standardInput: { isTerminal: false, open: byTag } });
    expect(unpinned.exitCode).toBe(1);
    expect(unpinned.report.images[0].failures).toMatchObject([{ code: 'not-pinned', message: expect.stringContaining('standard input') }]);
  });

  it('quotes hostile names harmlessly', async () => {
    await write('hostile.yaml', pod('"nobody/@everyone:##[error]\\n::error::x <img src=x>"'));
    const { exitCode, comment, annotations } = await run({ deployment: 'hostile.yaml' });
    expect(exitCode).toBe(3);
    expect(annotations[0]?.title).not.toContain('\n');
    expect(comment.replace(/`[^`]*`/g, '')).not.toMatch(/<img|@everyone|\n::error/);
  });
});

describe('inputs', () => {
  it.each([
    [{}, 'input-conflict', /reference/],
    [{ reference: 'a/b', 'trusted-certificate': '' }, 'input-conflict', /by whom/],
    [{ reference: 'a/b', pin: 'true' }, 'input-conflict', /pin/],
    [{ reference: 'a/b', require: 'everything' }, 'input-invalid', /everything/],
    [{ reference: 'docker-archive:small.tar' }, 'input-invalid', /docker-archive:small/],
    [{ reference: 'a/b', 'trusted-registry': 'https://x' }, 'input-invalid', /https/],
    [{ reference: 'a/b', 'trusted-certificate': 'key.pem' }, 'file-unreadable', /certificate/],
    [{ deployment: 'nowhere.yaml' }, 'file-unreadable', /nowhere/],
    [{ deployment: 'nowhere/*.yaml' }, 'file-unreadable', /nowhere/],
    [{ deployment: 'Dockerfile' }, 'no-image', /Dockerfile/],
    [{ deployment: '-' }, 'file-unreadable', /standard input/],
    [{ reference: 'a/Case:x', require: 'none' }, 'reference-invalid', /Case/],
  ])('refuses %j', async (inputs, code, message) => {
    const { error, exitCode } = await run(inputs as Record<string, string>);
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
