import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { readWhole } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { StepError } from '../../src/lib/step-error.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { clock, type Loopback, open, serve } from './loopback.ts';

const password: RegistryCredential = { kind: 'password', username: 'me', password: new SecretValue('canary-password') };
const identityToken: RegistryCredential = { kind: 'identity-token', token: new SecretValue('canary-refresh') };
const digest = `sha256:${'a'.repeat(64)}` as const;

function entra(registries: readonly string[]): RegistryCredential {
  return { kind: 'entra', fetchToken: async () => new SecretValue('canary-entra'), registries };
}

/** A registry that answers HEAD of a blob to who shows one of `tokens`, and challenges everyone else. */
function serveGuarded(
  challenge: (host: string) => string,
  tokens: readonly string[],
  answerToken?: (response: ServerResponse, body: string) => void,
) {
  return serve((request, response) => {
    if (request.path.startsWith('/token') || request.path.startsWith('/oauth2/')) {
      return answerToken?.(response, request.body.toString());
    }
    const isWelcome = tokens.includes(request.headers.authorization ?? '');
    if (isWelcome) return response.writeHead(200, { 'content-length': '5' }).end();
    return response.writeHead(401, { 'www-authenticate': challenge(request.headers.host ?? '') }).end();
  });
}

function expectNoCanary(...servers: readonly Loopback[]): void {
  for (const { seen } of servers) {
    const text = JSON.stringify(seen.map(({ path, headers, body }) => [path, headers, body.toString()]));
    expect(text).not.toContain('canary');
    expect(text).not.toContain(Buffer.from('me:canary-password').toString('base64'));
  }
}

test('Basic: only after the registry has asked', async () => {
  const basic = `Basic ${Buffer.from('me:canary-password').toString('base64')}`;
  const { host, seen } = await serveGuarded(() => 'Basic realm="x"', [basic]);
  const repository = open(host, { credential: password });
  expect(await repository.headBlob(digest)).toBe(5);
  expect(await repository.headBlob(digest)).toBe(5);
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined, basic, basic]);
});

test('Bearer: one token for one scope, asked for once by requests at the same time', async () => {
  const { host, seen } = await serveGuarded(
    (own) => `Bearer realm="http://${own}/token?x=1",service="svc",scope="repository:other/secret:*"`,
    ['Bearer t1'],
    (response) => response.end('{"token":"t1","expires_in":300}'),
  );
  const repository = open(host, { credential: password });
  await Promise.all([1, 2, 3, 4].map(() => repository.headBlob(digest)));
  const asked = seen.filter(({ path }) => path.startsWith('/token'));
  expect(asked.map(({ path }) => path)).toEqual(['/token?x=1&service=svc&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&account=me']);
  expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:canary-password').toString('base64')}`);
});

test('Bearer: a token is renewed shortly before it expires, and after a 401', async () => {
  let issued = 0;
  const { host, seen } = await serveGuarded(
    (own) => `Bearer realm="http://${own}/token"`,
    ['Bearer t1', 'Bearer t2', 'Bearer t4'],
    (response) => {
      issued += 1;
      response.end(JSON.stringify({ access_token: `t${issued}`, expires_in: 100 }));
    },
  );
  const time = clock();
  const repository = open(host, time);
  await repository.headBlob(digest);
  time.pass(80_000);
  await repository.headBlob(digest);
  expect(issued).toBe(1);
  time.pass(11_000);
  await repository.headBlob(digest);
  expect(issued).toBe(2);
  // t3 is not accepted: a 401 to a token that seems fresh gets one more try, and no more than that.
  time.pass(95_000);
  await expect(repository.headBlob(digest)).resolves.toBe(5);
  expect(issued).toBe(4);
  expect(seen.filter(({ headers }) => headers.authorization === 'Bearer t3')).toHaveLength(1);
});

test('Bearer: the right to delete is asked for only where an upload cannot be given up without, as at CNCF Distribution', async () => {
  const { host, seen } = await serve((request, response) => {
    const scope = new URL(request.path, 'http://registry').searchParams.get('scope');
    if (scope !== null) return response.end(JSON.stringify({ token: scope.endsWith(',delete') ? 'both' : 'push', expires_in: 300 }));
    const isWelcome = request.headers.authorization === (request.method === 'DELETE' ? 'Bearer both' : 'Bearer push');
    if (!isWelcome) return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
    return response.writeHead(request.method === 'DELETE' ? 204 : 202, { location: '/v2/team/app/blobs/uploads/1' }).end();
  });
  const repository = open(host, { credential: password });
  await repository.checkPush();
  await repository.checkPush();
  const asked = seen.map(
    ({ method, path }) => `${method} ${new URL(path, 'http://registry').searchParams.get('scope')?.split(':')[2] ?? ''}`,
  );
  expect(asked).toEqual(['POST ', 'GET pull,push', 'POST ', 'DELETE ', 'GET pull,push,delete', 'DELETE ', 'POST ', 'DELETE ']);
});

test('a registry that accepts nothing is asked twice and no more', async () => {
  let issued = 0;
  const { host, seen } = await serveGuarded(
    (own) => `Bearer realm="http://${own}/token"`,
    [],
    (response) => {
      issued += 1;
      response.end(JSON.stringify({ token: `t${issued}`, expires_in: 300 }));
    },
  );
  await expect(open(host, { credential: password }).checkPush()).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
  expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(2);
});

test('identity token: refreshed by POST', async () => {
  const { host, seen } = await serveGuarded(
    (own) => `Bearer realm="http://${own}/token",service="s"`,
    ['Bearer t1'],
    (response, body) =>
      response.end(JSON.stringify({ access_token: new URLSearchParams(body).get('refresh_token') === 'canary-refresh' ? 't1' : 'no' })),
  );
  expect(await open(host, { credential: identityToken }).headBlob(digest)).toBe(5);
  const form = new URLSearchParams(seen.find(({ path }) => path === '/token')?.body.toString());
  expect(form.get('grant_type')).toBe('refresh_token');
  expect(form.get('scope')).toBe('repository:team/app:pull,push');
});

test('Entra ID: exchanged at the registry itself, whatever realm it names', async () => {
  const other = await serve((_request, response) => response.end('{"token":"t1"}'));
  const { host, seen } = await serveGuarded(
    (own) => `Bearer realm="http://${own}/elsewhere",service="svc"`,
    ['Bearer access'],
    (response, body) => response.end(body.includes('grant_type=access_token') ? '{"refresh_token":"r1"}' : '{"access_token":"access"}'),
  );
  expect(await open(host, { credential: entra([host]) }).headBlob(digest)).toBe(5);
  const forms = seen
    .filter(({ path }) => path.startsWith('/oauth2'))
    .map(({ path, body }) => [path, Object.fromEntries(new URLSearchParams(body.toString()))]);
  expect(forms).toEqual([
    ['/oauth2/exchange', { grant_type: 'access_token', service: 'svc', access_token: 'canary-entra' }],
    ['/oauth2/token', { grant_type: 'refresh_token', service: 'svc', scope: 'repository:team/app:pull,push', refresh_token: 'r1' }],
  ]);
  expect(other.seen).toEqual([]);
});

test('Entra ID: never at a registry that is not configured for it', async () => {
  const { host, seen } = await serveGuarded((own) => `Bearer realm="http://${own}/oauth2/token"`, []);
  expect(() => open(host, { credential: entra(['other:5000']) })).toThrow(expect.objectContaining({ code: 'credential-withheld' }));
  for (const name of [
    'azurecr.io',
    '.azurecr.io.evil.example',
    'shop.azurecr.io.evil.example',
    'evil-azurecr.io',
    'shop.azurecr.io:8443',
  ]) {
    expect(() => open(name, { credential: entra([]) }), name).toThrow(expect.objectContaining({ code: 'credential-withheld' }));
  }
  expect(() => open('shop.azurecr.io', { credential: entra([]) })).not.toThrow();
  expect(seen).toEqual([]);
});

test.each<[string, (thief: string, own: string) => string]>([
  ['another port', (thief) => `http://${thief}/token`],
  ['another address of this machine', (thief) => `http://127.0.0.2:${thief.split(':')[1]}/token`],
  ['localhost instead of 127.0.0.1', (thief) => `http://localhost:${thief.split(':')[1]}/token`],
  ['a user in its address', (thief, own) => `http://${own}@${thief}/token`],
  ['the registry as a user', (thief, own) => `http://${own.split(':')[0]}:x@${thief}/token`],
  ['another scheme', () => 'file:///etc/passwd'],
  ['no address', () => '//'],
  ['a relative address', () => '/token'],
  ['a line end', (thief) => `http://${thief}/\\\ntoken`],
  ['a backslash', (thief, own) => `http://${thief}\\\\@${own}/token`],
  ['metadata', () => 'http://169.254.169.254/metadata'],
])('a realm with %s gets no credential', async (_name, realm) => {
  const thief = await serve((_request, response) => response.end('{"token":"t1"}'), '0.0.0.0');
  const thiefHost = `127.0.0.1:${thief.host.split(':')[1]}`;
  const registry = await serve((request, response) =>
    response
      .writeHead(401, { 'www-authenticate': `Bearer realm="${realm(thiefHost, request.headers.host ?? '').replace('\n', '')}"` })
      .end(),
  );
  for (const credential of [password, identityToken]) {
    await expect(open(registry.host, { credential }).headBlob(digest)).rejects.toMatchObject({
      code: expect.stringMatching(/^(credential-withheld|answer-invalid|unauthorized)$/),
    });
  }
  expectNoCanary(thief, registry);
  expect(thief.seen).toEqual([]);
});

test('a listed token host gets the credential', async () => {
  const tokens = await serve((_request, response) => response.end('{"token":"t1"}'));
  const { host } = await serveGuarded(() => `Bearer realm="${tokens.url.href}"`, ['Bearer t1']);
  expect(await open(host, { credential: password, tokenHosts: [tokens.host] }).headBlob(digest)).toBe(5);
  expect(tokens.seen[0]?.headers.authorization).toBeDefined();
});

test.each<[string, (response: ServerResponse) => unknown, string]>([
  ['no JSON', (response) => response.end('<html>'), 'answer-invalid'],
  ['no token', (response) => response.end('{"expires_in":3}'), 'answer-invalid'],
  ['a token with a line end', (response) => response.end('{"token":"a\\r\\nX-Evil: 1"}'), 'answer-invalid'],
  ['a megabyte', (response) => response.end(`{"token":"${'a'.repeat(2_000_000)}"}`), 'unreachable'],
  ['a redirect', (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'refused'],
  [
    'a refusal',
    (response) => response.writeHead(401).end('{"errors":[{"code":"DENIED","message":"wrong canary-password"}]}'),
    'credential-refused',
  ],
])('a token service that gives %s', async (_name, answerToken, code) => {
  const { host } = await serveGuarded((own) => `Bearer realm="http://${own}/token"`, [], answerToken);
  const error: unknown = await open(host, { credential: password })
    .headBlob(digest)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, message: expect.stringContaining(`cannot log in to ${host}`) });
  expect(String(error)).not.toContain('canary');
});

test.each([
  ['push', 'AcrPush', 'Container Registry Repository Writer'],
  ['pull', 'AcrPull', 'Container Registry Repository Reader'],
] as const)('a refused %s at Azure names the roles and how to give them', async (access, role, abacRole) => {
  const { toRegistryError } = await import('../../src/registry/registry-answer.ts');
  const { toRegistryAddress } = await import('../../src/registry/reference.ts');
  const registry = toRegistryAddress('shop.azurecr.io');
  const error = toRegistryError(
    { verb: `${access} shop.azurecr.io/app`, registry, repository: 'app', credential: entra([]), access },
    { status: 403, body: Buffer.alloc(0) },
  );
  expect(error.missing).toEqual({
    registry: 'shop.azurecr.io',
    repository: 'app',
    grant: `${role}, or ${abacRole} in ABAC mode`,
  });
  expect(error.hint).toContain(
    `az role assignment create --assignee OBJECT_ID --role "${role}" --scope "$(az acr show --name shop --query id --output tsv)"`,
  );
  expect(error.hint).toContain(`--role "${abacRole}"`);
});

test('a refused read asks for the right to pull, not to push', async () => {
  const { host } = await serve((_request, response) => response.writeHead(403).end());
  const reads = [
    (repository: Repository) => repository.fetchManifest('1.0'),
    (repository: Repository) => repository.fetchBlob({ digest, size: 4 }, readWhole),
  ];
  for (const read of reads) {
    const error: unknown = await read(open(host, { credential: password })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'forbidden', missing: { grant: 'pull from team/app' } });
    expect((error as StepError).hint).toContain('let it pull from team/app');
  }
});

test('the words of a registry are quoted on one line, bounded, and without what it echoes', async () => {
  const message = `denied\r\n##[error]x \u202e eyJhbGciOi.eyJzdWIi.c2ln Bearer abc canary-password ${'y'.repeat(500)}`;
  const { host } = await serve((_request, response) =>
    response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message }] })),
  );
  const error = (await open(host, { credential: password })
    .checkPush()
    .catch((reason: unknown) => reason)) as Error;
  expect(error.message).toMatch(/^cannot push to .* answered 403 \(DENIED: denied ##\[error\]x \*\*\* \*\*\* \*\*\* y+…\)$/);
  expect(error.message.length).toBeLessThan(450);
});
