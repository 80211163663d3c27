import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeyVault } from '../../src/azure/key-vault.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { createSigningChain, type SigningChain, toChainPem } from '../../src/sandbox/certificate.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { throttled, unavailable } from '../../src/sandbox/key-vault/error.ts';
import type { KeyVault, KeyVaultOptions } from '../../src/sandbox/key-vault.ts';
import { type Directory, secretCredential, startDirectory } from '../azure/directory.ts';
import { startVaultOfStates } from '../azure/vault-of-states.ts';
import { expectDescribed, readKeyVault } from './descriptions.ts';

/** All that the step's own code asks of a vault and all that the stand-in answers, in every state that is told apart, held against Microsoft's descriptions. */
const withToken = ({ headers }: { readonly headers: object }) => 'authorization' in headers;

let directory: Directory;
let chain: SigningChain;
const exchanges: Exchange[] = [];
const running: KeyVault[] = [];
const codes = new Map<string, Set<string>>();

beforeAll(async () => {
  directory = await startDirectory();
  chain = await createSigningChain();
});
afterAll(async () => {
  for (const started of running) await started.close();
  await directory.close();
});

async function startVault(options: Partial<KeyVaultOptions> = {}): Promise<KeyVault> {
  const started = await startVaultOfStates(directory, chain, { onExchange: (exchange) => exchanges.push(exchange), ...options });
  running.push(started);
  return started;
}

/** Everything that a run does with a vault; what fails is noted by its code. */
async function useAll(target: KeyVault): Promise<void> {
  const vault = openKeyVault(target.url, secretCredential(directory), () => new Date());
  const note = (what: string) => (error: unknown) => {
    if (!(error instanceof StepError)) throw error;
    codes.set(what, (codes.get(what) ?? new Set()).add(error.code));
  };
  for (const state of ['sound', 'disabled', 'expired', 'early', 'deleted', 'missing']) {
    await vault.readSecret(state).catch(note('secret'));
    for (const collection of ['certificates', 'keys'] as const) {
      const kind = collection === 'keys' ? 'key' : 'cert';
      const pem = toChainPem(collection === 'keys' ? chain.certificates : chain.certificates.slice(1));
      await vault
        .keySigner({ collection, name: `${kind}-${state}`, version: undefined }, { chain: pem })
        .then((signer) => signer.sign(Buffer.from('x')))
        .catch(note(kind));
    }
  }
  await vault
    .readSecrets([
      { name: 'disabled', version: undefined },
      { name: 'missing', version: undefined },
    ])
    .catch(note('secret'));
}

describe('a vault in every state', () => {
  beforeAll(async () => {
    await useAll(await startVault());
    for (const model of ['rbac', 'policy'] as const) await useAll(await startVault({ model, grants: {} }));
    for (const network of ['firewall', 'private'] as const)
      for (const bypass of ['AzureServices', 'None'] as const) await useAll(await startVault({ network, bypass }));
    await useAll(await startVault({ entra: { ...directory.entra, tenantId: '99999999-9999-4999-8999-999999999999' } }));
    await useAll(
      await startVault({ entra: { ...directory.entra, verifyToken: (token) => directory.entra.verifyToken(token, 'https://other') } }),
    );
    for (const fault of [throttled(0), throttled(3600), unavailable(0), unavailable(3600)]) {
      const target = await startVault();
      target.faults.add({ ...fault, match: withToken, times: Number.POSITIVE_INFINITY });
      await useAll(target);
    }
  });

  it('gives every error of the matrix to secrets, keys and certificates alike', () => {
    const shared = [
      'object-missing',
      'object-deleted',
      'object-disabled',
      'object-expired',
      'object-not-yet-valid',
      'vault-role-missing',
      'vault-policy-missing',
      'vault-firewall',
      'vault-private',
      'vault-throttled',
      'vault-unavailable',
      'vault-unauthorized',
      'tenant-other',
    ];
    for (const kind of ['secret', 'key', 'cert']) expect([...(codes.get(kind) ?? [])]).toEqual(expect.arrayContaining(shared));
    expect([...(codes.get('secret') ?? [])]).toContain('secrets-unreadable');
  });

  it.each(['7.4', '7.6'] as const)('asks and answers what Key Vault %s is described to', (version) => {
    const description = readKeyVault(version);
    // The SDK asks without credential and body first, to be told where to sign in.
    const asked = exchanges.filter(({ request }) => request.headers.authorization !== undefined);
    const probes = exchanges.filter((exchange) => !asked.includes(exchange));
    expect(probes.length).toBeGreaterThan(50);
    expect(probes.filter(({ answer, request }) => answer?.status !== 401 || request.body.length > 0)).toEqual([]);
    expectDescribed(description, asked, 150);
    expect(new Set(asked.map(({ answer }) => answer?.status))).toEqual(new Set([200, 401, 403, 404, 429, 503]));
    expect([...description.seen].sort()).toEqual([
      'GET /certificates/{certificate-name}/{certificate-version}',
      'GET /deletedcertificates/{certificate-name}',
      'GET /deletedkeys/{key-name}',
      'GET /deletedsecrets/{secret-name}',
      'GET /secrets/{secret-name}/{secret-version}',
      'POST /keys/{key-name}/{key-version}/sign',
    ]);
  });

  it('answers 401 as described, too, to who brings no token', () => {
    const gets = exchanges.filter(({ request }) => request.headers.authorization === undefined && request.method === 'GET');
    expectDescribed(readKeyVault('7.6'), gets, 20);
  });
});
