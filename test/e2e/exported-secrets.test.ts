import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCamelCase } from '../../src/inputs/input.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readMasks, readOutputFile } from '../host/oracle-github-runner.ts';
import { maskAsAgent, maskAsGithub } from '../host/oracle-masker.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle, runProgram } from './step.ts';

/** The packaged step hands secrets on, as each host's runner would see it; a later step has them, prints them in every form, and the log does not show them. */
const secrets = {
  'shop-database': 'postgres://shop:p@ss/w%25rd+~!*\'();]<b>&"ü"@db:5432/shop',
  'shop-key': `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj/+aBcDeFgHiJkLmNoPqRsTuV\n'.repeat(4)}-----END PRIVATE KEY-----\n`,
};
const asked = 'REGISTRY_PASSWORD = registry-password\nSHOP_DB = shop-database\nSHOP_KEY = shop-key';

/** Encoders that have nothing to do with ours. */
const script = `
printf 'plain %s\\n' "$SHOP_DB"
printf '%s\\n' "$SHOP_KEY"
printf '%s' "$SHOP_DB" | base64
echo "$SHOP_DB" | base64 -w 0; echo
printf 'u:%s' "$SHOP_DB" | base64 -w 0; echo
printf 'us:%s:x' "$SHOP_DB" | openssl base64 -A; echo
printf '%s' "$SHOP_KEY" | openssl base64
echo "$SHOP_KEY" | base64
printf '%s' "$SHOP_KEY" | base64 -w 0; echo
printf '%s' "$SHOP_DB" | basenc --base64url -w 0; echo
jq -n --arg x "$SHOP_DB" '$x'
jq -an --arg x "$SHOP_DB" '$x'
jq -n --arg x "$SHOP_KEY" '$x'
jq -rn --arg x "$SHOP_DB" '$x|@uri'
python3 -c 'import os,json,urllib.parse as u; s=os.environ["SHOP_DB"]; print(json.dumps(s)); print(u.quote(s)); print(u.quote(s,safe="")); print(u.quote_plus(s)); print(u.quote(s,safe="").lower())'
printf '%s' "$SHOP_DB" > "$SEEN.db"
printf '%s' "$SHOP_KEY" > "$SEEN.key"
`;

let world: ShopSandbox;
let workspace: string;
beforeAll(async () => {
  world = await startShopSandbox(undefined, { secrets });
  workspace = join(world.folder, 'workspace');
  await world.placeShop(workspace, 'fixed');
});
afterAll(() => world.close());

interface Job {
  readonly exitCode: number;
  readonly log: string;
  /** As the host shows it. */
  readonly shown: string;
  /** Files for the environment and the path of later steps. */
  readonly environmentFiles: string;
  /** What a later step has where it names the variables. */
  readonly variables: ReadonlyMap<string, string>;
}

async function runOnGithub(inputs: Readonly<Record<string, string>>): Promise<Job> {
  const given = { ...world.inputs, secrets: asked, 'github-token': world.sandbox.githubToken, ...inputs };
  const step = await world.sandbox.prepareGithubStep({ folder: join(world.folder, crypto.randomUUID()), workspace, inputs: given });
  const { exitCode, stdout, stderr } = await runBundle('github.js', [], { cwd: workspace, env: step.env });
  const variables = readOutputFile(await readFile(step.outputFile, 'utf8'));
  const later = await runLater(variables);
  const log = `${stdout}${stderr}${later}`;
  const masks = readMasks(stdout);
  const withoutCommands = log.replace(/^::add-mask::.*$/gm, '');
  const files = await Promise.all(['env', 'path'].map((name) => readFile(join(dirname(step.outputFile), name), 'utf8')));
  return { exitCode, log, shown: maskAsGithub(withoutCommands, masks), environmentFiles: files.join(''), variables };
}

async function runOnAzure(inputs: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}): Promise<Job> {
  const { tenantId, clientId, clientSecret } = world.sandbox.identity;
  const given = Object.fromEntries(
    Object.entries({ ...world.inputs, secrets: asked, ...inputs }).map(([name, value]) => [toCamelCase(name), value]),
  );
  const step = await world.sandbox.prepareAzurePipelinesStep({ folder: join(world.folder, crypto.randomUUID()), workspace, inputs: given });
  const identity = { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret };
  const { exitCode, stdout, stderr } = await runBundle('azure-pipelines.js', [], {
    cwd: workspace,
    env: { ...step.env, ...identity, ...more },
  });
  const commands = readAgentCommands(stdout);
  const set = commands.filter(({ event, properties }) => event === 'setvariable' && properties.get('issecret') === 'true');
  const variables = new Map(set.map(({ properties, data }) => [properties.get('variable') ?? '', data]));
  const later = await runLater(variables);
  const log = `${stdout}${stderr}${later}`;
  const masks = commands.filter(({ event }) => event === 'setsecret').map(({ data }) => data);
  const withoutCommands = log.replace(/^##vso\[task\.(?:setsecret|setvariable [^\]]*issecret=true[^\]]*)\].*$/gim, '');
  return { exitCode, log, shown: maskAsAgent(withoutCommands, [...masks, ...variables.values()]), environmentFiles: '', variables };
}

/** The next step of the job: `env: SHOP_DB: ${{ steps.custody.outputs.SHOP_DB }}`, and `$(SHOP_DB)`. */
async function runLater(variables: ReadonlyMap<string, string>): Promise<string> {
  const file = join(world.folder, 'later.sh');
  await writeFile(file, script);
  const seen = join(world.folder, 'seen');
  const mapped = { SHOP_DB: variables.get('SHOP_DB') ?? '', SHOP_KEY: variables.get('SHOP_KEY') ?? '' };
  const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', SEEN: seen, HOME: process.env.HOME, ...mapped };
  const { exitCode, stdout, stderr } = await runProgram('bash', ['-e', file], { env });
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(await readFile(`${seen}.db`, 'utf8')).toBe(mapped.SHOP_DB);
  expect(await readFile(`${seen}.key`, 'utf8')).toBe(mapped.SHOP_KEY);
  return stdout;
}

/** Nothing of what a later step printed is left but its own words, the ends of base64 and lines of fewer than four characters. */
function expectHidden({ log, shown }: Job): void {
  expect(log).toContain(secrets['shop-database']);
  const later = shown.slice(shown.indexOf('plain '));
  const left = later
    .replaceAll('***', ' ')
    .replace(/^plain/, '')
    .split(/[\s"]+/)
    .filter((word) => word.length > 6);
  expect(left).toEqual([]);
  for (const line of Object.values(secrets).flatMap((secret) => secret.split('\n'))) if (line !== '') expect(shown).not.toContain(line);
}

describe.each([
  ['GitHub', runOnGithub],
  ['Azure Pipelines', (inputs) => runOnAzure(inputs, { SYSTEM_UNSAFEALLOWMULTILINESECRET: 'true' })],
] as const satisfies readonly (readonly [string, (inputs: Readonly<Record<string, string>>) => Promise<Job>])[])('%s', (_, run) => {
  it('hands what is named to a later step, whole, and shows it in no form', async () => {
    const job = await run({ 'export-secrets': 'SHOP_DB\nSHOP_KEY' });
    expect(job.exitCode, job.log).toBe(0);
    expect(job.variables.get('SHOP_DB')).toBe(secrets['shop-database']);
    expect(job.variables.get('SHOP_KEY')).toBe(secrets['shop-key']);
    expect([...job.variables.values()]).not.toContain(world.password);
    expect(job.environmentFiles).toBe('');
    expectHidden(job);
  });

  it('hands nothing on unless it is asked to, nor after a denial', async () => {
    for (const inputs of [{}, { 'export-secrets': 'SHOP_DB', 'fail-on': 'low', policy: 'deny.yml' }]) {
      await writeFile(join(workspace, 'deny.yml'), 'name: none\nversion: 1\n');
      const job = await run(inputs);
      expect([job.variables.has('SHOP_DB'), job.variables.has('SHOP_KEY')], job.log).toEqual([false, false]);
      expect(job.log).not.toContain('Handed to later steps');
      expect(job.exitCode === 0).toBe(!('policy' in inputs));
    }
  });
});
