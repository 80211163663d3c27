import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { CheckResult } from '../../src/model/check.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../src/sandbox/key-vault.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place, vaultInputs } from '../main/place.ts';
import { type ConsultationOptions, consult, secureInstead } from './doctor-case.ts';

let place: Place;
let registry: RunningRegistry;
const vaults: KeyVault[] = [];

beforeAll(async () => {
  place = await openPlace();
  registry = await place.startRegistry();
});

afterAll(async () => {
  await Promise.all(vaults.map((vault) => vault.close()));
  await place.close();
});

/** A vault with the password, to which the identity has these rights. */
async function openVault(options: Omit<KeyVaultOptions, 'entra' | 'grants'> & Partial<Pick<KeyVaultOptions, 'grants'>>): Promise<string> {
  const { sandbox } = place;
  const vault = await startKeyVault({
    tls: await sandbox.authority.issueTls(),
    entra: sandbox.entra,
    grants: { [sandbox.identity.objectId]: ['secrets/get', 'certificates/get', 'keys/sign'] },
    secrets: [{ name: 'registry-password', value: place.password }],
    ...options,
  });
  vaults.push(vault);
  return vault.url;
}

interface Scene {
  readonly what: string;
  readonly check: string;
  readonly code: string;
  inputs(): Promise<Readonly<Record<string, string>>>;
  readonly options?: ConsultationOptions;
}

const secret = 'secret REGISTRY_PASSWORD';
const pushed = () => vaultInputs(place, `${registry.host}/team/app:1`);
const withVault = async (options: Parameters<typeof openVault>[0]) => ({
  ...pushed(),
  'signing-key': 'file:key.pem,certificates.pem',
  'key-vault': await openVault(options),
});

const scenes: readonly Scene[] = [
  {
    what: 'a secret that is not there',
    check: secret,
    code: 'object-missing',
    inputs: async () => ({ ...pushed(), secrets: 'REGISTRY_PASSWORD = none' }),
  },
  { what: 'a role that is missing', check: secret, code: 'vault-role-missing', inputs: () => withVault({ grants: {} }) },
  {
    what: 'an access policy that is missing',
    check: secret,
    code: 'vault-policy-missing',
    inputs: () => withVault({ grants: {}, model: 'policy' }),
  },
  { what: 'a firewall', check: secret, code: 'vault-firewall', inputs: () => withVault({ network: 'firewall' }) },
  { what: 'a private vault', check: secret, code: 'vault-private', inputs: () => withVault({ network: 'private' }) },
  {
    what: 'a secret that has expired',
    check: secret,
    code: 'object-expired',
    inputs: () => withVault({ secrets: [{ name: 'registry-password', value: 'x', expires: new Date('2020-01-01') }] }),
  },
  {
    what: 'a secret that is too short to be handed on',
    check: secret,
    code: 'secret-unexportable',
    inputs: async () => ({
      ...(await withVault({ secrets: [{ name: 'registry-password', value: 'abc' }] })),
      'export-secrets': 'REGISTRY_PASSWORD',
    }),
  },
  {
    what: 'a client secret that is wrong',
    check: 'identity',
    code: 'client-secret-wrong',
    inputs: async () => pushed(),
    options: { environment: { azureClientSecret: new SecretValue('another one than that') } },
  },
  {
    what: 'a chain that is not complete',
    check: 'signing key',
    code: 'incomplete-chain',
    inputs: async () => ({ ...pushed(), 'signing-key': place.sandbox.signing.name }),
  },
  {
    what: 'a repository that may not be pushed to',
    check: 'push {registry}/others/app',
    code: 'forbidden',
    inputs: async () => fileInputs(place, `${registry.host}/others/app:1`),
  },
  {
    what: 'a policy that is none',
    check: 'policy',
    code: 'invalid-policy',
    inputs: async () => ({ ...pushed(), policy: 'none.yml' }),
  },
  {
    what: 'a directory of advisories that is not there',
    check: 'advisories',
    code: 'input-invalid',
    inputs: async () => ({ ...pushed(), advisories: 'no-such-directory' }),
  },
];

describe('doctor and secure', () => {
  it.each(scenes)('say the same of $what', async ({ check, code, inputs, options }) => {
    await writeFile(join(place.workspace, 'none.yml'), 'rules: {}\n');
    const given = await inputs();
    const { of, exitCode } = await consult(place, given, options);
    const error = await secureInstead(place, given, options);
    await rm(join(place.workspace, 'none.yml'));
    expect(error).toBeInstanceOf(StepError);
    const { message, hint, code: secured } = error as StepError;
    const result: CheckResult = of(check.replace('{registry}', registry.host));
    expect(result).toEqual({ name: result.name, state: 'wrong', text: message, hint, code: secured });
    expect(result.code).toBe(code);
    expect(exitCode).not.toBe(0);
  });

  it('say that all is right of one and the same place', async () => {
    expect((await consult(place, pushed())).exitCode).toBe(0);
    expect(await secureInstead(place, pushed())).toBe(0);
  });
});
