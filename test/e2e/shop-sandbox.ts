import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoAdvisories } from '../../src/sandbox/demo/advisories.ts';
import { badShop, fixedShop } from '../../src/sandbox/demo/shop.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';

/** The whole outside world of a step that takes the demo's shop into custody. */
export interface ShopSandbox {
  readonly sandbox: Sandbox;
  readonly registry: RunningRegistry;
  readonly folder: string;
  /** What only the vault knows. */
  readonly password: string;
  /** Inputs by their name in action.yml: archive in the workspace, vault, registry with a password from the vault, signature. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Makes a folder with the shop's archive and Dockerfile. */
  placeShop(workspace: string, shop: 'bad' | 'fixed'): Promise<void>;
  /** Whether the registry has, or is being sent, anything. */
  isEmpty(): boolean;
  close(): Promise<void>;
}

const repository = 'contoso/shop';

export async function startShopSandbox(
  onExchange?: (exchange: Exchange) => void,
  vault: Pick<SandboxOptions, 'secrets' | 'vaultGrants' | 'githubToken'> = {},
): Promise<ShopSandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-sandbox-'));
  const password = randomBytes(24).toString('base64url');
  const sandbox = await startSandbox(join(folder, 'sandbox'), {
    ...vault,
    secrets: { 'registry-password': password, ...vault.secrets },
    advisories: { records: demoAdvisories },
    ...(onExchange === undefined ? {} : { onExchange }),
  });
  await mkdir(join(folder, 'registry'));
  const registry = await startRegistry({
    folder: join(folder, 'registry'),
    now: () => new Date(),
    auth: { kind: 'bearer', users: [{ name: 'shop-ci', password, grants: [{ repository, actions: ['pull', 'push'] }] }] },
  });
  const chainFile = join(folder, 'chain.pem');
  await writeFile(chainFile, sandbox.signing.chain.slice(1).join(''));
  const inputs = {
    image: 'docker-archive:shop.tar',
    push: `${registry.host}/${repository}:1.0`,
    advisories: sandbox.osv.url,
    'key-vault': sandbox.vault.url,
    secrets: 'REGISTRY_PASSWORD = registry-password',
    'registry-username': 'shop-ci',
    'registry-password': 'secret:REGISTRY_PASSWORD',
    'signing-key': `${sandbox.signing.name},${chainFile}`,
  };
  return {
    sandbox,
    registry,
    folder,
    password,
    inputs,
    placeShop: async (workspace, shop) => {
      const { archive, dockerfile } = shop === 'bad' ? badShop(randomBytes) : fixedShop();
      await mkdir(workspace, { recursive: true });
      await Promise.all([writeFile(join(workspace, 'shop.tar'), archive), writeFile(join(workspace, 'Dockerfile'), dockerfile)]);
    },
    isEmpty: () => registry.content.repositories().length === 0 && registry.openUploads() === 0,
    close: async () => {
      await Promise.all([sandbox.close(), registry.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
