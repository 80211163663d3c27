import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { toCamelCase } from '../../src/inputs/input.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { type AgentCommand, readAgentCommands, readAgentWarnings, readFormattedLines } from '../host/oracle-azure-agent.ts';
import { readMasks, readOutputFile, readRunnerCommands } from '../host/oracle-github-runner.ts';
import { expectDescribed, readAzureRepos, readGithub, readKeyVault } from './descriptions.ts';
import { shared } from './peers.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle, type StepResult } from './step.ts';

/** The packaged hosts from end to end: what they say to their host, and all that they exchange with the services, held against what is published. */
interface HostRun extends StepResult {
  readonly world: ShopSandbox;
  /** With the service at `url`. */
  exchangesWith(service: { readonly url: string }): readonly Exchange[];
}

interface AgentRun extends HostRun {
  readonly commands: readonly AgentCommand[];
  readonly temporaryFolder: string;
}

interface RunnerRun extends HostRun {
  readonly outputs: ReadonlyMap<string, string>;
  readonly summary: string;
}

describe('Azure Pipelines, a bad shop', () => {
  let run: AgentRun;
  beforeAll(async () => {
    run = await runTask('bad');
    return () => run.world.close();
  });

  it('is denied, fails the task, and leaves nothing in the registry', () => {
    expect(run.exitCode, run.stdout + run.stderr).toBe(1);
    expect(run.world.isEmpty()).toBe(true);
    expect(run.commands.filter(({ event, properties }) => event === 'complete' && properties.get('result') !== 'Failed')).toEqual([]);
  });

  it('opens one thread on the pull request that keeps it from completing', () => {
    const { threads } = run.world.sandbox.azureDevops;
    expect(threads).toMatchObject([{ status: 'active', comments: [{ content: expect.stringContaining('CVE-2021-44906') }] }]);
  });

  it('sets output variables by the names of task.json', async () => {
    const variables = variablesOf(run);
    const task = JSON.parse(await readFile(place('task.json'), 'utf8')) as { outputVariables: { name: string }[] };
    expect([...variables.keys()].sort()).toEqual(task.outputVariables.map(({ name }) => name).sort());
    expect(variables.get('verdict')).toBe('deny');
    expect(variables.get('deniedBy')?.split('\n').sort()).toEqual(['builtin/fail-on-high', 'builtin/secrets']);
    expect(variables.get('digest')).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(variables.get('references')).toBe('');
  });

  it('logs the findings as issues of the lines that caused them', () => {
    const issues = run.commands.filter(({ event }) => event === 'logissue');
    const errors = issues.filter(({ properties }) => properties.get('type') === 'error').map(({ properties }) => properties);
    const places = errors.map((properties) => `${basename(properties.get('sourcepath') ?? '')}:${properties.get('linenumber')}`);
    expect(places).toEqual(expect.arrayContaining(['Dockerfile:3', 'Dockerfile:4']));
  });

  it('gives the agent a summary', () => expectSummary(run, 'Denied'));
  it('masks before anything else', () => expectAgentMasks(run));
  it('exchanges what is described', () => expectAzureDescribed(run));
});

describe('Azure Pipelines, the repaired shop', () => {
  let run: AgentRun;
  beforeAll(async () => {
    run = await runTask('fixed');
    return () => run.world.close();
  });

  it('is published and signed', () => {
    expect(run.exitCode, run.stdout + run.stderr).toBe(0);
    const variables = variablesOf(run);
    const digest = variables.get('digest');
    expect(variables.get('verdict')).toBe('pass');
    expect(variables.get('references')).toBe(`${run.world.registry.host}/contoso/shop:1.0@${digest}`);
    expect(run.world.registry.content.tags('contoso/shop')).toContainEqual(['1.0', digest]);
    for (const name of ['signatures', 'sbom']) expect(variables.get(name)).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('closes its thread, which then keeps nobody from completing', () => {
    expect(run.world.sandbox.azureDevops.threads).toMatchObject([{ status: 'closed' }]);
  });

  it('gives the agent a summary', () => expectSummary(run, 'contoso/shop:1.0'));
  it('masks before anything else', () => expectAgentMasks(run));
  it('exchanges what is described', () => expectAzureDescribed(run));
});

describe.each([
  ['bad', 1, 'deny'],
  ['fixed', 0, 'pass'],
] as const)('GitHub, a %s shop', (shop, exitCode, verdict) => {
  let run: RunnerRun;
  beforeAll(async () => {
    run = await runAction(shop);
    return () => run.world.close();
  });

  it(`ends with ${exitCode}, and says so in outputs and summary`, async () => {
    expect(run.exitCode, run.stdout + run.stderr).toBe(exitCode);
    const action = parse(await readFile(place('action.yml'), 'utf8')) as { outputs: Record<string, unknown> };
    expect([...run.outputs.keys()].sort()).toEqual(Object.keys(action.outputs).sort());
    expect(run.outputs.get('verdict')).toBe(verdict);
    expect(run.summary).toContain(run.outputs.get('digest'));
    expect(run.world.isEmpty()).toBe(exitCode === 1);
  });

  it('masks before anything else', () => {
    const { stdout, world, summary } = run;
    expect(readRunnerCommands(stdout)[0]).toMatchObject({ name: 'add-mask' });
    expect(readMasks(stdout)).toContain(world.password);
    const shown = stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect([...shown, summary, run.stderr].join('\n')).not.toContain(world.password);
  });

  it('exchanges what is described', () => {
    const { github, vault } = run.world.sandbox;
    const withoutIdentity = run.exchangesWith(github).filter(({ request }) => request.url.pathname.startsWith('/repos/'));
    expect(github.comments).toHaveLength(1);
    expect(github.checkRuns).toHaveLength(1);
    expectDescribed(readGithub(), withoutIdentity, 3);
    expectVaultDescribed(run.exchangesWith(vault), verdict === 'pass');
  });
});

describe('metadata', () => {
  it.each([
    ['action.yml', 'github-action.json', { runs: { using: 'node24' } }],
    ['task.json', 'tasks.schema.json', { instanceNameForm: 'x' }],
    ['vss-extension.json', 'vss-extension.json', { files: 7 }],
    ['vss-extension.json', 'azure-devops-extension-manifest-1.0.json', { files: 7 }],
  ])('%s is what %s describes', async (file, schemaFile, mistake) => {
    const validate = await compile(schemaFile);
    const value: unknown = parse(await readFile(place(file), 'utf8'));
    expect(validate(value), JSON.stringify(validate.errors, null, 2)).toBe(true);
    expect(validate({ ...(value as object), ...mistake })).toBe(false);
  });
});

function place(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url));
}

async function compile(schemaFile: string) {
  const { $schema: _, id: __, ...schema } = JSON.parse(await readFile(shared(`testdata/openapi/ci/${schemaFile}`), 'utf8'));
  // One of them is of draft 4, and uses nothing that later drafts changed but the name of `id`.
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, unicodeRegExp: false });
  formats.default(ajv);
  return ajv.compile(schema);
}

/** As an agent starts the task, signed in with a client secret that the pipeline gives it in the environment. */
async function runTask(shop: 'bad' | 'fixed'): Promise<AgentRun> {
  const { world, exchangesWith, workspace } = await prepare(shop);
  const { tenantId, clientId, clientSecret } = world.sandbox.identity;
  const inputs = Object.fromEntries(Object.entries(world.inputs).map(([name, value]) => [toCamelCase(name), value]));
  const step = await world.sandbox.prepareAzurePipelinesStep({ folder: join(world.folder, 'agent'), workspace, inputs });
  const identity = { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret };
  const result = await runBundle('azure-pipelines.js', [], { cwd: workspace, env: { ...step.env, ...identity } });
  return { ...result, world, exchangesWith, commands: readAgentCommands(result.stdout), temporaryFolder: step.temporaryFolder };
}

/** As a runner starts the action, signed in by federation. */
async function runAction(shop: 'bad' | 'fixed'): Promise<RunnerRun> {
  const { world, exchangesWith, workspace } = await prepare(shop);
  const inputs = { ...world.inputs, 'github-token': world.sandbox.githubToken };
  const step = await world.sandbox.prepareGithubStep({ folder: join(world.folder, 'runner'), workspace, inputs });
  const result = await runBundle('github.js', [], { cwd: workspace, env: step.env });
  const [outputs, summary] = await Promise.all([step.outputFile, step.summaryFile].map((file) => readFile(file, 'utf8')));
  return { ...result, world, exchangesWith, outputs: readOutputFile(outputs ?? ''), summary: summary ?? '' };
}

async function prepare(shop: 'bad' | 'fixed') {
  const exchanges: Exchange[] = [];
  const world = await startShopSandbox((exchange) => exchanges.push(exchange));
  const workspace = join(world.folder, 'workspace');
  await world.placeShop(workspace, shop);
  const exchangesWith = ({ url }: { readonly url: string }) =>
    exchanges.filter(({ request }) => request.url.origin === new URL(url).origin);
  return { world, exchangesWith, workspace };
}

function variablesOf({ commands }: AgentRun): ReadonlyMap<string, string> {
  const set = commands.filter(({ event }) => event === 'setvariable');
  for (const { properties } of set) expect(properties.get('isoutput')).toBe('true');
  return new Map(set.map(({ properties, data }) => [properties.get('variable') ?? '', data]));
}

async function expectSummary({ commands, temporaryFolder, world }: AgentRun, text: string): Promise<void> {
  const files = commands.filter(({ event }) => event === 'uploadsummary').map(({ data }) => data);
  expect(files).toHaveLength(1);
  expect(files[0]?.startsWith(temporaryFolder)).toBe(true);
  const summary = await readFile(files[0] ?? '', 'utf8');
  expect(summary).toContain(text);
  expect(summary).not.toContain(world.password);
}

/** The agent has every secret to mask before it reads another line, and finds none in what follows. */
function expectAgentMasks({ world, commands, stdout, stderr }: AgentRun): void {
  const secrets = [world.password, world.sandbox.identity.clientSecret];
  const masked = commands.filter(({ event }) => event === 'setsecret').map(({ data }) => data);
  expect(masked).toEqual(expect.arrayContaining(secrets));
  expect(stdout.startsWith('##vso[task.setsecret]')).toBe(true);
  const shown = stdout.split('\n').filter((line) => !line.startsWith('##vso[task.setsecret]'));
  for (const secret of secrets) expect([...shown, stderr].join('\n')).not.toContain(secret);
  expect([...readAgentWarnings(stdout), ...readFormattedLines(stdout)]).toEqual([]);
}

function expectAzureDescribed({ world, exchangesWith, exitCode }: AgentRun): void {
  const { azureDevops, vault } = world.sandbox;
  const repos = exchangesWith(azureDevops).filter(({ request }) => request.url.pathname.includes('/_apis/git/'));
  expect(repos.map(({ request }) => request.method)).toEqual(['GET', 'POST']);
  expect(repos.every(({ answer }) => (answer?.status ?? 0) < 300)).toBe(true);
  expectDescribed(readAzureRepos(), repos, 2);
  expectVaultDescribed(exchangesWith(vault), exitCode === 0);
}

/** One secret was read, and the certificate that signs; the key signs only what is published. */
function expectVaultDescribed(exchanges: readonly Exchange[], signs: boolean): void {
  const description = readKeyVault('7.6');
  // The SDK asks without credential and body first, to be told where to sign in.
  const probes = exchanges.filter(({ request }) => request.headers.authorization === undefined);
  expect(probes.every(({ request, answer }) => request.body.length === 0 && answer?.status === 401)).toBe(true);
  const asked = exchanges.filter((exchange) => !probes.includes(exchange));
  expectDescribed(description, asked, 2);
  const operations = ['GET /certificates/{certificate-name}/{certificate-version}', 'GET /secrets/{secret-name}/{secret-version}'];
  const signature = signs ? ['POST /keys/{key-name}/{key-version}/sign'] : [];
  expect([...description.seen].sort()).toEqual([...operations, ...signature]);
}
