import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigningChain } from '../../src/sandbox/certificate.ts';
import { demoAdvisories } from '../../src/sandbox/demo/advisories.ts';
import { badShop, fixedShop } from '../../src/sandbox/demo/shop.ts';
import { toTar } from '../../src/sandbox/demo/tar-archive.ts';
import { type RegistryOptions, type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';

/** Everything that a run of the step meets: stand-ins, a repository with images and keys in it, and the credentials that it is given. */
export interface Place {
  readonly folder: string;
  /** Has `good.tar`, `bad.tar`, `small.tar` (one layer), a Dockerfile, `chain.pem` (issuers of the vault's certificate), `key.pem` and `certificates.pem`. */
  readonly workspace: string;
  readonly sandbox: Sandbox;
  readonly password: string;
  /** PEM of `key.pem`. */
  readonly key: string;
  /** A registry that lets `shop-ci` with the vault's password push, and nobody else. */
  startRegistry(options?: Partial<RegistryOptions>): Promise<RunningRegistry>;
  /** A new folder below `folder`. */
  newFolder(name: string): Promise<string>;
  close(): Promise<void>;
}

export interface PlaceOptions extends Pick<SandboxOptions, 'advisories' | 'secrets' | 'onExchange'> {
  /** Of `shop-ci`; random where absent. */
  readonly password?: string;
}

export async function openPlace(options: PlaceOptions = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-place-'));
  const workspace = join(folder, 'workspace');
  await mkdir(workspace);
  const password = options.password ?? randomBytes(24).toString('base64url');
  const [sandbox, chain] = await Promise.all([
    startSandbox(join(folder, 'sandbox'), {
      secrets: { 'registry-password': password, disabled: 'x', ...options.secrets },
      advisories: options.advisories ?? { records: demoAdvisories },
      ...(options.onExchange === undefined ? {} : { onExchange: options.onExchange }),
    }),
    createSigningChain({ name: 'file-signing' }),
  ]);
  const key = chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const good = fixedShop();
  const files = {
    'good.tar': good.archive,
    'bad.tar': badShop(randomBytes).archive,
    'small.tar': smallImage(),
    Dockerfile: good.dockerfile,
    'chain.pem': sandbox.signing.chain.slice(1).join(''),
    'key.pem': key,
    'certificates.pem': chain.certificates.join(''),
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(workspace, name), content)));
  const registries: RunningRegistry[] = [];
  const users = [{ name: 'shop-ci', password, grants: [{ repository: 'team/*', actions: ['pull', 'push'] as const }] }];
  return {
    folder,
    workspace,
    sandbox,
    password,
    key,
    startRegistry: async (more = {}) => {
      const content = await mkdtemp(join(folder, 'registry-'));
      const registry = await startRegistry({ folder: content, now: () => new Date(), auth: { kind: 'bearer', users }, ...more });
      registries.push(registry);
      return registry;
    },
    newFolder: (name) => mkdtemp(join(folder, `${name}-`)),
    close: async () => {
      await Promise.all([sandbox.close(), ...registries.map((registry) => registry.close())]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Inputs of a run that publishes with everything from the vault. */
export function vaultInputs({ sandbox }: Place, reference: string): Readonly<Record<string, string>> {
  return {
    image: 'docker-archive:good.tar',
    push: reference,
    advisories: sandbox.osv.url,
    'key-vault': sandbox.vault.url,
    secrets: 'REGISTRY_PASSWORD = registry-password',
    'registry-username': 'shop-ci',
    'registry-password': 'secret:REGISTRY_PASSWORD',
    'signing-key': `${sandbox.signing.name},chain.pem`,
  };
}

/** Inputs of a run that publishes without the vault. */
export function fileInputs({ sandbox, password }: Place, reference: string): Readonly<Record<string, string>> {
  return {
    image: 'docker-archive:good.tar',
    push: reference,
    advisories: sandbox.osv.url,
    'registry-username': 'shop-ci',
    'registry-password': password,
    'signing-key': 'file:key.pem,certificates.pem',
  };
}

/** `docker save` of one layer with one package, of which the advisories say nothing. */
function smallImage(): Buffer {
  const release = { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' };
  const status = { path: 'var/lib/dpkg/status', content: 'Package: base-files\nStatus: install ok installed\nVersion: 12.4\n' };
  const layer = toTar([release, status]);
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created_by: 'COPY . /' }],
  });
  return toTar([
    { path: 'layer.tar', content: layer },
    { path: `${sha256(config)}.json`, content: config },
    { path: 'manifest.json', content: JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [], Layers: ['layer.tar'] }]) },
  ]);
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
