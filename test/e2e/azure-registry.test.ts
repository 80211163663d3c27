import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import type { AzureRegistryAuth, RegistryOptions, RunningRegistry } from '../../src/sandbox/registry.ts';
import { startForwardProxy } from '../lib/forward-proxy.ts';
import { openPlace, type Place } from '../main/place.ts';
import { hostKinds, runStep, type StepRun } from '../main/step-run.ts';
import { startRecorder } from './canary/recorder.ts';
import { shared } from './peers.ts';

const azureName = 'example.azurecr.io';
const registryAudience = 'https://containerregistry.azure.net';
const armAudience = 'https://management.azure.com';

let place: Place;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  place = await openPlace();
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

afterAll(() => place.close());

interface AzureWorld {
  readonly registry: RunningRegistry;
  readonly exchanges: readonly Exchange[];
  run(host: (typeof hostKinds)[number], inputs?: Readonly<Record<string, string>>): Promise<StepRun>;
}

/** A registry of Azure's name, whose Entra ID is the sandbox's; the packaged programs reach it through a proxy. */
async function openAzure(
  auth: Omit<AzureRegistryAuth, 'kind' | 'verifyEntraToken'> & { readonly role?: 'AcrPush' | 'AcrPull' },
  options: Partial<RegistryOptions> = {},
): Promise<AzureWorld> {
  const { sandbox } = place;
  const { role = 'AcrPush', ...more } = auth;
  const verifyEntraToken: AzureRegistryAuth['verifyEntraToken'] = async (token) => {
    for (const audience of [registryAudience, armAudience]) {
      const claims = await sandbox.entra.verifyToken(token, audience).catch(() => undefined);
      if (claims !== undefined) return { ok: true, name: claims.oid, audience, roles: [{ role }] };
    }
    return { ok: false, reason: 'authentication required' };
  };
  const registry = await place.startRegistry({ auth: { kind: 'acr', verifyEntraToken, ...more }, service: azureName, ...options });
  const exchanges: Exchange[] = [];
  const tls = await sandbox.authority.issueTls([azureName]);
  const recorder = await startRecorder({
    target: new URL(registry.url),
    onExchange: (seen) => void exchanges.push(seen),
    tls,
    name: azureName,
  });
  const proxy = await startForwardProxy({ hosts: { [`${azureName}:443`]: recorder.url } });
  closers.push(
    () => proxy.close(),
    () => recorder.close(),
  );
  const env = { HTTPS_PROXY: proxy.address(), NO_PROXY: '127.0.0.1,localhost' };
  const fixed = {
    image: 'docker-archive:good.tar',
    push: `${azureName}/team/app:1.0`,
    advisories: sandbox.osv.url,
    'signing-key': 'file:key.pem,certificates.pem',
  };
  return { registry, exchanges, run: (host, inputs = {}) => runStep(host, place, { env, inputs: { ...fixed, ...inputs } }) };
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly enum?: readonly string[];
  readonly $ref?: string;
}

const {
  paths,
  parameters: shares,
  definitions,
} = JSON.parse(
  readFileSync(shared('testdata/openapi/azure-containerregistry/2021-07-01/containerregistry.json'), 'utf8').replace(/^\uFEFF/, ''),
);
const ajv = new Ajv({ strict: false });

/** In what an exchange with a token endpoint departs from the published description. `account` is the word of CNCF Distribution's specification. */
function problemsOf({ request, answer }: Exchange): readonly string[] {
  const operation = paths[request.url.pathname]?.[request.method.toLowerCase()];
  if (operation === undefined) return [`${request.method} ${request.url.pathname} is not described`];
  const described: Parameter[] = operation.parameters.map((parameter: Parameter) =>
    parameter.$ref === undefined ? parameter : shares[parameter.$ref.split('/').at(-1) ?? ''],
  );
  const place = request.method === 'GET' ? 'query' : 'formData';
  const given = place === 'query' ? request.url.searchParams : new URLSearchParams(request.body.toString('utf8'));
  const own = described.filter((parameter) => parameter.in === place);
  const problems = [
    ...[...given.keys()]
      .filter((name) => name !== 'account' && !own.some((parameter) => parameter.name === name))
      .map((name) => `${name} is not described`),
    ...own.filter(({ name, required }) => required === true && !given.has(name)).map(({ name }) => `${name} is missing`),
    ...own
      .filter(({ name, enum: values }) => given.has(name) && values?.includes(given.get(name) ?? '') === false)
      .map(({ name }) => `${name} has another value`),
  ];
  if (place === 'formData' && request.headers['content-type'] !== operation.consumes?.[0] && operation.consumes !== undefined)
    problems.push('another content type');
  const response = operation.responses[answer?.status ?? 0] ?? operation.responses.default;
  const definition = definitions[response.schema.$ref.split('/').at(-1)];
  const schema = { definitions, ...definition, required: Object.keys(definition.properties), additionalProperties: false };
  if (!ajv.validate(schema, JSON.parse(answer?.body.toString('utf8') ?? ''))) problems.push(`answer: ${ajv.errorsText()}`);
  return problems;
}

function tokenExchanges({ exchanges }: AzureWorld): readonly Exchange[] {
  return exchanges.filter(({ request }) => request.url.pathname.startsWith('/oauth2/'));
}

function expectDescribed(world: AzureWorld): void {
  const seen = tokenExchanges(world);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.flatMap(problemsOf)).toEqual([]);
  // Only the repository of the run is asked for, never the catalog.
  const scopes = seen.flatMap(({ request }) => [
    ...request.url.searchParams.getAll('scope'),
    ...new URLSearchParams(request.body.toString('utf8')).getAll('scope'),
  ]);
  expect(new Set(scopes.map((scope) => scope.split(':').slice(0, 2).join(':')))).toEqual(new Set(['repository:team/app']));
}

describe('the packaged programs and Azure Container Registry', () => {
  test.each(hostKinds)('%s pushes by the Azure identity', async (host) => {
    const world = await openAzure({});
    const { exitCode, stdout, stderr } = await world.run(host);
    expect(exitCode, stdout + stderr).toBe(0);
    expect(world.registry.content.tags('team/app').map(([tag]) => tag)).toContain('1.0');
    expectDescribed(world);
  });

  test('with tokens that end after three requests, and refresh tokens after two', async () => {
    const world = await openAzure({}, { tokenUses: 3, refreshUses: 2 });
    const { exitCode, stdout, stderr } = await world.run('github');
    expect(exitCode, stdout + stderr).toBe(0);
    expect(tokenExchanges(world).filter(({ answer }) => answer?.status === 401).length).toBeGreaterThan(1);
    expectDescribed(world);
  });

  const token = {
    name: 'ci',
    passwords: ['first', 'second'],
    scopeMap: [{ repository: 'team/app', actions: ['content/read', 'content/write'] as const }],
  };
  test.each<[string, Omit<AzureRegistryAuth, 'kind' | 'verifyEntraToken'>, Readonly<Record<string, string>>]>([
    ['a repository token', { tokens: [token] }, { 'registry-username': 'ci', 'registry-password': 'second' }],
    [
      'the admin user that is allowed',
      { adminPasswords: ['a', 'password2'] },
      { 'registry-username': 'example', 'registry-password': 'password2', 'allow-registry-admin': 'true' },
    ],
  ])('cli pushes as %s', async (_name, auth, inputs) => {
    const world = await openAzure(auth);
    const { exitCode, stdout, stderr } = await world.run('cli', inputs);
    expect(exitCode, stdout + stderr).toBe(0);
    expectDescribed(world);
  });

  test('the admin user that is not allowed is bad input, and nothing is sent', async () => {
    const world = await openAzure({ adminPasswords: ['a', 'password2'] });
    const { exitCode, stderr } = await world.run('cli', { 'registry-username': 'example', 'registry-password': 'password2' });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('registry-admin')]);
    expect(world.exchanges).toEqual([]);
  });

  test.each<[string, Parameters<typeof openAzure>[0], Readonly<Record<string, string>>, string]>([
    ['AcrPull alone', { role: 'AcrPull' }, {}, 'needs AcrPush'],
    ['AcrPush, with ABAC', { mode: 'rbac-abac' }, {}, 'It needs Container Registry Repository Writer'],
    [
      'a scope map without content/write',
      { tokens: [{ ...token, scopeMap: [{ repository: 'team/app', actions: ['content/read'] }] }] },
      { 'registry-username': 'ci', 'registry-password': 'first' },
      'lacks content/write on team/app',
    ],
    [
      'a wrong password',
      { tokens: [token] },
      { 'registry-username': 'ci', 'registry-password': 'third' },
      'az acr token credential generate',
    ],
  ])('%s is told with what is missing', async (_name, auth, inputs, words) => {
    const world = await openAzure(auth);
    const { exitCode, errors } = await world.run('azure-pipelines', inputs);
    expect([exitCode, errors.join()]).toEqual([3, expect.stringContaining(words)]);
    expectDescribed(world);
    expect(world.registry.content.repositories()).toEqual([]);
  });

  test('a tenant that does not know the audience of the registry, and a registry that takes no other', async () => {
    const fault = {
      match: ({ body }: { body: Buffer }) => body.toString('utf8').includes(encodeURIComponent(registryAudience)),
      status: 400,
      body: {
        error: 'invalid_resource',
        error_description: `AADSTS500011: The resource principal named ${registryAudience} was not found`,
      },
    };
    place.sandbox.entra.faults.add(fault);
    const open = await openAzure({});
    expect((await open.run('cli')).exitCode).toBe(0);
    place.sandbox.entra.faults.add(fault);
    const closed = await openAzure({ armAudience: 'disabled' });
    const { exitCode, stderr } = await closed.run('cli');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('audience-refused')]);
    expect(stderr).toContain('az acr config authentication-as-arm update --registry example --status enabled');
    expect(tokenExchanges(closed).flatMap(problemsOf)).toEqual([]);
  });

  test('an image that everybody may pull is read without the identity that may not', async () => {
    const reader = await openAzure({ mode: 'rbac-abac', anonymousPull: true });
    const { exitCode, stdout, stderr } = await reader.run('cli', { image: `registry:${azureName}/team/base:1`, push: '' });
    // Nothing is there: that is known only to who may read.
    expect([exitCode, stdout + stderr]).toEqual([2, expect.stringContaining('is read without a credential')]);
    expect(tokenExchanges(reader).flatMap(problemsOf)).toEqual([]);
  });
});
