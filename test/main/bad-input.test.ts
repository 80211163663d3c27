import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import { startGithub } from '../../src/sandbox/github.ts';
import { type KeyVault, startKeyVault } from '../../src/sandbox/key-vault.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { readAgentCommands } from '../host/oracle-azure-agent.ts';
import { readRunnerCommands } from '../host/oracle-github-runner.ts';
import { type BadWorld, badInputs, badWorld, type Case } from './bad-inputs.ts';
import { fileInputs, openPlace, type Place, vaultInputs } from './place.ts';
import { type HostKind, hostKinds, runStep, type StepRun } from './step-run.ts';

let place: Place;
let registry: RunningRegistry;
/** A vault that lets the identity do nothing. */
let closedVault: KeyVault;
let world: BadWorld;

beforeAll(async () => {
  place = await openPlace();
  registry = await place.startRegistry();
  const { entra, authority, vault } = place.sandbox;
  closedVault = await startKeyVault({ tls: await authority.issueTls(), entra, grants: {} });
  world = { registryHost: registry.host, closedVaultUrl: closedVault.url };
  vault.change('secrets', 'disabled', { enabled: false });
  const other = await createSigningChain({ name: 'other', keyType: 'P-256' });
  const [archive, chain] = await Promise.all(['good.tar', 'certificates.pem'].map((name) => readFile(join(place.workspace, name))));
  const files: Readonly<Record<string, string | Buffer>> = {
    'other.pem': other.certificates.join(''),
    'leaf.pem': String(chain).split(/(?<=-----END CERTIFICATE-----\n?)/)[0] ?? '',
    'no-key.pem': 'not a key\n',
    'policy.yml': 'version: 1\nrules:\n  - name: none\n    denny:\n      kind: secret\n',
    'truncated.tar': archive?.subarray(0, 3000) ?? '',
    'noise.tar': Buffer.alloc(4096, 0xa5),
    Caddyfile: 'x',
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(place.workspace, name), content)));
  await mkdir(join(place.workspace, 'folder'));
});

afterAll(async () => {
  await closedVault.close();
  await place.close();
});

const rows = [...badInputs, ...badWorld].flatMap((given, index, all) =>
  hostsOf(given, index, all).map((host) => ({ host, given, what: given.what, input: Object.keys(given.inputs).join() })),
);

/** The first case of each input, and of the world, on every host; further ones on one after the other, as are those that load Azure's SDK. */
function hostsOf({ inputs, on, vault }: Case, index: number, all: readonly Case[]): readonly HostKind[] {
  const keys = Object.keys(inputs).join();
  const isFirst = typeof inputs !== 'function' && all.findIndex((other) => Object.keys(other.inputs).join() === keys) === index;
  const isWorld = index >= badInputs.length;
  return on ?? (isFirst || (isWorld && vault !== true) ? hostKinds : hostKinds.slice(index % 3, (index % 3) + 1));
}

describe('bad input', () => {
  it.concurrent.each(rows)('$host: $what $input', async ({ host, given }) => {
    const changed = typeof given.inputs === 'function' ? given.inputs(world) : given.inputs;
    const inputs = Object.entries({
      ...(given.vault === true ? vaultInputs : fileInputs)(place, `${registry.host}/team/app:1.0`),
      ...changed,
    }).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const run = await runStep(host, place, { inputs: Object.fromEntries(inputs), ...(given.env === undefined ? {} : { env: given.env }) });
    expect(run.exitCode, run.stdout + run.stderr).toBe(given.exitCode);
    expectOneError(run);
    const [error = ''] = run.errors;
    for (const pattern of given.says) expect(error).toMatch(pattern);
    expect(error.split('\n')[1]).toMatch(given.hint);
  });

  it('publishes nothing', () => {
    expect(registry.content.repositories()).toEqual([]);
    expect(registry.openUploads()).toBe(0);
  });
});

describe('a token of GitHub without permission', () => {
  it.each([
    ['reader', /^No check run: .*checks: write/m, /^No comment on the pull request: .*pull-requests: write/m],
    ['unknown', /^No check run: .*401/m, /^No comment on the pull request: .*401/m],
  ])('%s: is told of on a line, and changes nothing else', async (token, checkRun, comment) => {
    const github = await startGithub({
      tls: await place.sandbox.authority.issueTls(),
      repository: { owner: 'contoso', name: 'shop', private: true },
      pullRequests: [pullRequest],
      tokens: { reader: { kind: 'actions', login: 'github-actions[bot]', permissions: { checks: 'read', pull_requests: 'read' } } },
    });
    const inputs = { ...fileInputs(place, ''), push: '', 'signing-key': '', 'registry-username': '', 'registry-password': '' };
    const env = { GITHUB_API_URL: github.url, GITHUB_GRAPHQL_URL: `${github.url}/graphql` };
    const { exitCode, stdout } = await runStep('github', place, { inputs: { ...inputs, 'github-token': token }, env });
    await github.close();
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toMatch(checkRun);
    expect(stdout).toMatch(comment);
    expect(readRunnerCommands(stdout).filter(({ name }) => name !== 'add-mask')).toEqual([]);
    expect([github.comments, github.checkRuns]).toEqual([[], []]);
  });
});

const pullRequest = {
  number: 7,
  title: 'Add a basket',
  author: 'mona',
  head: { ref: 'add-basket', sha: 'a1'.repeat(20) },
  base: { ref: 'main', sha: 'b2'.repeat(20) },
};

function expectOneError({ host, errors, stdout, stderr }: StepRun): void {
  expect(errors, stdout + stderr).toHaveLength(1);
  expect(errors[0]?.split('\n')).toHaveLength(2);
  expect(stdout + stderr).not.toMatch(/^\s+at .*:\d+:\d+|node:internal|\[object Object\]|undefined/m);
  if (host === 'azure-pipelines') {
    const completions = readAgentCommands(stdout).filter(({ area, event }) => `${area}.${event}` === 'task.complete');
    expect(completions.map(({ properties }) => properties.get('result'))).toEqual(['Failed']);
  }
  if (host === 'cli') expect(stdout).toBe('');
  else expect(stderr).toBe('');
}
