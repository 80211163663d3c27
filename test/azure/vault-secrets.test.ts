import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openKeyVault } from '../../src/azure/key-vault.ts';
import type { ReceivedRequest } from '../../src/sandbox/exchange.ts';
import { throttled } from '../../src/sandbox/key-vault/error.ts';
import { type KeyVault, type KeyVaultOptions, startKeyVault } from '../../src/sandbox/key-vault.ts';
import { type Directory, errorOf, objectId, secretCredential, startDirectory } from './directory.ts';

const everything = ['secrets/get', 'secrets/readMetadata'] as const;
const names = Array.from({ length: 12 }, (_, at) => `secret-${at}`);
const version = 'ab12'.repeat(8);
const toNames = (list: readonly string[]) => list.map((name) => ({ name, version: undefined }));

let directory: Directory;
let vault: KeyVault;
const running: KeyVault[] = [];

beforeAll(async () => {
  directory = await startDirectory();
  vault = await startVault();
});
afterEach(() => vault.faults.clear());
afterAll(async () => {
  for (const started of running) await started.close();
  await directory.close();
});

async function startVault(options: Partial<KeyVaultOptions> = {}): Promise<KeyVault> {
  const started = await startKeyVault({
    entra: directory.entra,
    tls: await directory.authority.issueTls(),
    grants: { [objectId]: everything },
    secrets: [
      ...names.map((name) => ({ name, value: `value of ${name}` })),
      { name: 'versioned', value: 'old', version },
      { name: 'versioned', value: 'new' },
      { name: 'disabled', value: 'v', enabled: false },
      { name: 'expired', value: 'v', expires: new Date(0) },
      { name: 'deleted', value: 'v', deleted: true },
    ],
    ...options,
  });
  running.push(started);
  return started;
}

function readFrom(target: KeyVault, list: Parameters<ReturnType<typeof openKeyVault>['readSecrets']>[0]) {
  return openKeyVault(target.url, secretCredential(directory), () => new Date()).readSecrets(list);
}

describe('several secrets', () => {
  test('come in the order in which they were named, each in its version', async () => {
    const values = await readFrom(vault, [...toNames(names), { name: 'versioned', version }, { name: 'versioned', version: undefined }]);
    expect(values.map((value) => value.reveal())).toEqual([...names.map((name) => `value of ${name}`), 'old', 'new']);
    expect(await readFrom(vault, [])).toEqual([]);
  });

  test('are read side by side, with one token', async () => {
    const tokens = directory.entra.requests.filter(({ method }) => method === 'POST').length;
    // No answer comes before several have been asked for.
    const asked = new Set<string>();
    let isMany = (): void => undefined;
    const many = new Promise<void>((resolve) => {
      isMany = resolve;
    });
    const match = (request: ReceivedRequest): boolean => {
      if (request.headers.authorization === undefined) return false;
      asked.add(request.url.pathname);
      if (asked.size >= 4) isMany();
      return true;
    };
    vault.faults.add({ match, delayMs: 300, times: names.length });
    const read = readFrom(vault, toNames(names));
    await many;
    expect(asked.size).toBeGreaterThanOrEqual(4);
    await read;
    expect(directory.entra.requests.filter(({ method }) => method === 'POST').length).toBe(tokens + 1);
  });

  test('that fail are told at once, each with its reason and its command', async () => {
    const error = await errorOf(readFrom(vault, toNames(['disabled', 'secret-1', 'missing', 'expired', 'deleted'])));
    expect(error).toMatchObject({ code: 'secrets-unreadable', origin: 'vault' });
    expect(error.message).toMatch(/^Cannot read 4 of the 5 secrets of vault \S+ with client secret of application/);
    expect(error.message).toContain(objectId);
    for (const [at, name, code] of [
      [1, 'disabled', 'object-disabled'],
      [2, 'missing', 'object-missing'],
      [3, 'expired', 'object-expired'],
      [4, 'deleted', 'object-deleted'],
    ] as const) {
      expect(error.message).toMatch(new RegExp(`\\(${at}\\) "${name}": [^;]* \\[${code}\\]`));
      expect(error.hint).toMatch(new RegExp(`\\(${at}\\) [^(]*az keyvault secret [^(]*--name ${name}|\\(${at}\\).*az keyvault secret`));
    }
    expect(error.message).not.toContain('secret-1');
  });

  test('of which one fails give its own error', async () => {
    expect(await errorOf(readFrom(vault, toNames(['secret-1', 'disabled', 'secret-2'])))).toMatchObject({ code: 'object-disabled' });
  });

  test('that lack a role each are told with an assignment for each', async () => {
    const error = await errorOf(readFrom(await startVault({ grants: {} }), toNames(['secret-1', 'secret-2'])));
    expect(error.code).toBe('secrets-unreadable');
    for (const name of ['secret-1', 'secret-2']) expect(error.hint).toContain(`/secrets/${name}"`);
  });

  test('that one access policy would let be read are told with it once', async () => {
    const error = await errorOf(readFrom(await startVault({ grants: {}, model: 'policy' }), toNames(['secret-1', 'secret-2'])));
    expect(error.message).toMatch(/"secret-1": .*\[vault-policy-missing\]; \(2\) "secret-2"/);
    expect(error.hint.match(/az keyvault set-policy/g)).toHaveLength(1);
  });

  test.each([
    ['vault-firewall', { network: 'firewall' }],
    ['vault-private', { network: 'private' }],
  ] as const)('of a vault that is out of reach are told as %s, once', async (code, options) => {
    expect(await errorOf(readFrom(await startVault(options), toNames(names)))).toMatchObject({ code });
  });

  test('are told with the others where only some were throttled', async () => {
    const isFirst = ({ url, headers }: ReceivedRequest) =>
      headers.authorization !== undefined && url.pathname.startsWith('/secrets/secret-1/');
    vault.faults.add({ ...throttled(0), match: isFirst, times: Number.POSITIVE_INFINITY });
    const error = await errorOf(readFrom(vault, toNames(['secret-1', 'missing'])));
    expect(error.message).toMatch(/"secret-1": .*\[vault-throttled\]; \(2\) "missing": .*\[object-missing\]/);
  });

  test('are not asked for by who gets no token', async () => {
    const before = vault.requests.length;
    const credential = secretCredential(directory, { secret: 'a secret of nobody' });
    const read = openKeyVault(vault.url, credential, () => new Date()).readSecrets(toNames(names));
    expect(await errorOf(read, credential)).toMatchObject({ code: 'client-secret-wrong', origin: 'identity' });
    expect(vault.requests.length).toBe(before);
  });
});
