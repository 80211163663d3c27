import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { secure } from '../../src/command/secure.ts';
import { createAzurePipelinesHost } from '../../src/host/azure-pipelines/azure-pipelines-host.ts';
import { createGitHubHost } from '../../src/host/github/github-host.ts';
import type { Host } from '../../src/host/host.ts';
import { createShellHost } from '../../src/host/shell/shell-host.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readOutputFile } from '../host/oracle-github-runner.ts';
import { openPlace, type Place } from '../main/place.ts';
import { openHttp, toWorld } from './publication.ts';

const values = {
  db: 'postgres://shop:p@ss%25w;]d@db/shop?x=1',
  pem: '-----BEGIN X-----\nAAAABBBB\n-----END X-----\n',
  line: 'a line with its end\n',
  short: 'abc',
  flat: 'a\nb\nc\nd\n',
};
const secrets = 'DB = db\nPEM = pem\nLINE = line\nSHORT = short\nFLAT = flat\nOTHER = disabled';
const names = Object.keys(values).map((name) => name.toUpperCase());

let place: Place;
let http: HttpClient;
beforeAll(async () => {
  place = await openPlace({ secrets: values });
  http = await openHttp(place);
});
afterAll(async () => {
  http.close();
  await place.close();
});

interface ExportRun {
  readonly exitCode: number;
  readonly error: StepError | undefined;
  /** By name; those of `names` alone. */
  readonly exported: Readonly<Record<string, string>>;
  readonly output: string;
  readonly vaultRequests: number;
}

type Runner = (
  exportSecrets: string,
  more?: Readonly<Record<string, string>>,
  env?: Readonly<Record<string, string>>,
) => Promise<ExportRun>;

const onGithub: Runner = async (exportSecrets, more = {}) => {
  const step = await place.sandbox.prepareGithubStep({ folder: await place.newFolder('github'), workspace: place.workspace, inputs: {} });
  const { host, output } = open((write) =>
    createGitHubHost({ env: step.env, write, http, token: () => undefined, subject: '', random: () => crypto.randomUUID() }),
  );
  const run = await runSecure(host, exportSecrets, more);
  return { ...run, output: output(), exported: pick(readOutputFile(await readFile(step.outputFile, 'utf8'))) };
};

const onAzure: Runner = async (exportSecrets, more = {}, env = {}) => {
  const step = await place.sandbox.prepareAzurePipelinesStep({
    folder: await place.newFolder('azure'),
    workspace: place.workspace,
    inputs: {},
  });
  const { host, output } = open((write) =>
    createAzurePipelinesHost({ env: { ...step.env, ...env }, write, http, subject: '', random: () => crypto.randomUUID() }),
  );
  const run = await runSecure(host, exportSecrets, more);
  const variables = readAgentCommands(output()).filter(({ event }) => event === 'setvariable');
  const secret = variables.filter(({ properties }) => properties.get('issecret') === 'true');
  expect(secret.filter(({ properties }) => properties.has('isoutput'))).toEqual([]);
  return {
    ...run,
    output: output(),
    exported: pick(new Map(secret.map(({ properties, data }) => [properties.get('variable') ?? '', data]))),
  };
};

const onShell: Runner = async (exportSecrets, more = {}) => {
  const { host, output } = open((write) => createShellHost({ env: {}, stdout: { write }, stderr: { write }, workspace: place.workspace }));
  const run = await runSecure(host, exportSecrets, more);
  return { ...run, output: output(), exported: {} };
};

function open(create: (write: (text: string) => void) => Host): { readonly host: Host; readonly output: () => string } {
  let written = '';
  const host = create((text) => {
    written += text;
  });
  return { host, output: () => written };
}

async function runSecure(host: Host, exportSecrets: string, more: Readonly<Record<string, string>>) {
  const { sandbox } = place;
  const { tenantId, clientId, clientSecret } = sandbox.identity;
  const inputs = {
    image: 'docker-archive:good.tar',
    advisories: sandbox.osv.url,
    'key-vault': sandbox.vault.url,
    secrets,
    'export-secrets': exportSecrets,
    annotations: 'off',
    comment: 'off',
    ...more,
  };
  const environment = {
    azureTenantId: tenantId,
    azureClientId: clientId,
    azureClientSecret: new SecretValue(clientSecret),
    azureAuthorityHost: sandbox.entra.url,
  };
  const before = sandbox.vault.requests.length;
  let error: StepError | undefined;
  const settings = parseSettings(new Map(Object.entries(inputs)), (name) => name);
  const exitCode = await secure(settings, host, toWorld(http, environment)).catch((cause: unknown) => {
    if (!(cause instanceof StepError)) throw cause;
    error = cause;
    return exitCodeOf(cause);
  });
  return { exitCode, error, vaultRequests: sandbox.vault.requests.length - before };
}

function pick(all: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...all].filter(([name]) => names.includes(name)));
}

describe('export-secrets', () => {
  it.each([
    ['GitHub', onGithub],
    ['Azure Pipelines', onAzure],
  ] as const)('hands what it names to later steps on %s, and says so once', async (_, run) => {
    const { exitCode, exported, output } = await run('DB');
    expect(exitCode).toBe(0);
    expect(exported).toEqual({ DB: values.db });
    expect(output.match(/Handed to later steps of this job \(input export-secrets\): DB\./g)).toHaveLength(1);
    const masked = output.search(/add-mask|setsecret/);
    expect(masked).toBeGreaterThanOrEqual(0);
    expect(masked).toBeLessThan(output.includes('setvariable') ? output.indexOf('setvariable') : output.length);
  });

  it.each([
    ['GitHub', onGithub],
    ['Azure Pipelines', onAzure],
  ] as const)('hands nothing on without it, on %s', async (_, run) => {
    const { exitCode, exported, output } = await run('');
    expect([exitCode, exported]).toEqual([0, {}]);
    expect(output).not.toContain('Handed to later steps');
  });

  it.each([
    ['GitHub', onGithub],
    ['Azure Pipelines', onAzure],
  ] as const)('hands nothing on after a denial or a failure, on %s', async (_, run) => {
    expect(await run('DB', { image: 'docker-archive:bad.tar' })).toMatchObject({ exitCode: 1, exported: {} });
    expect(await run('DB', { push: '127.0.0.1:9/team/app:1' })).toMatchObject({ exitCode: 3, exported: {} });
    expect(await run('DB', { image: 'docker-archive:absent.tar' })).toMatchObject({ exitCode: 2, exported: {} });
  });

  it.each([
    ['GitHub', onGithub],
    ['Azure Pipelines', onAzure],
  ] as const)('refuses a value that %s could not mask', async (_, run) => {
    for (const name of ['SHORT', 'FLAT']) {
      const { exitCode, error, exported } = await run(`DB\n${name}`);
      expect(error).toMatchObject({ code: 'secret-unexportable', origin: 'vault', message: expect.stringContaining(name) });
      expect([exitCode, exported]).toEqual([3, {}]);
      expect(`${error?.message}${error?.hint}`).not.toContain(values.short);
    }
  });

  it('hands several lines on whole, on GitHub', async () => {
    expect((await onGithub('PEM\nLINE')).exported).toEqual({ PEM: values.pem, LINE: values.line });
  });

  it('refuses several lines on Azure Pipelines, whose agent would, unless the pipeline allows them', async () => {
    const { error, exported } = await onAzure('PEM');
    expect(error).toMatchObject({ code: 'secret-unexportable', hint: expect.stringContaining('base64') });
    expect(exported).toEqual({});
    expect((await onAzure('LINE')).error?.hint).toContain('store the value without it');
    expect((await onAzure('PEM', {}, { SYSTEM_UNSAFEALLOWMULTILINESECRET: 'true' })).exported).toEqual({ PEM: values.pem });
  });

  it('is refused in a shell, before anything is asked for', async () => {
    const { error, exitCode, vaultRequests } = await onShell('DB');
    expect(error).toMatchObject({ code: 'input-conflict', origin: 'input', hint: expect.stringContaining('az keyvault secret show') });
    expect([exitCode, vaultRequests]).toEqual([2, 0]);
    expect((await onShell('')).exitCode).toBe(0);
  });
});
