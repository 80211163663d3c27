import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toCamelCase } from '../../src/inputs/input.ts';
import type { CheckResult } from '../../src/model/check.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readMasks, readOutputFile } from '../host/oracle-github-runner.ts';
import { expectDescribed, readGithub, readKeyVault } from './descriptions.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle, type StepResult } from './step.ts';

/** The packaged `doctor` on each host, given what its runner gives and nothing else. */
interface Doctored extends StepResult {
  readonly world: ShopSandbox;
  readonly exchanges: readonly Exchange[];
  readonly summary: string;
  readonly report: { readonly sound: boolean; readonly checks: readonly CheckResult[] };
}

const vaultAndRegistry = [
  'identity',
  'secret REGISTRY_PASSWORD',
  'signing key',
  'certificate rules',
  'certificate dates',
  'signature',
  'advisories',
  'policy',
  'node',
  'clock',
  'image',
];

describe.each([
  ['GitHub', runAction, ['event', 'identity token', 'github-token', 'comment', 'check run']],
  ['Azure Pipelines', runTask, ['build', 'identity token', 'job token', 'comment']],
  ['a shell', runCli, []],
] as const)('doctor on %s, where all is right', (_, run, ofHost) => {
  let done: Doctored;
  beforeAll(async () => {
    done = await run();
    return () => done.world.close();
  });

  it('ends with 0 and says of everything that it is right', () => {
    expect(done.exitCode, done.stdout + done.stderr).toBe(0);
    expect(done.report.sound).toBe(true);
    const names = done.report.checks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...vaultAndRegistry, ...ofHost]));
    const notRight = done.report.checks.filter(({ state }) => state !== 'right').map(({ name }) => name);
    // The sandbox's certificates are good for 30 days.
    expect(notRight).toEqual(['certificate dates']);
  });

  it('leaves nothing anywhere', () => {
    const { sandbox, registry } = done.world;
    expect(done.world.isEmpty()).toBe(true);
    expect(registry.openUploads()).toBe(0);
    expect([sandbox.github.comments, sandbox.github.checkRuns, sandbox.azureDevops.threads, sandbox.azureDevops.statuses].flat()).toEqual(
      [],
    );
  });

  it('shows no secret', () => {
    const shown = [
      ...done.stdout.split('\n').filter((line) => !/^(?:::add-mask::|##vso\[task\.setsecret\])/.test(line)),
      done.stderr,
      done.summary,
    ];
    const { password, sandbox } = done.world;
    for (const secret of [password, sandbox.identity.clientSecret, sandbox.githubToken]) expect(shown.join('\n')).not.toContain(secret);
    expect(JSON.stringify(done.report)).not.toContain(password);
  });

  it('asks the vault what is described', () => {
    const vault = done.exchanges.filter(({ request }) => request.url.origin === new URL(done.world.sandbox.vault.url).origin);
    const asked = vault.filter(({ request }) => request.headers.authorization !== undefined);
    const description = readKeyVault('7.6');
    expectDescribed(description, asked, 3);
    expect([...description.seen].sort()).toEqual([
      'GET /certificates/{certificate-name}/{certificate-version}',
      'GET /secrets/{secret-name}/{secret-version}',
      'POST /keys/{key-name}/{key-version}/sign',
    ]);
  });
});

describe('doctor on GitHub', () => {
  it('asks what is described, but for what GitHub is to refuse; masks first; has a table in the summary', async () => {
    const done = await runAction();
    const github = done.exchanges.filter(({ request }) => request.url.origin === new URL(done.world.sandbox.github.url).origin);
    const rest = github.filter(({ request }) => /^\/(?:repos|user)/.test(request.url.pathname));
    const refused = rest.filter(({ request }) => request.method === 'POST');
    expect(refused.map(({ request, answer }) => `${request.url.pathname} ${answer?.status} ${request.body}`).sort()).toEqual([
      '/repos/contoso/shop/check-runs 422 {}',
      '/repos/contoso/shop/issues/7/comments 422 {}',
    ]);
    expectDescribed(
      readGithub(),
      rest.filter((exchange) => !refused.includes(exchange)),
      1,
    );
    // Of the refusals the answers are described, though not the questions, but for the member `status`, which GitHub has given all of them since 2024.
    const problems = refused.flatMap((exchange) => readGithub().problemsOf(exchange));
    expect(problems.filter((problem) => !/required property|"unevaluatedProperty":"status"/.test(problem))).toEqual([]);
    expect(readMasks(done.stdout)).toContain(done.world.password);
    expect(done.summary).toMatch(/^## ✅ Doctor: \d+ checks, \d+ right, 1 with a warning\.$/m);
    expect(done.summary.match(/^\| (?:✅ ok|⚠️ warning) \| /gm)).toHaveLength(done.report.checks.length);
    await done.world.close();
  });

  it('names what repairs a right that is missing, and goes on', async () => {
    const done = await runAction({ secrets: 'REGISTRY_PASSWORD = registry-passwort' });
    expect(done.exitCode).toBe(3);
    const of = (name: string) => done.report.checks.find((check) => check.name === name);
    expect(of('secret REGISTRY_PASSWORD')).toMatchObject({ state: 'wrong', code: 'object-missing' });
    expect(of('signature')?.state).toBe('right');
    expect(of(`push ${done.world.registry.host}/contoso/shop`)?.state).toBe('skipped');
    expect(done.stdout).toContain('WRONG    secret REGISTRY_PASSWORD: ');
    expect(done.stdout).toContain('az keyvault secret list --vault-name');
    expect(done.summary).toContain('## ❌ Doctor');
    await done.world.close();
  });

  it('refuses a misspelt input with 2, and looks at nothing', async () => {
    const done = await runAction({ 'key-vualt': 'x' }).catch((error: unknown) => error);
    expect(done).toBeInstanceOf(Error);
    expect((done as Error).message).toMatch(/ended with 2/);
  });
});

async function runAction(more: Readonly<Record<string, string>> = {}): Promise<Doctored> {
  const { world, workspace, exchanges } = await prepare();
  const inputs = { ...world.inputs, command: 'doctor', 'github-token': world.sandbox.githubToken, ...more };
  const step = await world.sandbox.prepareGithubStep({ folder: join(world.folder, 'runner'), workspace, inputs });
  const result = await runBundle('github.js', [], { cwd: workspace, env: step.env });
  const [outputs = '', summary = ''] = await Promise.all([step.outputFile, step.summaryFile].map((file) => readFile(file, 'utf8')));
  return { ...result, world, exchanges, summary, report: await readReport(readOutputFile(outputs).get('report'), result) };
}

async function runTask(): Promise<Doctored> {
  const { world, workspace, exchanges } = await prepare();
  const { tenantId, clientId, clientSecret } = world.sandbox.identity;
  const inputs = Object.fromEntries(
    Object.entries({ ...world.inputs, command: 'doctor' }).map(([name, value]) => [toCamelCase(name), value]),
  );
  const step = await world.sandbox.prepareAzurePipelinesStep({ folder: join(world.folder, 'agent'), workspace, inputs });
  const identity = { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret };
  const result = await runBundle('azure-pipelines.js', [], { cwd: workspace, env: { ...step.env, ...identity } });
  const commands = readAgentCommands(result.stdout);
  const summaryFile = commands.find(({ event }) => event === 'uploadsummary')?.data ?? '';
  const report = commands.find(({ event, properties }) => event === 'setvariable' && properties.get('variable') === 'report')?.data;
  return { ...result, world, exchanges, summary: await readFile(summaryFile, 'utf8'), report: await readReport(report, result) };
}

async function runCli(): Promise<Doctored> {
  const { world, workspace, exchanges } = await prepare();
  const { tenantId, clientId, clientSecret } = world.sandbox.identity;
  const report = join(world.folder, 'doctor.json');
  const options = Object.entries({ ...world.inputs, report }).flatMap(([name, value]) => [`--${name}`, value]);
  const env = {
    HOME: world.folder,
    NODE_EXTRA_CA_CERTS: world.sandbox.caFile,
    AZURE_AUTHORITY_HOST: world.sandbox.entra.url,
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: clientSecret,
  };
  const result = await runBundle('cli.js', ['doctor', ...options], { cwd: workspace, env });
  return { ...result, world, exchanges, summary: result.stdout, report: await readReport(report, result) };
}

async function prepare() {
  const exchanges: Exchange[] = [];
  const world = await startShopSandbox((exchange) => exchanges.push(exchange));
  const workspace = join(world.folder, 'workspace');
  await world.placeShop(workspace, 'fixed');
  await writeFile(join(workspace, '.image-custody.yml'), 'version: 1\nextends: builtin\n');
  return { world, workspace, exchanges };
}

async function readReport(path: string | undefined, { exitCode, stdout, stderr }: StepResult): Promise<Doctored['report']> {
  if (path === undefined) throw new Error(`ended with ${exitCode} and no report: ${stdout}${stderr}`);
  return JSON.parse(await readFile(path, 'utf8')) as Doctored['report'];
}
