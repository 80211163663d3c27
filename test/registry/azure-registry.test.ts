import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { mediaTypes } from '../../src/model/image.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import type { RegistryError } from '../../src/registry/registry-error.ts';
import type { AzureRegistryAuth, RunningRegistry } from '../../src/sandbox/registry.ts';
import { type AzurePlace, entraOf, judge, startAzure, userOf } from './azure-place.ts';

const push = judge({ roles: [{ role: 'AcrPush' }] });
const application = '6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26';

function digestOf(bytes: Uint8Array) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
}

/** A layer in several pieces, its commit after a hold, a manifest and a tag. Gives the digest of the layer. */
async function pushImage(place: AzurePlace, credential: RegistryCredential, afterHold: () => void = () => undefined) {
  const repository = place.open(credential);
  const layer = randomBytes(12 * 1024 * 1024);
  const upload = await repository.beginUpload();
  await upload.write(layer);
  await upload.hold();
  afterHold();
  await upload.commit(digestOf(layer));
  const config = Buffer.from('{}');
  await repository.putBlob(digestOf(config), config);
  const describe = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const layers = [describe(layer, mediaTypes.ociLayer)];
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: describe(config, mediaTypes.ociConfig), layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await repository.putManifest(mediaTypes.ociManifest, bytes);
  await repository.putTag('1', mediaTypes.ociManifest, bytes);
  const back = await repository.fetchBlob({ digest: digestOf(layer), size: layer.length }, readWhole);
  expect(back.equals(layer)).toBe(true);
}

function count(registry: RunningRegistry, method: string, path: RegExp, status: number): number {
  return registry.requests.filter((seen) => seen.method === method && path.test(seen.path) && seen.status === status).length;
}

test('a push asks for its own repository and for nothing else, and exchanges the identity once', async () => {
  const place = await startAzure({ verifyEntraToken: push });
  const identity = entraOf();
  await pushImage(place, identity);
  expect(identity.asked).toEqual(['registry']);
  expect(count(place.registry, 'POST', /^\/oauth2\/exchange$/, 200)).toBe(1);
  expect(place.registry.requests.filter(({ path }) => path.includes('_catalog'))).toEqual([]);
});

test.each([1, 2, 3, 5])('tokens that expire after %i requests are renewed wherever that happens', async (tokenUses) => {
  const place = await startAzure({ verifyEntraToken: push }, { tokenUses });
  await pushImage(place, entraOf());
  const { requests } = place.registry;
  expect(requests.filter(({ status, path }) => status === 401 && path.startsWith('/v2/')).length).toBeGreaterThan(2);
  if (tokenUses === 1) {
    expect(count(place.registry, 'PATCH', /uploads/, 401), 'between pieces').toBeGreaterThan(0);
    expect(count(place.registry, 'PUT', /uploads/, 401), 'at the commit').toBeGreaterThan(0);
    expect(count(place.registry, 'PUT', /manifests/, 401), 'at the manifest').toBeGreaterThan(0);
  }
});

test('a refresh token that the registry no longer takes is made anew, of a new token of the identity', async () => {
  const place = await startAzure({ verifyEntraToken: push }, { tokenUses: 1, refreshUses: 2 });
  const identity = entraOf();
  await pushImage(place, identity);
  expect(count(place.registry, 'POST', /^\/oauth2\/token$/, 401)).toBeGreaterThan(1);
  expect(identity.asked.length).toBeGreaterThan(2);
});

test('a token of Entra ID that has expired meanwhile is not shown again', async () => {
  const seen = new Set<string>();
  const once = (token: string) => (seen.size === seen.add(token).size ? ({ ok: false, reason: 'expired' } as const) : push(token));
  const place = await startAzure({ verifyEntraToken: once }, { tokenUses: 1, refreshUses: 1 });
  await pushImage(place, entraOf());
  expect(count(place.registry, 'POST', /^\/oauth2\/exchange$/, 200)).toBe(seen.size);
});

test('a hold that is longer than every token', async () => {
  const place = await startAzure({ verifyEntraToken: push }, { tokenLifetimeMs: 60_000, refreshLifetimeMs: 120_000 });
  const identity = entraOf();
  await pushImage(place, identity, () => place.clock.pass(3_600_000));
  expect(identity.asked).toEqual(['registry', 'registry']);
});

test.each([-7200, 7200])('a clock that is %i s wrong asks for no more tokens than another', async (seconds) => {
  const now = () => new Date(Date.parse('2026-11-23T18:00:00Z') + seconds * 1000);
  const place = await startAzure({ verifyEntraToken: push }, { now });
  await pushImage(place, entraOf());
  expect(count(place.registry, 'POST', /^\/oauth2\/exchange$/, 200)).toBe(1);
  expect(count(place.registry, 'POST', /^\/oauth2\/token$/, 200)).toBeLessThan(3);
});

test('the audience of the resource manager where the tenant does not know that of the registry', async () => {
  const place = await startAzure({ verifyEntraToken: push });
  const identity = entraOf(['resource-manager']);
  await place.open(identity).checkPush();
  expect(identity.asked).toEqual(['registry', 'resource-manager']);
});

test('the same where the registry refuses its own, and from then on at once', async () => {
  const old = (token: string) => (token.startsWith('registry-') ? ({ ok: false, reason: 'audience' } as const) : push(token));
  const place = await startAzure({ verifyEntraToken: old }, { tokenUses: 1, refreshUses: 1 });
  const identity = entraOf();
  await place.open(identity).checkPush();
  expect(identity.asked[0]).toBe('registry');
  expect(new Set(identity.asked.slice(1))).toEqual(new Set(['resource-manager']));
});

const scopeMap = (...actions: ('content/read' | 'content/write' | 'metadata/read')[]) => [{ repository: 'team/app', actions }];
const tokens = [
  { name: 'reader', passwords: ['p1', 'p2'], scopeMap: scopeMap('content/read', 'metadata/read') },
  { name: 'writer', passwords: ['p1', 'p2'], scopeMap: scopeMap('content/write') },
  { name: 'ci', passwords: ['p1', 'p2'], scopeMap: scopeMap('content/read', 'content/write') },
  { name: 'off', passwords: ['p1'], status: 'disabled' as const, scopeMap: scopeMap('content/read', 'content/write') },
];
const users = [{ name: application, password: 'secret', roles: [{ role: 'AcrPull' as const }] }];
const writerRole = { role: 'Container Registry Repository Writer', repository: 'team/*' } as const;

interface Refusal {
  readonly auth?: Partial<AzureRegistryAuth>;
  readonly credential?: RegistryCredential;
  readonly code: string;
  readonly hint: readonly string[];
  readonly grant?: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  'no role': {
    auth: { verifyEntraToken: judge({}) },
    code: 'forbidden',
    hint: ['given no right on team/app', '"AcrPush"', '"Container Registry Repository Writer"', 'roleAssignmentMode', '11111111-2222'],
    grant: 'AcrPush, or Container Registry Repository Writer in ABAC mode',
  },
  'AcrPull alone': {
    auth: { verifyEntraToken: judge({ roles: [{ role: 'AcrPull' }] }) },
    code: 'forbidden',
    hint: ['given pull on team/app', 'needs AcrPush'],
  },
  'AcrPush in a registry with ABAC': {
    auth: { mode: 'rbac-abac', verifyEntraToken: push },
    code: 'forbidden',
    hint: ['which a registry with ABAC repository permissions does not honour', 'It needs Container Registry Repository Writer'],
  },
  'the writer of other repositories': {
    auth: { mode: 'rbac-abac', verifyEntraToken: judge({ roles: [{ ...writerRole, repository: 'other/*' }] }) },
    code: 'forbidden',
    hint: ['given no right on team/app', '"Container Registry Repository Writer"'],
  },
  'the writer role in a registry without ABAC': {
    auth: { verifyEntraToken: judge({ roles: [writerRole] }) },
    code: 'forbidden',
    hint: ['needs AcrPush'],
  },
  'an identity of another tenant': {
    auth: { verifyEntraToken: () => ({ ok: false, reason: 'other tenant' }) },
    code: 'unauthorized',
    hint: ['another tenant than the identity'],
  },
  'the audience of the resource manager, which is refused': {
    auth: { armAudience: 'disabled' },
    credential: entraOf(['resource-manager']),
    code: 'audience-refused',
    hint: ['az ad sp create --id 6a0ec4d3', 'az acr config authentication-as-arm update --registry shop --status enabled'],
  },
  'a token whose scope map lacks content/write': {
    credential: userOf('reader', 'p2'),
    code: 'forbidden',
    hint: [
      'lacks content/write on team/app',
      '--add-repository team/app content/write metadata/read',
      'az acr scope-map update --registry shop',
    ],
    grant: 'content/write',
  },
  'a token whose scope map lacks content/read': {
    credential: userOf('writer', 'p1'),
    code: 'forbidden',
    hint: ['lacks content/read on team/app'],
    grant: 'content/read',
  },
  'a token with a wrong password': {
    credential: userOf('ci', 'canary-wrong'),
    code: 'credential-refused',
    hint: ['az acr token credential generate --registry shop'],
  },
  'a token that is disabled': { credential: userOf('off', 'p1'), code: 'credential-refused', hint: ['the token is disabled'] },
  'an application with a wrong secret': {
    credential: userOf(application, 'canary-wrong'),
    code: 'credential-refused',
    hint: ['The client secret is wrong or has expired'],
  },
  'an application without the role': {
    credential: userOf(application, 'secret'),
    code: 'forbidden',
    hint: ['given pull on team/app', '--assignee APPLICATION_ID --role "AcrPush"'],
  },
  'the admin user, which is off': { credential: userOf('shop', 'canary-wrong'), code: 'credential-refused', hint: ['adminUserEnabled'] },
  'an earlier login that has expired': {
    credential: { kind: 'identity-token', token: new SecretValue('canary.wrong.token') },
    code: 'credential-refused',
    hint: ['az acr login --name shop'],
  },
  'an earlier login under the null id': {
    credential: userOf('00000000-0000-0000-0000-000000000000', 'canary.wrong.token'),
    code: 'credential-refused',
    hint: ['az acr login --name shop'],
  },
  'nobody, where everybody may pull': {
    auth: { anonymousPull: true },
    credential: { kind: 'anonymous' },
    code: 'forbidden',
    hint: ['Give the run an Azure identity'],
  },
};

test.each(Object.entries(refusals))(
  'a push by %s is refused with what is missing',
  async (_name, { auth = {}, credential, code, hint, grant }) => {
    const place = await startAzure({ verifyEntraToken: push, tokens, users, ...auth });
    const error = (await place
      .open(credential ?? entraOf())
      .checkPush()
      .catch((refusal: unknown) => refusal)) as RegistryError;
    expect(error).toMatchObject({ code });
    for (const words of hint) expect(error.hint).toContain(words);
    if (grant !== undefined) expect(error.missing?.grant).toBe(grant);
    expect(error.message + error.hint).not.toContain('canary');
  },
);

test.each<[string, RegistryCredential, Partial<AzureRegistryAuth>]>([
  ['a repository token by its first password', userOf('ci', 'p1'), {}],
  ['a repository token by its second password', userOf('ci', 'p2'), {}],
  [
    'an application and its secret',
    userOf(application, 'other'),
    { users: [{ name: application, password: 'other', roles: [{ role: 'AcrPush' }] }] },
  ],
  ['the admin user by password2', userOf('shop', 'b'), { adminPasswords: ['a', 'b'] }],
  ['the writer of its repositories, with ABAC', entraOf(), { mode: 'rbac-abac', verifyEntraToken: judge({ roles: [writerRole] }) }],
])('%s may push', async (_name, credential, auth) => {
  const place = await startAzure({ verifyEntraToken: push, tokens, users, ...auth });
  await pushImage(place, credential);
});

test('what everybody may read is read without the credential that the registry refuses, and nothing is pushed like that', async () => {
  const place = await startAzure({ verifyEntraToken: judge({}), tokens, anonymousPull: true });
  for (const credential of [entraOf(), userOf('nobody', 'canary'), userOf('writer', 'p1')]) {
    const reasons: string[] = [];
    const reader = place.open(credential, { onAnonymous: (reason) => reasons.push(reason) });
    expect(await reader.headManifest('1')).toBeUndefined();
    expect(await reader.headManifest('1')).toBeUndefined();
    expect(reasons).toHaveLength(1);
    expect(reasons.join()).not.toContain('canary');
    const seen = place.registry.requests.length;
    await expect(reader.checkPush()).rejects.toMatchObject({ code: 'forbidden' });
    expect(place.registry.requests.slice(seen).filter(({ method, status }) => method === 'POST' && status === 202)).toEqual([]);
  }
  await expect(place.open(userOf('nobody', 'canary')).headManifest('1')).rejects.toMatchObject({ code: 'credential-refused' });
});

test('where nobody may read without a credential, it is the credential that the error is about', async () => {
  const place = await startAzure({ verifyEntraToken: judge({}), tokens });
  const reasons: string[] = [];
  const reader = place.open(userOf('writer', 'p1'), { onAnonymous: (reason) => reasons.push(reason) });
  await expect(reader.headManifest('1')).rejects.toMatchObject({ code: 'forbidden', missing: { grant: 'content/read' } });
  expect(reasons).toEqual([]);
});

test('many requests at once use a token up together, and each is sent again whole', async () => {
  const place = await startAzure({ verifyEntraToken: push }, { tokenUses: 6, refreshUses: 3 });
  const repository = place.open(entraOf());
  const blobs = Array.from({ length: 12 }, () => randomBytes(100_000));
  await Promise.all(blobs.map((blob) => repository.putBlob(digestOf(blob), blob)));
  for (const blob of blobs) expect(await repository.headBlob(digestOf(blob))).toBe(blob.length);
});
