import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { parseProxy } from '../../src/lib/proxy.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { EntraAudience, EntraCredential, RegistryCredential } from '../../src/registry/credential.ts';
import { openRepository, type Repository, type RepositoryOptions } from '../../src/registry/repository.ts';
import { createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type AzureRegistryAuth, type RegistryOptions, type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { startForwardProxy } from '../lib/forward-proxy.ts';
import { clock } from './loopback.ts';

export const azureName = 'shop.azurecr.io';

export interface AzurePlace {
  readonly registry: RunningRegistry;
  readonly clock: ReturnType<typeof clock>;
  open(credential: RegistryCredential, options?: Partial<RepositoryOptions>): Repository;
}

/** Sandbox registry by the name of an Azure registry: over TLS, and through a proxy that knows that name alone. */
export async function startAzure(auth: Omit<AzureRegistryAuth, 'kind'>, options: Partial<RegistryOptions> = {}): Promise<AzurePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-azure-'));
  const time = clock();
  const authority = await createCertificateAuthority(() => new Date());
  const registry = await startRegistry({
    folder,
    now: time.now,
    tls: await authority.issueTls([azureName]),
    service: azureName,
    publicOrigin: `https://${azureName}`,
    auth: { kind: 'acr', ...auth },
    ...options,
  });
  const proxy = await startForwardProxy({ hosts: { [`${azureName}:443`]: new URL(registry.url) } });
  const server = parseProxy('HTTPS_PROXY', proxy.address());
  const http = createHttp({ userAgent: 'test', ca: [authority.certificatePem], chooseProxy: () => server });
  onTestFinished(async () => {
    http.close();
    proxy.close();
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    registry,
    clock: time,
    open: (credential, more = {}) =>
      openRepository({ registry: azureName, repository: 'team/app' }, { http, credential, ...time, ...more }),
  };
}

export interface TestEntra extends EntraCredential {
  readonly asked: readonly EntraAudience[];
}

/** An identity whose tokens are `AUDIENCE-N`, each another; `known`: the audiences that its tenant knows. */
export function entraOf(known: readonly EntraAudience[] = ['registry', 'resource-manager']): TestEntra {
  const asked: EntraAudience[] = [];
  return {
    kind: 'entra',
    asked,
    objectId: () => '11111111-2222-3333-4444-555555555555',
    fetchToken: async (audience) => {
      asked.push(audience);
      return known.includes(audience) ? new SecretValue(`${audience}-${asked.length}`) : undefined;
    },
  };
}

/** What the stand-in says of such a token. */
export function judge(given: Partial<Extract<Awaited<ReturnType<AzureRegistryAuth['verifyEntraToken']>>, { ok: true }>>) {
  return (token: string) =>
    /^(?:registry|resource-manager)-\d+$/.test(token)
      ? ({
          ok: true,
          name: 'me',
          audience: token.startsWith('registry-') ? 'https://containerregistry.azure.net' : 'https://management.azure.com',
          ...given,
        } as const)
      : ({ ok: false, reason: 'no such token' } as const);
}

export function userOf(username: string, password: string): RegistryCredential {
  return { kind: 'password', username, password: new SecretValue(password) };
}
