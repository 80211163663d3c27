import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toPem } from '../sign/chain.ts';
import { type LoopbackRegistry, startRegistry } from './loopback-registry.ts';
import { peer } from './peers.ts';

const run = promisify(execFile);
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const empty = Buffer.from('{}');

export interface Pushed {
  readonly mediaType: string;
  readonly digest: `sha256:${string}`;
  readonly size: number;
}

/** A signature as it is attached: the one layer of a manifest. */
export interface Signature {
  readonly artifactType: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

/** CNCF Distribution, written to without any of our code, and the real notation, which verifies what is there. */
export class NotationRegistry {
  readonly #registry: LoopbackRegistry;
  /** Goes with the registry. */
  readonly folder: string;

  private constructor(registry: LoopbackRegistry, folder: string) {
    this.#registry = registry;
    this.folder = folder;
  }

  static async start(): Promise<NotationRegistry> {
    return new NotationRegistry(await startRegistry(), await mkdtemp(join(tmpdir(), 'notation-')));
  }

  async stop(): Promise<void> {
    await this.#registry.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  get host(): string {
    return this.#registry.host;
  }

  async read(repository: string, path: string): Promise<Buffer> {
    const headers = { accept: `${manifestType}, ${indexType}` };
    const answer = await expectOk(await fetch(`http://${this.host}/v2/${repository}/${path}`, { headers }));
    return Buffer.from(await answer.arrayBuffer());
  }

  async pushImage(repository: string): Promise<Pushed> {
    const configType = 'application/vnd.oci.image.config.v1+json';
    const config = await this.#pushBlob(repository, configType, Buffer.from('{"architecture":"amd64","os":"linux"}'));
    const layer = await this.#pushBlob(repository, 'application/vnd.oci.image.layer.v1.tar', Buffer.alloc(1024));
    return this.#pushManifest(repository, { config, layers: [layer] });
  }

  /**
   * Attaches signatures as the step does, in this order and instead of those before: with the tag schema of the distribution specification, for Distribution has no
   * referrers API.
   */
  async attach(repository: string, subject: Pushed, ...signatures: readonly Signature[]): Promise<void> {
    const config = await this.#pushBlob(repository, 'application/vnd.oci.empty.v1+json', empty);
    const manifests: object[] = [];
    for (const { artifactType, annotations, mediaType, bytes } of signatures) {
      const layer = await this.#pushBlob(repository, mediaType, bytes);
      const manifest = await this.#pushManifest(repository, { artifactType, config, layers: [layer], subject, annotations });
      manifests.push({ ...manifest, artifactType, annotations });
    }
    const url = `http://${this.host}/v2/${repository}/manifests/${subject.digest.replace(':', '-')}`;
    const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });
    await expectOk(await fetch(url, { method: 'PUT', body, headers: { 'content-type': indexType } }));
  }

  /** What `notation verify` says under a strict policy, with `root` as the only trusted certificate. */
  async verify(repository: string, digest: string, root: Buffer, options: readonly string[] = []): Promise<string> {
    const home = await mkdtemp(join(this.folder, 'home-'));
    const store = join(home, 'notation/truststore/x509/ca/test');
    await mkdir(store, { recursive: true });
    await writeFile(join(store, 'root.pem'), toPem(root));
    const statement = { name: 'test', registryScopes: ['*'], trustStores: ['ca:test'], trustedIdentities: ['*'] };
    const policy = { version: '1.0', trustPolicies: [{ ...statement, signatureVerification: { level: 'strict' } }] };
    await writeFile(join(home, 'notation/trustpolicy.json'), JSON.stringify(policy), { mode: 0o600 });
    const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
    const asked = ['verify', '--insecure-registry', '-v', ...options, `${this.host}/${repository}@${digest}`];
    const result = await run(peer('notation'), asked, { env }).catch((error: { stdout?: string; stderr?: string }) => error);
    return `${result.stdout}${result.stderr}`;
  }

  async #pushBlob(repository: string, mediaType: string, bytes: Uint8Array): Promise<Pushed> {
    const blob = descriptor(mediaType, bytes);
    const start = await expectOk(await fetch(`http://${this.host}/v2/${repository}/blobs/uploads/`, { method: 'POST' }));
    const location = new URL(start.headers.get('location') ?? '', `http://${this.host}`);
    location.searchParams.set('digest', blob.digest);
    await expectOk(await fetch(location, { method: 'PUT', body: Buffer.from(bytes) }));
    return blob;
  }

  async #pushManifest(repository: string, manifest: object): Promise<Pushed> {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, ...manifest }));
    const pushed = descriptor(manifestType, bytes);
    const url = `http://${this.host}/v2/${repository}/manifests/${pushed.digest}`;
    await expectOk(await fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': manifestType } }));
    return pushed;
  }
}

function descriptor(mediaType: string, bytes: Uint8Array): Pushed {
  return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
}

async function expectOk(answer: Response): Promise<Response> {
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer;
}
