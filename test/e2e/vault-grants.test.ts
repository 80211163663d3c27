import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { VaultPermission } from '../../src/sandbox/key-vault/access.ts';
import { readOutputFile } from '../host/oracle-github-runner.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle } from './step.ts';

/** A vault that grants what docs/signing.md names and nothing else, and that notes every call: the packaged step publishes a signed image. */
const grants: readonly {
  readonly what: string;
  readonly vaultGrants: readonly VaultPermission[];
  readonly signingKey: (world: ShopSandbox) => string;
  readonly calls: (name: string) => readonly string[];
}[] = [
  {
    what: 'certificates/get and keys/sign for a certificate',
    vaultGrants: ['certificates/get', 'keys/sign'],
    signingKey: ({ inputs }) => inputs['signing-key'] ?? '',
    calls: (name) => [`GET /certificates/${name}/`, `POST /keys/${name}/VERSION/sign`],
  },
  {
    what: 'keys/sign alone for a bare key',
    vaultGrants: ['keys/sign'],
    signingKey: ({ sandbox }) => `${sandbox.vault.url}/keys/${sandbox.signing.name},whole-chain.pem`,
    calls: (name) => [`POST /keys/${name}//sign`, `POST /keys/${name}/VERSION/sign`],
  },
];

it.each(grants)('signing takes $what, and nothing else is asked for', async ({ vaultGrants, signingKey, calls }) => {
  const world = await startShopSandbox(undefined, { vaultGrants });
  try {
    const { sandbox } = world;
    const workspace = join(world.folder, 'workspace');
    await world.placeShop(workspace, 'fixed');
    await writeFile(join(workspace, 'whole-chain.pem'), sandbox.signing.chain.join(''));
    const { secrets: _, ...inputs }: Record<string, string> = {
      ...world.inputs,
      'registry-password': world.password,
      'signing-key': signingKey(world),
    };
    const step = await sandbox.prepareGithubStep({ folder: join(world.folder, 'runner'), workspace, inputs });
    const { exitCode, stdout, stderr } = await runBundle('github.js', [], { cwd: workspace, env: step.env });
    expect(exitCode, stdout + stderr).toBe(0);
    const outputs = readOutputFile(await readFile(step.outputFile, 'utf8'));
    expect(outputs.get('signatures')).toMatch(/^sha256:[0-9a-f]{64}$/);
    const asked = sandbox.vault.requests.map(({ method, url }) => `${method} ${url.pathname.replace(/[0-9a-f]{32}/, 'VERSION')}`);
    expect([...new Set(asked)].sort()).toEqual(calls(sandbox.signing.name));
  } finally {
    await world.close();
  }
});
