import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type RegistryOptions, type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';
import { peer, shared } from './peers.ts';

const run = promisify(execFile);
const tarball = 'testdata/images/docker-archives/docker-save/java-uberjar.tar';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-custody-registry-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(options: Partial<RegistryOptions> = {}): Promise<RunningRegistry> {
  const registry = await startRegistry({ folder: temporaryFolder(), now: () => new Date(), ...options });
  onTestFinished(() => registry.close());
  return registry;
}

describe('the registry stand-in', () => {
  it.each([
    ['1.1', {}, { OCI_VERSION: '1.1' }],
    ['in development, with everything that is optional', { requireContent: false }, { OCI_VERSION: 'dev', OCI_DATA_SPARSE: 'true' }],
    ['1.1, with a smallest chunk', { chunkMinBytes: 4096 }, { OCI_VERSION: '1.1' }],
  ])('conforms to the distribution specification %s', async (_what, limits, environment) => {
    const registry = await start({ limits });
    const { stdout } = await run(peer('oci-conformance'), [], {
      cwd: temporaryFolder(),
      maxBuffer: 64 * 1024 * 1024,
      env: { ...environment, OCI_REGISTRY: registry.host, OCI_TLS: 'disabled', OCI_REPO1: 'a/1', OCI_REPO2: 'a/2' },
    });
    const counted = Object.fromEntries([...stdout.matchAll(/^ {2}(\w+)\.{3,}: +(\d+)$/gm)].map(([, name, count]) => [name, Number(count)]));
    expect(counted).toMatchObject({ FAIL: 0, Error: 0, Skip: 0 });
    expect(counted.Pass).toBeGreaterThan(800);
    expect(stdout).toContain('OCI Conformance Result: Pass');
  });

  it('conforms behind a login', async () => {
    const users = [{ name: 'ci', password: 'secret', grants: [{ repository: 'a/*', actions: ['pull', 'push', 'delete'] as const }] }];
    const registry = await start({ auth: { kind: 'basic', users } });
    const login = { OCI_USERNAME: 'ci', OCI_PASSWORD: 'secret' };
    const { stdout } = await run(peer('oci-conformance'), [], {
      cwd: temporaryFolder(),
      maxBuffer: 64 * 1024 * 1024,
      env: { ...login, OCI_REGISTRY: registry.host, OCI_TLS: 'disabled', OCI_REPO1: 'a/1', OCI_REPO2: 'a/2' },
    });
    expect(stdout).toContain('OCI Conformance Result: Pass');
  });

  it.each(['none', 'basic', 'bearer', 'acr'] as const)('serves crane and oras (access: %s)', async (kind) => {
    const users = [{ name: 'ci', password: 'secret', grants: [{ repository: 'shop/*', actions: ['pull', 'push', 'delete'] as const }] }];
    const verifyEntraToken = () => ({ ok: false, reason: 'none is good' }) as const;
    const registry = await start({ auth: kind === 'acr' ? { kind, users, verifyEntraToken } : { kind, users } });
    const folder = temporaryFolder();
    const env = { ...process.env, DOCKER_CONFIG: join(folder, 'docker') };
    mkdirSync(env.DOCKER_CONFIG);
    const auth = Buffer.from('ci:secret').toString('base64');
    writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), JSON.stringify(kind === 'none' ? {} : { auths: { [registry.host]: { auth } } }));
    const call = async (name: string, ...args: string[]) => (await run(peer(name), args, { env, cwd: folder })).stdout;
    const image = `${registry.host}/shop/app:1`;

    await call('crane', 'push', shared(tarball), image);
    await call('crane', 'validate', '--remote', image);
    await call('crane', 'pull', image, 'pulled.tar');
    expect(await call('crane', 'digest', '--tarball', 'pulled.tar')).toBe(await call('crane', 'digest', image));
    expect(await call('crane', 'catalog', registry.host)).toBe('shop/app\n');
    writeFileSync(join(folder, 'note.txt'), 'hello');
    await call('oras', 'attach', '--plain-http', '--artifact-type', 'application/x.note', image, 'note.txt:text/plain');
    const discovered = JSON.parse(await call('oras', 'discover', '--plain-http', '--format', 'json', image));
    expect(discovered.referrers).toMatchObject([{ artifactType: 'application/x.note' }]);
    if (kind !== 'none') {
      await expect(call('crane', 'push', shared(tarball), `${registry.host}/other/app:1`)).rejects.toThrow(/40[13]|DENIED|UNAUTHORIZED/);
    }
  });

  it("answers Azure's token requests as its API description says", async () => {
    const registry = await start({
      auth: {
        kind: 'acr',
        verifyEntraToken: (token) => (token === 'good' ? { ok: true, name: 'me', grants: [] } : { ok: false, reason: 'bad' }),
      },
    });
    const text = readFileSync(shared('testdata/openapi/azure-containerregistry/2021-07-01/containerregistry.json'), 'utf8');
    const { definitions } = JSON.parse(text.replace(/^\uFEFF/, ''));
    const ajv = new Ajv({ strict: false });
    const validate = (name: string, value: unknown) =>
      ajv.validate(
        { definitions, ...definitions[name], required: Object.keys(definitions[name].properties), additionalProperties: false },
        value,
      );
    const post = async (path: string, fields: Record<string, string>) => {
      const response = await fetch(`${registry.url}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ service: registry.host, ...fields }),
      });
      return { status: response.status, body: await response.json() };
    };
    const exchanged = await post('/oauth2/exchange', { grant_type: 'access_token', tenant: 't', access_token: 'good' });
    expect([exchanged.status, validate('RefreshToken', exchanged.body)]).toEqual([200, true]);
    const { refresh_token } = exchanged.body as { refresh_token: string };
    const token = await post('/oauth2/token', { grant_type: 'refresh_token', scope: 'repository:a:pull', refresh_token });
    expect([token.status, validate('AccessToken', token.body)]).toEqual([200, true]);
    const refused = await post('/oauth2/exchange', { grant_type: 'access_token', tenant: 't', access_token: 'bad' });
    expect([refused.status, validate('AcrErrors', refused.body)]).toEqual([401, true]);
  });
});
