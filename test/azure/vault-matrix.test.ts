import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KeyVault as OpenVault, openKeyVault } from '../../src/azure/key-vault.ts';
import type { StepError } from '../../src/lib/step-error.ts';
import { createSigningChain, type SigningChain, toChainPem } from '../../src/sandbox/certificate.ts';
import type { ObjectKind } from '../../src/sandbox/key-vault/error.ts';
import { throttled, unavailable } from '../../src/sandbox/key-vault/error.ts';
import type { KeyVault, KeyVaultOptions } from '../../src/sandbox/key-vault.ts';
import { type Directory, errorOf, objectId, secretCredential, startDirectory } from './directory.ts';
import { everything, startVaultOfStates } from './vault-of-states.ts';

const now = () => new Date();
const always = { times: Number.POSITIVE_INFINITY, match: ({ headers }: { headers: object }) => 'authorization' in headers };

let directory: Directory;
let chain: SigningChain;
let vault: KeyVault;
const running: KeyVault[] = [];

beforeAll(async () => {
  directory = await startDirectory();
  chain = await createSigningChain();
  vault = await startVault();
});
afterAll(async () => {
  for (const started of running) await started.close();
  await directory.close();
});

async function startVault(options: Partial<KeyVaultOptions> = {}): Promise<KeyVault> {
  const started = await startVaultOfStates(directory, chain, options);
  running.push(started);
  return started;
}

function open(target: KeyVault, transport: object = {}): OpenVault {
  const credential = Object.assign(secretCredential(directory), { transport: { ...directory.options.transport, ...transport } });
  return openKeyVault(target.url, credential, now);
}

/** Uses an object in the way that a run does. */
const uses: Readonly<Record<ObjectKind, (opened: OpenVault, state: string) => Promise<unknown>>> = {
  secrets: (opened, state) => opened.readSecret(state),
  certificates: async (opened, state) => {
    const signer = await opened.keySigner({ collection: 'certificates', name: `cert-${state}`, version: undefined }, { chain: issuers() });
    return signer.sign(Buffer.from('x'));
  },
  keys: async (opened, state) => {
    const pem = toChainPem(chain.certificates);
    const signer = await opened.keySigner({ collection: 'keys', name: `key-${state}`, version: undefined }, { chain: pem });
    return signer.sign(Buffer.from('x'));
  },
};
const kinds = Object.keys(uses) as ObjectKind[];
const word = { secrets: 'secret', keys: 'key', certificates: 'certificate' } as const;
const issuers = () => toChainPem(chain.certificates.slice(1));

async function fail(kind: ObjectKind, state: string, target: KeyVault, transport?: object): Promise<StepError> {
  const error = await errorOf(uses[kind](open(target, transport), state));
  expect(error.hint).not.toMatch(/undefined|\[object/);
  return error;
}

describe.each(kinds)('%s', (kind) => {
  test('one that is sound is used', async () => {
    await expect(uses[kind](open(vault), 'sound')).resolves.toBeDefined();
  });

  test.each([
    ['missing', 'object-missing', `az keyvault ${word[kind]} list`],
    ['deleted', 'object-deleted', `az keyvault ${word[kind]} recover --vault-name`],
    ['disabled', 'object-disabled', `az keyvault ${word[kind]} set-attributes`],
    ['expired', 'object-expired', `az keyvault ${word[kind]} `],
    ['early', 'object-not-yet-valid', `az keyvault ${word[kind]} show`],
  ])('one that is %s is told as %s, with the command that mends it', async (state, code, hint) => {
    const error = await fail(kind, state, vault);
    expect(error).toMatchObject({ code, origin: 'vault', hint: expect.stringContaining(hint) });
    expect(error.message).toContain(objectId);
  });

  test('one that was deleted is told with its day, and where nobody may look, as missing', async () => {
    expect((await fail(kind, 'deleted', vault)).message).toContain(`was deleted at ${new Date().toISOString().slice(0, 10)}`);
    const grants = { [objectId]: everything.filter((grant) => !['secrets/readMetadata', 'keys/get'].includes(grant)) };
    const hidden = await startVault({ grants });
    const isHidden = kind !== 'certificates';
    expect(await fail(kind, 'deleted', hidden)).toMatchObject({ code: isHidden ? 'object-missing' : 'object-deleted' });
    // Under access policies the grant for reading is enough; a bare key is used without one.
    const policies = await startVault({ grants, model: 'policy' });
    expect(await fail(kind, 'deleted', policies)).toMatchObject({ code: kind === 'keys' ? 'object-missing' : 'object-deleted' });
  });

  test.each([
    ['rbac', 'vault-role-missing', 'az role assignment create'],
    ['policy', 'vault-policy-missing', 'az keyvault set-policy'],
  ] as const)('a missing grant of a vault with %s is told as %s', async (model, code, hint) => {
    const error = await fail(kind, 'sound', await startVault({ model, grants: {} }));
    expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) });
    expect(error.hint).toContain(objectId);
  });

  test.each([
    ['firewall', 'AzureServices', 'vault-firewall', '--ip-address 127.0.0.1'],
    ['firewall', 'None', 'vault-firewall', '--ip-address 127.0.0.1'],
    ['private', 'AzureServices', 'vault-private', 'private endpoint'],
    ['private', 'None', 'vault-private', 'private endpoint'],
  ] as const)('a network of the kind %s (bypass %s) is told as %s', async (network, bypass, code, hint) => {
    const error = await fail(kind, 'sound', await startVault({ network, bypass }));
    expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) });
    expect(error.hint).toContain('A role would not help');
  });

  test('throttling and outages are waited for as the vault says, and told where they do not end', async () => {
    const target = await startVault();
    // Without the header it would be waited for an hour.
    const patient = { retryDelayMs: 3_600_000 };
    target.faults.add({ ...throttled(0), ...always, times: 1 }, { ...unavailable(0), ...always, times: 1 });
    await expect(uses[kind](open(target, patient), 'sound')).resolves.toBeDefined();
    target.faults.add({ ...throttled(0), ...always });
    expect(await fail(kind, 'sound', target)).toMatchObject({ code: 'vault-throttled' });
    target.faults.clear();
    target.faults.add({ ...unavailable(0), ...always });
    expect(await fail(kind, 'sound', target)).toMatchObject({ code: 'vault-unavailable', message: expect.stringContaining('503') });
  });

  test.each([
    ['vault-throttled', throttled(3600)],
    ['vault-unavailable', unavailable(3600)],
    ['vault-throttled', { ...throttled(), headers: { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() } }],
    ['vault-throttled', { ...throttled(), headers: { 'retry-after-ms': '3600000' } }],
  ])('%s for an hour is not waited for', async (code, fault) => {
    const target = await startVault();
    target.faults.add({ ...fault, ...always });
    const error = await fail(kind, 'sound', target);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(/for longer than a run waits \(it asks to wait 3\d\d\d seconds\)/),
    });
    expect(target.requests.filter(({ headers }) => headers.authorization !== undefined)).toHaveLength(1);
  });

  test('a run that is cancelled does not wait for the next attempt', async () => {
    const target = await startVault();
    target.faults.add({ ...throttled(100), ...always });
    const cancel = new AbortController();
    const failed = uses[kind](open(target, { signal: cancel.signal }), 'sound').catch((error: unknown) => error);
    while (!target.requests.some(({ headers }) => headers.authorization !== undefined)) await new Promise((next) => setImmediate(next));
    cancel.abort();
    expect(await failed).toBeInstanceOf(Error);
  });
});

describe('refusals in other words', () => {
  const scope = '/subscriptions/0/resourcegroups/x/providers/microsoft.keyvault/vaults/contoso/secrets/sound';
  const body = (message: string, inner?: string) => ({
    error: { code: 'Forbidden', message, ...(inner === undefined ? {} : { innererror: { code: inner } }) },
  });

  test.each([
    // As the service worded it before it named ForbiddenByPolicy.
    [
      body("The user, group or application 'appid=x;oid=y' does not have secrets get permission on key vault 'contoso'.", 'AccessDenied'),
      'vault-policy-missing',
    ],
    [body("The user does not have secrets get permission on key vault 'contoso;location=westeurope'."), 'vault-policy-missing'],
    [body('Client address is not authorized and caller is not a trusted service.\r\nClient address: 20.1.2.3\r\n'), 'vault-firewall'],
    [body('Operation get is not allowed on a disabled secret.'), 'object-disabled'],
    [body('Operation get is not allowed on an expired secret.', 'SecretExpired'), 'object-expired'],
    [body('Operation get is not allowed on a secret that is not yet valid.', 'SecretNotYetValid'), 'object-not-yet-valid'],
    [body(`Caller is not authorized.\r\nResource: '${scope}'\r\nDenyAssignmentId: null`, 'ForbiddenByRbac'), 'vault-role-missing'],
  ])('%j is told as %s', async (answer, code) => {
    const target = await startVault();
    target.faults.add({ ...always, status: 403, body: answer });
    const error = await fail('secrets', 'sound', target);
    expect(error.code).toBe(code);
    if (code === 'vault-firewall') expect(error.hint).toContain('--ip-address 20.1.2.3');
    if (code === 'vault-role-missing') expect(error.hint).toContain(`--scope "${scope}"`);
  });

  test('a deny assignment is told as one, for no role overrides it', async () => {
    const target = await startVault();
    const id = '99999999-1111-4111-8111-999999999999';
    target.faults.add({
      ...always,
      status: 403,
      body: body(`Caller is not authorized.\r\nDenyAssignmentId: '${id}'\r\n`, 'ForbiddenByRbac'),
    });
    const error = await fail('secrets', 'sound', target);
    expect(error).toMatchObject({ code: 'vault-role-missing', message: expect.stringContaining(id) });
    expect(error.hint).not.toContain('az role assignment create');
  });
});
