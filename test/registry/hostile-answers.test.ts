import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpAnswer, HttpClient, HttpRequest } from '../../src/lib/http.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { type Behaviour, http, type Loopback, open, serve } from './loopback.ts';

const user = 'canary-user';
const digest = `sha256:${'a'.repeat(64)}` as const;

/** Others of this machine, who listen at one port of eight addresses, answer whatever could make someone go on, and keep each byte. */
const thieves = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.1.2.3', '127.255.255.254', '::1', '127.0.0.1'];
const heard: Buffer[] = [];
let connections = 0;
let port = 0;
const servers: ReturnType<typeof createServer>[] = [];

beforeAll(async () => {
  for (const address of thieves) {
    let answers = 0;
    const server = createServer((request, response) => {
      request.resume();
      answers += 1;
      if (answers % 3 === 1) response.writeHead(401, { 'www-authenticate': 'Basic realm="x", Bearer realm="/token"' }).end();
      else
        response
          .writeHead(200, { location: '/v2/team/app/blobs/uploads/thief' })
          .end('{"token":"t","access_token":"t","refresh_token":"t"}');
    });
    server.on('connection', (socket) => {
      connections += 1;
      socket.on('data', (bytes) => heard.push(bytes));
    });
    server.listen(port, address);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const credentials: Readonly<Record<string, (own: string) => RegistryCredential>> = {
  password: () => ({ kind: 'password', username: user, password: new SecretValue('canary-password') }),
  'identity token': () => ({ kind: 'identity-token', token: new SecretValue('canary-refresh') }),
  'Entra ID': (own) => ({ kind: 'entra', fetchToken: async () => new SecretValue('canary-entra'), registries: [own] }),
};

/** What of a credential, or of a token that it was exchanged for, others could read. */
function leaks(): readonly string[] {
  const bytes = Buffer.concat(heard).toString('latin1');
  const forms = ['canary', Buffer.from(`${user}:canary-password`).toString('base64'), encodeURIComponent(user)];
  const encoded = [0, 1, 2].map((offset) =>
    Buffer.from(`${'x'.repeat(offset)}canary-`)
      .toString('base64')
      .slice(offset === 0 ? 0 : 4, 8),
  );
  return [...forms, ...encoded].filter((form) => bytes.includes(form));
}

/** A registry that takes a credential of its own token service, and then does as `behave` says; it does so at once where it returns true. */
async function serveRegistry(behave: (own: string) => Behaviour): Promise<Loopback> {
  let own = '';
  const registry = await serve((request, response) => {
    const { path, headers } = request;
    own = headers.host ?? '';
    if (path.startsWith('/oauth2/') || path.startsWith('/token')) {
      return response.end('{"token":"canary-token","access_token":"canary-token","refresh_token":"canary-refreshed","expires_in":300}');
    }
    if (headers.authorization === undefined) {
      return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own}/token",service="s"` }).end();
    }
    return behave(own)(request, response);
  });
  return registry;
}

/** All that asks a registry; each may fail as it likes. */
async function tryAll(repository: Repository, pieceBytes: number): Promise<void> {
  const quietly = (promise: Promise<unknown>) => promise.catch(() => undefined);
  await quietly(repository.headManifest('1'));
  await quietly(repository.fetchManifest('1'));
  await quietly(repository.fetchBlob({ digest, size: 5 }, async () => undefined));
  await quietly(repository.listTags());
  await quietly(repository.listReferrers(digest));
  await quietly(repository.mountBlob(digest, 'team/base'));
  await quietly(repository.putBlob(digest, Buffer.from('hello')));
  await quietly(repository.putManifest('application/json', Buffer.from('{}')));
  await quietly(
    repository.beginUpload().then(async (upload) => {
      await upload.write(Buffer.alloc(pieceBytes));
      await upload.write(Buffer.alloc(1));
      await upload.hold();
      await upload.commit(digest);
    }),
  );
}

async function expectNoLeak(
  registry: Loopback,
  options: { client?: HttpClient; tokenHosts?: readonly string[]; pieceBytes?: number } = {},
): Promise<void> {
  for (const [name, toCredential] of Object.entries(credentials)) {
    heard.length = 0;
    const { client = http, tokenHosts = [], pieceBytes = 1 } = options;
    await tryAll(open(registry.host, { credential: toCredential(registry.host), http: client, tokenHosts }), pieceBytes);
    expect(leaks(), name).toEqual([]);
  }
}

/** Addresses of others, as a server could write them, none of which needs a name server; `own` is the registry's host and port. */
const addresses: Readonly<Record<string, (own: string) => string>> = {
  'another address': () => `http://127.0.0.2:${port}/token`,
  'another port': () => `http://127.0.0.1:${port}/token`,
  localhost: () => `http://localhost:${port}/token`,
  IPv6: () => `http://[::1]:${port}/token`,
  'IPv6 of an IPv4 address': () => `http://[::ffff:127.0.0.3]:${port}/token`,
  'a decimal address': () => `http://2130706434:${port}/token`,
  'a hexadecimal address': () => `http://0x7f000002:${port}/token`,
  'an octal address': () => `http://0177.0.0.2:${port}/token`,
  'a short address': () => `http://127.2:${port}/token`,
  'upper case': () => `HTTP://127.0.0.4:${port}/TOKEN`,
  'full-width digits': () => `http://１２７.0.0.5:${port}/token`,
  'a user': (own) => `http://${own}@127.0.0.2:${port}/token`,
  'a user and a password': (own) => `http://${own.replace(':', '')}:x@127.0.0.2:${port}/token`,
  'a host in the path': (own) => `http://127.0.0.2:${port}/${own}/token`,
  'a host in the query': (own) => `http://127.0.0.2:${port}/?${own}`,
  'a host in the fragment': (own) => `http://127.0.0.2:${port}/#@${own}/token`,
  'a backslash': (own) => `http://127.0.0.2:${port}\\@${own}/token`,
  'two backslashes': () => `\\\\127.0.0.2:${port}\\token`,
  'no scheme': () => `//127.0.0.2:${port}/token`,
  'three slashes': () => `http:///127.0.0.2:${port}/token`,
  'one slash': () => `http:/127.0.0.2:${port}/token`,
  'no slash': () => `http:127.0.0.2:${port}/token`,
  https: () => `https://127.0.0.2:${port}/token`,
  'spaces around': () => ` http://127.0.0.2:${port}/token `,
  'a tab inside': () => `ht\ttp://127.0.0.2:${port}/token`,
  'a port that is none': (own) => `http://${own}:${port}/token`,
  'another scheme': () => `ftp://127.0.0.2:${port}/token`,
  'a file': () => 'file:///etc/passwd',
  'a script': () => 'javascript:alert(1)',
  data: () => 'data:application/json,{"token":"t"}',
  'metadata of a cloud': () => 'http://169.254.169.254/metadata/identity/oauth2/token',
  everybody: () => `http://0.0.0.0:${port}/token`,
  nothing: () => '',
  'a name that is no name': () => 'http://%00/token',
  'an encoded slash': (own) => `http://127.0.0.2:${port}%2f@${own}/token`,
};
const all = Object.entries(addresses);

/** A header that Node lets a server send. */
function headerSafe(text: string): string {
  return Buffer.from(text.replace(/[\r\n\0]/g, ''), 'utf8').toString('latin1');
}

describe('no byte of a credential goes to others', () => {
  test('who would hear them, and know them', async () => {
    heard.length = 0;
    for (const address of thieves) {
      const url = new URL(`http://${address.includes(':') ? `[${address}]` : address}:${port}/`);
      await http({ method: 'GET', url, headers: { authorization: `Basic ${Buffer.from(`${user}:canary-password`).toString('base64')}` } });
    }
    expect(leaks().length).toBeGreaterThan(0);
    expect(connections).toBe(thieves.length);
  });

  test.each(all)('whose realm is %s', async (_name, toAddress) => {
    const registry = await serve((request, response) => {
      const realm = toAddress(request.headers.host ?? '').replace(/["\\]/g, '\\$&');
      return response.writeHead(401, { 'www-authenticate': headerSafe(`Bearer realm="${realm}",service="s"`) }).end();
    });
    await expectNoLeak(registry);
  });

  test.each<[string, (other: string, own: string) => string | string[]]>([
    ['two realms', (other, own) => `Bearer realm="http://${own}/token",realm="${other}"`],
    ['a realm in another case', (other, own) => `Bearer realm="http://${own}/token",REALM="${other}"`],
    ['two challenges', (other, own) => `Bearer realm="${other}", Bearer realm="http://${own}/token"`],
    ['two headers', (other, own) => [`Bearer realm="http://${own}/token"`, `Bearer realm="${other}"`]],
    ['a realm that is not quoted', (other) => `Bearer realm=${other}`],
    ['an unfinished quote', (other) => `Bearer realm="${other}`],
    ['a service with another address', (other, own) => `Bearer realm="http://${own}/token",service="${other}"`],
    ['a scope of others', (_other, own) => `Bearer realm="http://${own}/token",scope="registry:catalog:*"`],
    ['Basic for another', (other) => `Basic realm="${other}"`],
    ['a megabyte', (other) => `Bearer realm="${other}",x="${'a'.repeat(12_000)}"`],
    ['hundreds of challenges', (other) => `${'Basic, '.repeat(500)}Bearer realm="${other}"`],
  ])('whose challenge has %s', async (_name, toHeader) => {
    const registry = await serve((request, response) =>
      response.writeHead(401, { 'www-authenticate': toHeader(`http://127.0.0.2:${port}/token`, request.headers.host ?? '') }).end(),
    );
    await expectNoLeak(registry);
  });

  test.each(all)('whose token service redirects to %s', async (_name, toAddress) => {
    const registry = await serve(({ path, headers }, response) => {
      const own = headers.host ?? '';
      return path.startsWith('/token') || path.startsWith('/oauth2/')
        ? response.writeHead(307, { location: headerSafe(toAddress(own)) }).end()
        : response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own}/token"` }).end();
    });
    await expectNoLeak(registry);
  });

  test.each(
    all.flatMap(([name, toAddress], index) =>
      [[301, 302, 303, 307, 308][index % 5] as number].map((status) => ({ name, status, toAddress })),
    ),
  )('which redirects with $status to $name', async ({ status, toAddress }) => {
    const registry = await serveRegistry(
      (own) => (_request, response) => response.writeHead(status, { location: headerSafe(toAddress(own)) }).end(),
    );
    await expectNoLeak(registry);
  });

  test.each(all)('whose upload goes on at %s', async (_name, toAddress) => {
    const registry = await serveRegistry(
      (own) =>
        ({ method }, response) =>
          response.writeHead(method === 'POST' ? 202 : 404, { location: headerSafe(toAddress(own)) }).end(),
    );
    await expectNoLeak(registry);
  });

  test.each(all)('whose second piece goes to %s', async (_name, toAddress) => {
    const registry = await serveRegistry((own) => ({ method }, response) => {
      if (method === 'POST') return response.writeHead(202, { location: `/v2/team/app/blobs/uploads/1` }).end();
      return response.writeHead(method === 'PATCH' ? 202 : 404, { location: headerSafe(toAddress(own)) }).end();
    });
    await expectNoLeak(registry, { pieceBytes: 5 * 1024 * 1024 });
  });

  test.each(all)('whose next page is at %s', async (_name, toAddress) => {
    const registry = await serveRegistry((own) => ({ path }, response) => {
      const list = path.includes('/tags/')
        ? '{"name":"team/app","tags":["1"]}'
        : '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';
      const type = path.includes('/tags/') ? 'application/json' : 'application/vnd.oci.image.index.v1+json';
      return response.writeHead(200, { 'content-type': type, link: headerSafe(`<${toAddress(own)}>; rel="next"`) }).end(list);
    });
    await expectNoLeak(registry);
  });

  test('which redirects to itself and then to another, back and forth', async () => {
    const registry = await serveRegistry(
      (own) =>
        ({ path }, response) =>
          response.writeHead(302, { location: path.includes('again') ? `http://127.0.0.2:${port}/` : `http://${own}/v2/again` }).end(),
    );
    await expectNoLeak(registry);
  });
});

describe('a registry at a public address cannot send anybody to a private one', () => {
  /** The loopback client, to which the registry is on the internet. */
  function asPublic(registry: Loopback): HttpClient {
    const client = createHttp({ userAgent: 'test' });
    const isOurs = ({ url }: HttpRequest) => url.host === registry.host;
    const mark = <T extends object>(request: HttpRequest, answer: T): T => (isOurs(request) ? { ...answer, isPublicPeer: true } : answer);
    const whole = async (request: HttpRequest) => mark(request, await client(request));
    const stream = <T>(request: HttpRequest, consume: (answer: HttpAnswer) => Promise<T>) =>
      client.stream(request, (answer) => consume(mark(request, answer)));
    return Object.assign(whole, { stream, agentFor: client.agentFor, close: client.close });
  }

  test.each(all)('by a realm, though its host is listed: %s', async (_name, toAddress) => {
    const registry = await serve((request, response) => {
      const realm = toAddress(request.headers.host ?? '').replace(/["\\]/g, '\\$&');
      return response.writeHead(401, { 'www-authenticate': headerSafe(`Bearer realm="${realm}"`) }).end();
    });
    const listed = URL.canParse(toAddress(registry.host)) ? [new URL(toAddress(registry.host)).host] : [];
    const before = connections;
    await expectNoLeak(registry, { client: asPublic(registry), tokenHosts: listed });
    expect(connections).toBe(before);
  });

  test.each(all)('by a redirect: %s', async (_name, toAddress) => {
    const registry = await serveRegistry(
      (own) => (_request, response) => response.writeHead(302, { location: headerSafe(toAddress(own)) }).end(),
    );
    const before = connections;
    await expectNoLeak(registry, { client: asPublic(registry) });
    expect(connections).toBe(before);
  });
});
