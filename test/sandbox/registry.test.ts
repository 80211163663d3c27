import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type RegistryOptions, type RunningRegistry, startRegistry } from '../../src/sandbox/registry.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

interface Started extends RunningRegistry {
  readonly folder: string;
}

async function start(options: Partial<RegistryOptions> = {}): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'image-custody-registry-'));
  const registry = await startRegistry({ folder, now: () => new Date(), ...options });
  onTestFinished(async () => {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...registry, folder };
}

function digestOf(bytes: string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function send(registry: RunningRegistry, method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const response = await fetch(`${registry.url}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function pushBlob(registry: RunningRegistry, repository: string, bytes: string, headers: Record<string, string> = {}) {
  return await send(registry, 'POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, headers, bytes);
}

function manifestOf(config: string, layers: readonly string[], fields: object = {}): string {
  const describe = (bytes: string, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const configDescriptor = describe(config, 'application/vnd.oci.image.config.v1+json');
  const descriptors = layers.map((layer) => describe(layer, 'application/vnd.oci.image.layer.v1.tar'));
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: configDescriptor, layers: descriptors, ...fields });
}

async function pushImage(registry: RunningRegistry, repository: string, tag: string, fields: object = {}): Promise<string> {
  await pushBlob(registry, repository, '{}');
  await pushBlob(registry, repository, 'layer');
  const manifest = manifestOf('{}', ['layer'], fields);
  const answer = await send(registry, 'PUT', `/v2/${repository}/manifests/${tag}`, { 'content-type': manifestType }, manifest);
  expect(answer.status).toBe(201);
  return digestOf(manifest);
}

describe('content', () => {
  it('is taken and given back byte for byte, and found in the listings', async () => {
    const registry = await start();
    const digest = await pushImage(registry, 'team/app', '1');
    const got = await send(registry, 'GET', '/v2/team/app/manifests/1');
    expect(digestOf(got.text)).toBe(digest);
    expect(got.headers.get('docker-content-digest')).toBe(digest);
    expect((await send(registry, 'GET', `/v2/team/app/blobs/${digestOf('layer')}`)).text).toBe('layer');
    expect((await send(registry, 'GET', '/v2/team/app/tags/list')).text).toBe('{"name":"team/app","tags":["1"]}\n');
    expect((await send(registry, 'GET', '/v2/_catalog')).text).toBe('{"repositories":["team/app"]}\n');
    expect(registry.content.repositories()).toEqual(['team/app']);
  });

  it('is found by encoded digests, and not by paths that are none', async () => {
    const registry = await start();
    await pushBlob(registry, 'a', 'x');
    expect((await send(registry, 'GET', `/v2/a/blobs/${encodeURIComponent(digestOf('x'))}`)).text).toBe('x');
    for (const [path, status] of [
      ['/v2/a/blobs/%zz', 400],
      ['/v2/A/tags/list', 400],
      ['/v2/..%2fa/tags/list', 400],
      ['/v2/a/blobs/sha256:..%2f..%2fx', 404],
      ['//evil/v2/', 404],
      ['/', 404],
    ] as const) {
      expect([path, (await send(registry, 'GET', path)).status]).toEqual([path, status]);
    }
  });

  it('is refused where a manifest names what the repository lacks', async () => {
    const registry = await start();
    await pushBlob(registry, 'a', '{}');
    await pushBlob(registry, 'b', 'layer');
    const answer = await send(registry, 'PUT', '/v2/a/manifests/1', { 'content-type': manifestType }, manifestOf('{}', ['layer']));
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('MANIFEST_BLOB_UNKNOWN')]);
    expect(registry.content.tags('a')).toEqual([]);
  });

  it.each([
    ['no JSON', manifestType, '{'],
    ['another type than it says', indexType, manifestOf('{}', [])],
    ['an unknown type', 'text/plain', manifestOf('{}', [])],
    ['a digest that leads elsewhere', manifestType, manifestOf('{}', []).replace(/sha256:[0-9a-f]+/, 'sha256:../../x')],
  ])('is refused as %s', async (_what, type, body) => {
    const registry = await start();
    await pushBlob(registry, 'a', '{}');
    expect((await send(registry, 'PUT', '/v2/a/manifests/1', { 'content-type': type }, body)).status).toBe(400);
  });

  it('is refused above the largest manifest', async () => {
    const registry = await start({ limits: { manifestMaxBytes: 100 } });
    const answer = await send(registry, 'PUT', '/v2/a/manifests/1', { 'content-type': manifestType }, manifestOf('{}', []));
    expect(answer.status).toBe(413);
  });

  it('is overwritten only by who saw the last version, where that is asked', async () => {
    const registry = await start();
    const first = await pushImage(registry, 'a', '1');
    const second = manifestOf('{}', ['layer'], { annotations: { n: '2' } });
    const put = (headers: Record<string, string>) =>
      send(registry, 'PUT', '/v2/a/manifests/1', { 'content-type': manifestType, ...headers }, second);
    expect((await put({ 'if-none-match': '*' })).status).toBe(412);
    expect((await put({ 'if-match': `"${digestOf('other')}"` })).status).toBe(412);
    expect(registry.content.tags('a')).toEqual([['1', first]]);
    expect((await put({ 'if-match': `"${first}"` })).status).toBe(201);
    expect(registry.content.tags('a')).toEqual([['1', digestOf(second)]]);
  });

  it('is paged by Link', async () => {
    const registry = await start({ limits: { pageSize: 2 } });
    for (const tag of ['c', 'a', 'b', 'd', 'e']) await pushImage(registry, 'a', tag);
    const seen: string[] = [];
    for (let path: string | undefined = '/v2/a/tags/list'; path !== undefined; ) {
      const { text, headers } = await send(registry, 'GET', path);
      const { tags } = JSON.parse(text);
      expect(tags.length).toBeLessThanOrEqual(2);
      seen.push(...tags);
      path = /<(.+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('uploads', () => {
  async function begin(registry: RunningRegistry): Promise<string> {
    return (await send(registry, 'POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? '';
  }

  it('are chunked in order, and say where they are', async () => {
    const registry = await start({ limits: { chunkMinBytes: 3 } });
    const started = await send(registry, 'POST', '/v2/a/blobs/uploads/');
    expect(started.headers.get('oci-chunk-min-length')).toBe('3');
    const location = started.headers.get('location') ?? '';
    const patch = (range: string, body: string) => send(registry, 'PATCH', location, { 'content-range': range }, body);
    expect((await patch('0-2', 'abc')).headers.get('range')).toBe('0-2');
    expect((await patch('4-6', 'efg')).status).toBe(416);
    expect((await patch('3-9', 'def')).status).toBe(400);
    expect((await patch('3-5', 'def')).headers.get('range')).toBe('0-5');
    expect((await send(registry, 'GET', location)).headers.get('range')).toBe('0-5');
    expect((await send(registry, 'PUT', `${location}&digest=${digestOf('abcdef')}`)).status).toBe(201);
    expect((await send(registry, 'GET', `/v2/a/blobs/${digestOf('abcdef')}`)).text).toBe('abcdef');
    expect(registry.openUploads()).toBe(0);
  });

  it('need the parameters of their location', async () => {
    const registry = await start();
    const [path = ''] = (await begin(registry)).split('?', 1);
    expect((await send(registry, 'PATCH', path, {}, 'x')).status).toBe(400);
  });

  it('of other bytes than the digest says leave nothing', async () => {
    const registry = await start();
    const location = await begin(registry);
    expect((await send(registry, 'PUT', `${location}&digest=${digestOf('x')}`, {}, 'y')).text).toContain('DIGEST_INVALID');
    expect(registry.openUploads()).toBe(0);
    expect(readdirSync(join(registry.folder, 'uploads'))).toEqual([]);
    expect(registry.content.repositories()).toEqual([]);
  });

  it('that are cancelled or dropped are unknown and leave nothing', async () => {
    const registry = await start();
    const cancelled = await begin(registry);
    await send(registry, 'PATCH', cancelled, {}, 'abc');
    expect((await send(registry, 'DELETE', cancelled)).status).toBe(204);
    const dropped = await begin(registry);
    await registry.dropUploads();
    for (const location of [cancelled, dropped]) {
      const answer = await send(registry, 'PUT', `${location}&digest=${digestOf('')}`);
      expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('BLOB_UPLOAD_UNKNOWN')]);
    }
    expect(readdirSync(join(registry.folder, 'uploads'))).toEqual([]);
  });

  it('take a blob that another repository has', async () => {
    const registry = await start();
    await pushBlob(registry, 'a', 'shared');
    expect((await send(registry, 'POST', `/v2/b/blobs/uploads/?mount=${digestOf('shared')}&from=a`)).status).toBe(201);
    expect((await send(registry, 'GET', `/v2/b/blobs/${digestOf('shared')}`)).text).toBe('shared');
    expect((await send(registry, 'POST', `/v2/b/blobs/uploads/?mount=${digestOf('absent')}&from=a`)).status).toBe(202);
    await send(registry, 'DELETE', `/v2/a/blobs/${digestOf('shared')}`);
    expect((await send(registry, 'GET', `/v2/b/blobs/${digestOf('shared')}`)).text).toBe('shared');
    expect((await send(registry, 'GET', `/v2/a/blobs/${digestOf('shared')}`)).status).toBe(404);
  });
});

describe('referrers', () => {
  const artifact = (subject: string, artifactType: string) => ({
    artifactType,
    subject: { mediaType: manifestType, digest: subject, size: 1 },
    annotations: { kind: artifactType },
  });

  it('are listed and filtered', async () => {
    const registry = await start();
    const subject = await pushImage(registry, 'a', '1');
    const manifest = manifestOf('{}', ['layer'], artifact(subject, 'x/sbom'));
    const put = await send(registry, 'PUT', `/v2/a/manifests/${digestOf(manifest)}`, { 'content-type': manifestType }, manifest);
    expect(put.headers.get('oci-subject')).toBe(subject);
    await pushImage(registry, 'a', '2', artifact(subject, 'x/signature'));
    const all = JSON.parse((await send(registry, 'GET', `/v2/a/referrers/${subject}`)).text);
    expect(all.manifests.map(({ artifactType }: { artifactType: string }) => artifactType).sort()).toEqual(['x/sbom', 'x/signature']);
    const filtered = await send(registry, 'GET', `/v2/a/referrers/${subject}?artifactType=x%2Fsbom`);
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(JSON.parse(filtered.text).manifests).toEqual([
      {
        mediaType: manifestType,
        digest: digestOf(manifest),
        size: manifest.length,
        artifactType: 'x/sbom',
        annotations: { kind: 'x/sbom' },
      },
    ]);
  });

  it('are left to the tag where the API is off', async () => {
    const registry = await start({ limits: { referrersApi: false } });
    const subject = await pushImage(registry, 'a', '1');
    const manifest = manifestOf('{}', ['layer'], artifact(subject, 'x/sbom'));
    const put = await send(registry, 'PUT', '/v2/a/manifests/2', { 'content-type': manifestType }, manifest);
    expect(put.headers.get('oci-subject')).toBeNull();
    expect((await send(registry, 'GET', `/v2/a/referrers/${subject}`)).status).toBe(404);
  });
});

describe('faults', () => {
  const head = async (registry: RunningRegistry) => (await send(registry, 'GET', '/v2/')).status;

  it('answer instead of doing', async () => {
    const registry = await start({
      faults: ({ index }) => (index === 0 ? { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } : undefined),
    });
    expect([await head(registry), await head(registry)]).toEqual([429, 200]);
    expect(registry.requests.map(({ status }) => status)).toEqual([429, 200]);
  });

  it('delay', async () => {
    const registry = await start({ faults: () => ({ kind: 'delay', delayMs: 150 }) });
    const started = performance.now();
    await head(registry);
    expect(performance.now() - started).toBeGreaterThan(140);
  });

  it('cut the connection before anything is done', async () => {
    const registry = await start({ faults: ({ method }) => (method === 'POST' ? { kind: 'reset' } : undefined) });
    await expect(pushBlob(registry, 'a', 'x')).rejects.toThrow();
    expect(registry.requests).toMatchObject([{ method: 'POST', status: undefined }]);
    expect(registry.content.repositories()).toEqual([]);
  });

  it('cut the connection within a body, of which the upload keeps what came', async () => {
    const registry = await start({ faults: ({ method }) => (method === 'PATCH' ? { kind: 'reset', afterBodyBytes: 2 } : undefined) });
    const location = (await send(registry, 'POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? '';
    await expect(send(registry, 'PATCH', location, {}, 'abcdef')).rejects.toThrow();
    expect((await send(registry, 'GET', location)).headers.get('range')).toBe('0-1');
  });

  it('do what was asked and lose the answer', async () => {
    const registry = await start({ faults: ({ route }) => (route?.kind === 'manifest' ? { kind: 'drop-answer' } : undefined) });
    await pushBlob(registry, 'a', '{}');
    await expect(send(registry, 'PUT', '/v2/a/manifests/1', { 'content-type': manifestType }, manifestOf('{}', []))).rejects.toThrow();
    expect(registry.content.tags('a')).toHaveLength(1);
  });

  it('cut an answer short', async () => {
    const registry = await start({ faults: ({ route }) => (route?.kind === 'blob' ? { kind: 'truncate', afterBytes: 3 } : undefined) });
    await pushBlob(registry, 'a', 'abcdef');
    await expect(send(registry, 'GET', `/v2/a/blobs/${digestOf('abcdef')}`)).rejects.toThrow();
    const response = await fetch(`${registry.url}/v2/a/blobs/${digestOf('abcdef')}`);
    const first = await response.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('abc');
  });
});

describe('access', () => {
  const users = [
    { name: 'ci', password: 'secret', grants: [{ repository: 'team/*', actions: ['pull', 'push', 'delete'] }] },
    { name: 'reader', password: 'secret', grants: [{ repository: 'team/app', actions: ['pull'] }] },
  ] as const;
  const basic = (name: string, password = 'secret') => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  });

  it('by password knows who may do what', async () => {
    const registry = await start({ auth: { kind: 'basic', users } });
    const anonymous = await send(registry, 'GET', '/v2/');
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic realm=/)]);
    expect((await send(registry, 'GET', '/v2/', basic('ci', 'wrong'))).status).toBe(401);
    expect((await pushBlob(registry, 'team/app', 'x', basic('ci'))).status).toBe(201);
    const denied = await pushBlob(registry, 'team/app', 'y', basic('reader'));
    expect([denied.status, denied.text]).toEqual([403, expect.stringContaining('DENIED')]);
    expect((await pushBlob(registry, 'other', 'y', basic('ci'))).status).toBe(403);
    expect((await send(registry, 'GET', `/v2/team/app/blobs/${digestOf('x')}`, basic('reader'))).status).toBe(200);
    expect(registry.requests.map(({ user }) => user)).toEqual(['', '', 'ci', '', '', 'reader']);
    expect(JSON.stringify(registry.requests)).not.toContain('secret');
  });

  it('does not mount from where the caller may not pull', async () => {
    const registry = await start({
      auth: {
        kind: 'basic',
        users: [...users, { name: 'me', password: 'secret', grants: [{ repository: 'me', actions: ['pull', 'push'] }] }],
      },
    });
    await pushBlob(registry, 'team/app', 'x', basic('ci'));
    for (const from of ['&from=team/app', '']) {
      expect((await send(registry, 'POST', `/v2/me/blobs/uploads/?mount=${digestOf('x')}${from}`, basic('me'))).status).toBe(202);
    }
  });

  async function bearer(registry: RunningRegistry, challenge: string, headers: Record<string, string>): Promise<Record<string, string>> {
    const [realm = '', service = '', scope = ''] = ['realm', 'service', 'scope'].map(
      (key) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1],
    );
    const query = new URLSearchParams({ service, ...(scope === '' ? {} : { scope }) });
    const { text } = await send(registry, 'GET', `${new URL(realm).pathname}?${query}`, headers);
    return { authorization: `Bearer ${JSON.parse(text).access_token}` };
  }

  it('by token gives what was asked for, less what the caller may not', async () => {
    let time = new Date('2026-01-01T00:00:00Z');
    const registry = await start({ auth: { kind: 'bearer', users }, now: () => time, tokenLifetimeMs: 60_000 });
    const challenged = await pushBlob(registry, 'team/app', 'x');
    const challenge = challenged.headers.get('www-authenticate') ?? '';
    expect(challenge).toContain('scope="repository:team/app:pull,push"');
    const token = await bearer(registry, challenge, basic('ci'));
    expect((await pushBlob(registry, 'team/app', 'x', token)).status).toBe(201);
    const elsewhere = await pushBlob(registry, 'team/b', 'x', token);
    expect([elsewhere.status, elsewhere.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="insufficient_scope"'),
    ]);
    expect((await pushBlob(registry, 'team/app', 'y', await bearer(registry, challenge, basic('reader')))).status).toBe(401);
    const forged = { authorization: `${token.authorization?.slice(0, -4)}AAAA` };
    expect((await pushBlob(registry, 'team/app', 'x', forged)).headers.get('www-authenticate')).toContain('error="invalid_token"');
    time = new Date('2026-01-01T00:01:01Z');
    expect((await pushBlob(registry, 'team/app', 'x', token)).headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await send(registry, 'GET', `/token?service=${registry.host}`, basic('ci', 'wrong'))).status).toBe(401);
  });

  it("by ACR's exchange takes Entra ID tokens that are good for this registry", async () => {
    const grants = [{ repository: 'team/app', actions: ['pull', 'push'] }] as const;
    const registry = await start({
      service: 'shop.azurecr.io',
      auth: {
        kind: 'acr',
        verifyEntraToken: (token) => (token === 'entra' ? { ok: true, name: 'object-id', grants } : { ok: false, reason: 'expired' }),
      },
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const exchange = (token: string, service = 'shop.azurecr.io') =>
      send(registry, 'POST', '/oauth2/exchange', form, `grant_type=access_token&service=${service}&tenant=t&access_token=${token}`);
    expect((await send(registry, 'GET', '/v2/')).headers.get('www-authenticate')).toContain('/oauth2/token",service="shop.azurecr.io"');
    expect((await exchange('other')).status).toBe(401);
    expect((await exchange('entra', 'evil.azurecr.io')).status).toBe(400);
    const { refresh_token: refresh } = JSON.parse((await exchange('entra')).text);
    const ask = async (scope: string) =>
      send(
        registry,
        'POST',
        '/oauth2/token',
        form,
        `grant_type=refresh_token&service=shop.azurecr.io&scope=${scope}&refresh_token=${refresh}`,
      );
    const { access_token: access } = JSON.parse((await ask('repository:team/app:pull,push')).text);
    expect((await pushBlob(registry, 'team/app', 'x', { authorization: `Bearer ${access}` })).status).toBe(201);
    expect((await pushBlob(registry, 'team/app', 'x', { authorization: `Bearer ${refresh}` })).status).toBe(401);
    const { access_token: other } = JSON.parse((await ask('repository:team/other:pull,push')).text);
    const denied = await pushBlob(registry, 'team/other', 'x', { authorization: `Bearer ${other}` });
    expect([denied.status, denied.text]).toEqual([401, expect.stringContaining('aka.ms/acr/authorization')]);
    const asDocker = basic('00000000-0000-0000-0000-000000000000', refresh);
    const docker = await send(registry, 'GET', '/oauth2/token?service=shop.azurecr.io&scope=repository:team/app:pull', asDocker);
    expect(JSON.parse(docker.text)).toHaveProperty('access_token');
  });
});

it('speaks TLS', async () => {
  const authority = await createCertificateAuthority();
  const registry = await start({ tls: await authority.issueTls() });
  expect(registry.url).toMatch(/^https:/);
  const status = await new Promise((resolve, reject) => {
    httpsRequest(`${registry.url}/v2/`, { ca: authority.certificatePem }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
});
