import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from './peers.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { expectProgram, runProgram, type StepResult } from './step.ts';

/** A workflow with `uses: ./` as act runs it: act reads action.yml, copies the tree, hands inputs over and takes outputs and commands as a runner does. */
const project = fileURLToPath(new URL('../..', import.meta.url));

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'act-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

interface ActRun extends StepResult {
  readonly world: ShopSandbox;
  /** `steps.custody.outputs`, as the step after it saw them. */
  readonly outputs: Readonly<Record<string, string>>;
  /** `steps.custody.outcome`. */
  readonly outcome: string;
}

describe('a shop with a token, an old zlib and a vulnerable dependency', () => {
  let run: ActRun;
  beforeAll(async () => {
    run = await runWorkflow('bad');
    return () => run.world.close();
  });

  it('fails the job, and leaves nothing in the registry', () => {
    expect(run.exitCode, run.stdout + run.stderr).not.toBe(0);
    expect(run.stdout).toContain('Job failed');
    expect(run.outcome).toBe('failure');
    expect(run.world.isEmpty()).toBe(true);
  });

  it('gives the verdict to the step after it', () => {
    expect(run.outputs).toMatchObject({ verdict: 'deny', digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(run.outputs['denied-by']?.split('\n').sort()).toEqual(['builtin/fail-on-high', 'builtin/secrets']);
    expect(Number(run.outputs.findings)).toBeGreaterThanOrEqual(Number(run.outputs.critical) + Number(run.outputs.high));
    expect(run.outputs.references ?? '').toBe('');
    expect(run.outputs.signatures ?? '').toBe('');
  });

  it('annotates the run with commands that act takes, and the lines in a check run', () => {
    expect(run.stdout).toMatch(/❗ {2}::error title=AWS access key.*::Dockerfile:3%0A/);
    expect(run.stdout).toMatch(/❗ {2}::error title=CVE-2021-44906 in minimist.*::Dockerfile:4%0A/);
    const [checkRun] = run.world.sandbox.github.checkRuns;
    const lines = checkRun?.annotations.map(({ path, start_line: line, annotation_level: level }) => `${path}:${line} ${level}`);
    expect(lines).toEqual(expect.arrayContaining(['Dockerfile:3 failure', 'Dockerfile:4 failure']));
  });

  it('tells the pull request, with a comment and a check run on the commit of the event', () => {
    const { comments, checkRuns } = run.world.sandbox.github;
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain('CVE-2021-44906');
    expect(checkRuns).toMatchObject([{ conclusion: 'failure' }]);
  });

  it('never shows the secret of the vault', () => expectNoSecret(run));
});

describe('a bad shop, in a job whose token is not given to the step', () => {
  let run: ActRun;
  beforeAll(async () => {
    run = await runWorkflow('bad', { 'github-token': '' });
    return () => run.world.close();
  });

  it('is denied all the same, with the lines annotated by commands', () => {
    expect(run.exitCode).not.toBe(0);
    expect(run.outputs.verdict).toBe('deny');
    for (const line of [3, 4]) expect(run.stdout).toMatch(new RegExp(`❗ {2}::error title=[^:]*,file=Dockerfile,line=${line}::`));
    const { comments, checkRuns } = run.world.sandbox.github;
    expect([...comments, ...checkRuns]).toEqual([]);
  });
});

describe('the repaired shop', () => {
  let run: ActRun;
  beforeAll(async () => {
    run = await runWorkflow('fixed');
    return () => run.world.close();
  });

  it('passes the job and is published', () => {
    expect(run.exitCode, run.stdout + run.stderr).toBe(0);
    expect(run.stdout).toContain('Job succeeded');
    expect(run.outcome).toBe('success');
    expect(run.world.registry.content.repositories()).toEqual(['contoso/shop']);
  });

  it('gives digest, reference and signature to the step after it', () => {
    const { digest = '', verdict, references, signatures, sbom, report } = run.outputs;
    expect(verdict).toBe('pass');
    expect(references).toBe(`${run.world.registry.host}/contoso/shop:1.0@${digest}`);
    expect(run.world.registry.content.tags('contoso/shop')).toContainEqual(['1.0', digest]);
    for (const output of [digest, signatures, sbom]) expect(output).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(report).toMatch(/\.json$/);
    expect(run.stdout).toContain(`digest ${digest}`);
  });

  it('never shows the secret of the vault', () => expectNoSecret(run));
});

describe('a run that hands a secret on', () => {
  const secret = "p@ss/w%25rd+~!*'();]<b>&";
  let run: ActRun;
  beforeAll(async () => {
    const names = { secrets: 'REGISTRY_PASSWORD = registry-password\nSHOP_DB = shop-database', 'export-secrets': 'SHOP_DB' };
    run = await runWorkflow('fixed', names, { 'shop-database': secret });
    return () => run.world.close();
  });

  it('gives it to the step after it, and to no environment', () => {
    expect(run.exitCode, run.stdout + run.stderr).toBe(0);
    expect(run.outputs.SHOP_DB).toBe(secret);
    expect(run.stdout).toContain('unnamed: none');
    expect(run.stdout).toContain('Handed to later steps of this job (input export-secrets): SHOP_DB.');
  });

  it('shows it in no form, though a later step prints it', () => {
    const printed = run.stdout.split('\n').filter((line) => line.includes('printed'));
    expect(printed.length).toBeGreaterThanOrEqual(3);
    const forms = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
    for (const form of forms) expect(run.stdout + run.stderr).not.toContain(form);
  });

  it('never shows the secret of the vault', () => expectNoSecret(run));
});

it('finds the example workflow to be one', async () => {
  const result = await runProgram(peer('act'), ['--validate', '--workflows', join(project, 'examples/github/image.yml')], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: root },
  });
  expect(result, result.stdout + result.stderr).toMatchObject({ exitCode: 0 });
});

function expectNoSecret({ world, stdout, stderr }: ActRun): void {
  expect(world.sandbox.vault.requests.some(({ url }) => url.pathname.includes('/secrets/registry-password'))).toBe(true);
  expect(stdout + stderr).not.toContain(world.password);
}

async function runWorkflow(
  shop: 'bad' | 'fixed',
  inputs: Readonly<Record<string, string>> = {},
  secrets: Readonly<Record<string, string>> = {},
): Promise<ActRun> {
  const world = await startShopSandbox(undefined, { secrets });
  const folder = await mkdtemp(join(root, `${shop}-`));
  const [workspace, home, cache] = ['repository', 'home', 'cache'].map((name) => join(folder, name)) as [string, string, string];
  await cloneProject(workspace);
  await world.placeShop(workspace, shop);
  const workflow = join(workspace, '.github/workflows/image.yml');
  await Promise.all([dirname(workflow), home].map((path) => mkdir(path, { recursive: true })));
  // JSON is YAML.
  await writeFile(workflow, JSON.stringify(toWorkflow({ ...world.inputs, ...inputs })));
  const { env } = await world.sandbox.prepareGithubStep({ folder: join(folder, 'runner'), inputs: {} });
  const resultFile = join(folder, 'outputs.json');
  const kept = ['NODE_EXTRA_CA_CERTS', 'AZURE_AUTHORITY_HOST', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID'];
  const asked = ['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  const context = ['GITHUB_API_URL', 'GITHUB_REPOSITORY'].flatMap((name) => ['--env', `${name}=${env[name]}`]);
  const places = ['--directory', workspace, '--eventpath', env.GITHUB_EVENT_PATH ?? '', '--action-cache-path', cache];
  const result = await runProgram(
    peer('act'),
    ['pull_request', '--platform', 'ubuntu-latest=-self-hosted', ...places, ...context, '--secret', 'GITHUB_TOKEN'],
    {
      cwd: workspace,
      env: {
        // act runs actions with the Node that it finds.
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
        HOME: home,
        GITHUB_TOKEN: world.sandbox.githubToken,
        RESULT_FILE: resultFile,
        ...Object.fromEntries([...kept, ...asked].map((name) => [name, env[name]])),
      },
    },
  );
  const seen = JSON.parse(await readFile(resultFile, 'utf8').catch(() => '{}')) as { outputs?: Record<string, string>; outcome?: string };
  return { ...result, world, outputs: seen.outputs ?? {}, outcome: seen.outcome ?? `none:\n${result.stdout}${result.stderr}` };
}

/** A repository as its owner pushed it, with the bundle and the metadata of the working tree. */
async function cloneProject(workspace: string): Promise<void> {
  await expectProgram('git', ['clone', '--quiet', '--depth', '1', `file://${project}`, workspace]);
  for (const name of ['dist', 'action.yml']) {
    await rm(join(workspace, name), { recursive: true, force: true });
    await cp(join(project, name), join(workspace, name), { recursive: true });
  }
}

function toWorkflow(inputs: Readonly<Record<string, string>>): object {
  const custody = { id: 'custody', uses: './', with: inputs };
  const look = {
    if: 'always()',
    env: { SEEN: '{"outcome":"${{ steps.custody.outcome }}","outputs":${{ toJSON(steps.custody.outputs) }}}' },
    run: 'printf %s "$SEEN" > "$RESULT_FILE"\necho "digest ${{ steps.custody.outputs.digest }}"',
  };
  const print = {
    env: { NAMED: '${{ steps.custody.outputs.SHOP_DB }}' },
    run: [
      'echo "unnamed: ${SHOP_DB:-none}"',
      'echo "printed $NAMED"',
      'echo "printed $(printf %s "$NAMED" | base64 -w 0)"',
      'echo "printed $(printf %s "$NAMED" | jq -sRr @uri)"',
    ].join('\n'),
  };
  return {
    name: 'Image',
    on: 'pull_request',
    permissions: { contents: 'read', 'id-token': 'write', 'pull-requests': 'write', checks: 'write' },
    jobs: { image: { 'runs-on': 'ubuntu-latest', steps: [{ uses: 'actions/checkout@v5' }, custody, look, print] } },
  };
}
