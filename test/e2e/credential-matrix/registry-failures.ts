import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../../src/sandbox/certificate.ts';
import { entraErrors, toEntraRefusal } from '../../../src/sandbox/entra/error.ts';
import { type Answer, type ReceivedRequest, toJsonAnswer, toTextAnswer } from '../../../src/sandbox/exchange.ts';
import type { RegistryGrant, RegistryOptions } from '../../../src/sandbox/registry.ts';
import type { CanaryWorld, Scene } from '../canary/world.ts';
import type { Failure, FailureGroup } from './failure.ts';
import { closedUrl, knowsNoName, only, retryAtOnce } from './obstacle.ts';

type Tamper = (request: ReceivedRequest) => Answer | undefined;

const azure = 'example.azurecr.io';

/** A push by the run's Azure identity, or who the inputs say. */
function push({ place }: CanaryWorld, reference: string, inputs: Readonly<Record<string, string>> = {}): Scene {
  return { inputs: { image: 'docker-archive:good.tar', advisories: place.sandbox.osv.url, push: reference, ...inputs } };
}

/** A push to an Azure registry of which the options say how it fails. */
function toAzure(
  options: (world: CanaryWorld) => Partial<RegistryOptions>,
  tamper?: Tamper,
  inputs?: Readonly<Record<string, string>>,
): Failure['set'] {
  return async (world) => {
    const host = await world.startNamedRegistry(azure, options(world), tamper === undefined ? {} : { tamper });
    return push(world, `${host}/team/app:1.0`, inputs);
  };
}

const grants = (...actions: RegistryGrant['actions']) => (actions.length === 0 ? [] : [{ repository: 'team/app', actions }]);

/** Takes the identity's token, and lets it do what is named. */
const identityMay = (...actions: RegistryGrant['actions']): Partial<RegistryOptions> => ({
  auth: { kind: 'acr', verifyEntraToken: () => ({ ok: true, name: 'identity', grants: grants(...actions) }) },
});

const errors = (status: number, code: string, message: string, headers = {}): Answer =>
  toJsonAnswer(status, { errors: [{ code, message }] }, headers);
const isExchange = ({ url }: ReceivedRequest): boolean => url.pathname === '/oauth2/exchange';
const isUpload = ({ url }: ReceivedRequest): boolean => /\/uploads\//.test(url.pathname);
const authenticationRequired = 'authentication required, visit https://aka.ms/acr/authorization for more information.';

/** A refresh token that says what is allowed on the whole registry, as of one with ABAC repository permissions, which does not honour that. */
function toRegistryWide(request: ReceivedRequest): Answer | undefined {
  if (!isExchange(request))
    return request.url.pathname === '/oauth2/token' ? toJsonAnswer(200, { access_token: toToken({ access: [] }) }) : undefined;
  return toJsonAnswer(200, { refresh_token: toToken({ permissions: { actions: ['read', 'write', 'delete'] } }) });
}

function toToken(claims: object): string {
  const seconds = Math.floor(Date.now() / 1000);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ ...claims, iat: seconds, exp: seconds + 3600 })}.${randomBytes(32).toString('base64url')}`;
}

const azureIdentity: readonly Failure[] = [
  { what: 'the identity has no role', code: 'forbidden', set: toAzure(() => identityMay()) },
  { what: 'the identity may only pull', code: 'forbidden', set: toAzure(() => identityMay('pull')) },
  {
    what: 'the role is for the whole registry, which has ABAC repository permissions',
    code: 'forbidden',
    set: toAzure(() => ({}), toRegistryWide),
  },
  {
    what: 'the registry does not exchange the token',
    code: 'unauthorized',
    set: toAzure(
      () => ({}),
      only(isExchange, () => errors(401, 'UNAUTHORIZED', authenticationRequired)),
    ),
  },
  {
    what: 'the tenant does not know the audience, and the registry does not take the other',
    code: 'audience-refused',
    set: async (world) => {
      const { entra } = world.place.sandbox;
      const isRegistryToken = ({ url, body }: ReceivedRequest): boolean =>
        /\/token$/.test(url.pathname) && /containerregistry/.test(body.toString());
      const refuse = only(isRegistryToken, ({ headers }) => {
        return toEntraRefusal(entraErrors.unknownResource('https://containerregistry.azure.net', 'Contoso'), entra.url, headers, new Date())
          .answer;
      });
      const scene = await toAzure(
        () => ({}),
        only(isExchange, () => errors(401, 'UNAUTHORIZED', authenticationRequired)),
      )(world);
      return { ...scene, env: { AZURE_AUTHORITY_HOST: await world.standBefore('entra', refuse) } };
    },
  },
  {
    what: 'the firewall of the registry keeps the runner out',
    code: 'registry-firewall',
    set: toAzure(
      () => ({}),
      () => errors(403, 'DENIED', "client with IP '203.0.113.7' is not allowed access, refer https://aka.ms/acr/firewall to grant access"),
    ),
  },
  {
    what: 'the registry is throttled',
    code: 'throttled',
    set: toAzure(
      () => ({}),
      only(isExchange, () => errors(429, 'TOOMANYREQUESTS', 'too many requests', retryAtOnce)),
    ),
  },
  {
    what: 'the registry has a fault',
    code: 'server-error',
    set: toAzure(
      () => ({}),
      only(isExchange, () => errors(503, 'UNAVAILABLE', 'service unavailable', retryAtOnce)),
    ),
  },
  {
    what: 'there is no identity',
    code: 'registry-login-missing',
    exitCode: 2,
    set: toAzure(() => ({}), undefined, { 'azure-identity': 'none' }),
  },
];

/** A push with a user name and the password that the vault of the sandbox has. */
function withPassword(
  username: string,
  users: RegistryOptions['auth'] & { kind: 'acr' | 'bearer' },
  more: Readonly<Record<string, string>> = {},
): Failure['set'] {
  return async (world) => {
    const host = await world.startNamedRegistry(azure, { auth: users });
    return push(world, `${host}/team/app:1.0`, { 'registry-username': username, 'registry-password': world.place.password, ...more });
  };
}

const nobody = { kind: 'acr' as const, verifyEntraToken: () => ({ ok: false as const, reason: 'no' }) };

const azurePassword: readonly Failure[] = [
  { what: 'the admin user is given', code: 'registry-admin', exitCode: 2, set: withPassword('example', nobody) },
  {
    what: 'the admin user is off, or its password wrong',
    code: 'credential-refused',
    set: withPassword('example', nobody, { 'allow-registry-admin': 'true' }),
  },
  { what: 'the password of a repository token is wrong or has expired', code: 'credential-refused', set: withPassword('ci-push', nobody) },
  {
    what: 'the scope map of a repository token lacks an action',
    code: 'forbidden',
    set: async (world) => {
      const users = [{ name: 'ci-pull', password: world.place.password, grants: grants('pull') }];
      return withPassword('ci-pull', { ...nobody, users })(world);
    },
  },
  {
    what: 'the client secret of a service principal is wrong or has expired',
    code: 'credential-refused',
    set: withPassword('11111111-1111-1111-1111-111111111111', nobody),
  },
  {
    what: 'the service principal may only pull',
    code: 'forbidden',
    set: async (world) => {
      const name = '11111111-1111-1111-1111-111111111111';
      return withPassword(name, { ...nobody, users: [{ name, password: world.place.password, grants: grants('pull') }] })(world);
    },
  },
  {
    what: 'a token of `az acr login` has expired',
    code: 'credential-refused',
    set: withPassword('00000000-0000-0000-0000-000000000000', nobody),
  },
  {
    what: 'an earlier login has expired',
    code: 'credential-refused',
    set: async (world) => {
      const scene = await withLogin({ auths: { [azure]: { identitytoken: identityToken(world) } } })(world);
      const host = await world.startNamedRegistry(azure, { auth: nobody });
      return { ...scene, inputs: { ...push(world, `${host}/team/app:1.0`).inputs, 'azure-identity': 'none' } };
    },
  },
];

/** The one that is planted in Docker's configuration. */
function identityToken({ planted }: CanaryWorld): string {
  return planted.find(({ name }) => name === "token in Docker's configuration")?.value.toString() ?? '';
}

/** A push to a registry on this machine. */
function toRegistry(options: (world: CanaryWorld) => Partial<RegistryOptions>, tamper?: Tamper, username = 'shop-ci'): Failure['set'] {
  return async (world) => {
    const { host } = await world.startRegistry('other', options(world), { tamper });
    const login = username === '' ? {} : { 'registry-username': username, 'registry-password': world.place.password };
    return push(world, `${host}/team/app:1.0`, login);
  };
}

const users = (password: string, ...actions: RegistryGrant['actions']) => [{ name: 'shop-ci', password, grants: grants(...actions) }];
const challenge = (value: string): Tamper =>
  only(
    ({ headers, url }) => headers.authorization === undefined && !/token/.test(url.pathname),
    () => ({ ...errors(401, 'UNAUTHORIZED', 'authentication required'), headers: { 'www-authenticate': value } }),
  );
const isTokenRequest = ({ url }: ReceivedRequest): boolean => url.pathname === '/token';

const password: readonly Failure[] = [
  {
    what: 'the password is wrong, at the token service',
    code: 'credential-refused',
    set: toRegistry(() => ({ auth: { kind: 'bearer', users: users('another') } })),
  },
  {
    what: 'the password is wrong, at a registry without one',
    code: 'credential-refused',
    set: toRegistry(() => ({ auth: { kind: 'basic', users: users('another') } })),
  },
  {
    what: 'the user may not push, by its token',
    code: 'forbidden',
    set: toRegistry(({ place }) => ({ auth: { kind: 'bearer', users: users(place.password, 'pull') } })),
  },
  {
    what: 'the user may not push, by the registry',
    code: 'forbidden',
    set: toRegistry(({ place }) => ({ auth: { kind: 'basic', users: users(place.password, 'pull') } })),
  },
  { what: 'nobody may push', code: 'forbidden', set: toRegistry(() => ({ auth: { kind: 'bearer', users: [] } }), undefined, '') },
  { what: 'nobody is let in', code: 'unauthorized', set: toRegistry(() => ({ auth: { kind: 'basic', users: [] } }), undefined, '') },
  {
    what: 'the token service is at a host that is not known to be its',
    code: 'credential-withheld',
    set: toRegistry(() => ({}), challenge('Bearer realm="https://token.example.net/token",service="registry"')),
  },
  {
    what: 'the token service wants the password in clear',
    code: 'credential-withheld',
    set: toNamed('registry.example.com', challenge('Bearer realm="http://registry.example.com/token",service="registry"')),
  },
  {
    what: 'the token service has a user in its address',
    code: 'credential-withheld',
    set: toNamed('registry.example.com', challenge('Bearer realm="https://me@registry.example.com/token",service="registry"')),
  },
  {
    what: 'the way to log in cannot be read',
    code: 'answer-invalid',
    set: toRegistry(() => ({}), challenge('Bearer realm="x", realm="y"')),
  },
  {
    what: 'the token service gives no token',
    code: 'answer-invalid',
    set: toRegistry(
      () => ({}),
      only(isTokenRequest, () => toJsonAnswer(200, {})),
    ),
  },
  {
    what: 'the token service limits the rate',
    code: 'throttled',
    set: toRegistry(
      () => ({}),
      only(isTokenRequest, () => errors(429, 'TOOMANYREQUESTS', 'slow down', retryAtOnce)),
    ),
  },
  {
    what: 'the token service has a fault',
    code: 'server-error',
    set: toRegistry(
      () => ({}),
      only(isTokenRequest, () => toTextAnswer(502, 'Bad Gateway', retryAtOnce)),
    ),
  },
  {
    what: 'the token is not accepted',
    code: 'unauthorized',
    set: toRegistry(
      () => ({}),
      only(
        (request) => isUpload(request),
        () => ({ ...errors(401, 'UNAUTHORIZED', 'invalid token'), headers: {} }),
      ),
    ),
  },
  {
    what: 'the registry leads elsewhere',
    code: 'redirect-refused',
    set: toNamed(
      'registry.example.com',
      only(isUpload, () => ({ ...errors(307, 'MOVED', 'elsewhere'), headers: { location: 'http://elsewhere.example.com/' } })),
    ),
  },
];

/** A push with a password to a registry of that name. */
function toNamed(host: string, tamper: Tamper): Failure['set'] {
  return async (world) => {
    const registry = await world.startNamedRegistry(host, {}, { tamper });
    return push(world, `${registry}/team/app:1.0`, { 'registry-username': 'shop-ci', 'registry-password': world.place.password });
  };
}

const reach: readonly Failure[] = [
  { what: 'nothing answers', code: 'unreachable', set: async (world) => push(world, `${new URL(await closedUrl()).host}/team/app:1.0`) },
  {
    what: 'its name does not resolve',
    code: 'unreachable',
    set: (world) => ({ ...push(world, 'registry.example.com/team/app:1.0'), env: { HTTPS_PROXY: undefined, ...knowsNoName } }),
  },
  {
    what: 'its TLS certificate is of an authority that is not trusted',
    code: 'unreachable',
    set: async (world) => {
      const tls = await (await createCertificateAuthority()).issueTls(['registry.example.com']);
      return push(world, `${await world.startNamedRegistry('registry.example.com', {}, { tls })}/team/app:1.0`);
    },
  },
  { what: 'the proxy has no way to it', code: 'unreachable', set: (world) => push(world, 'unknown.example.com/team/app:1.0') },
  {
    what: 'the proxy wants another password',
    code: 'unreachable',
    set: (world) => ({
      ...push(world, 'registry.example.com/team/app:1.0'),
      env: { HTTPS_PROXY: world.machine.HTTPS_PROXY?.replace(/:[^:@]*@/, ':wrong@') },
    }),
  },
  {
    what: 'the proxy does not answer',
    code: 'unreachable',
    set: async (world) => ({ ...push(world, 'registry.example.com/team/app:1.0'), env: { HTTPS_PROXY: await closedUrl('http') } }),
  },
  {
    what: 'a proxy variable holds no address',
    code: 'proxy-invalid',
    exitCode: 2,
    set: (world) => ({ ...push(world, 'registry.example.com/team/app:1.0'), env: { HTTPS_PROXY: 'socks5://127.0.0.1:1080' } }),
  },
  {
    what: 'it is no registry',
    code: 'answer-invalid',
    set: toRegistry(
      () => ({}),
      () => toTextAnswer(200, '<html>Welcome</html>', { 'content-type': 'text/html' }),
      '',
    ),
  },
];

const known: readonly Failure[] = [
  'ghcr.io',
  'registry-1.docker.io',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  'europe-docker.pkg.dev',
  'registry.gitlab.com',
  'registry.digitalocean.com',
].map((host) => ({
  what: `the password is wrong at \`${host.replace('registry-1.', '')}\``,
  code: 'credential-refused',
  set: async (world) => {
    await world.startNamedRegistry(host, { auth: { kind: 'basic', users: [] } });
    return push(world, `${host.replace('registry-1.', '')}/team/app:1.0`, {
      'registry-username': 'shop-ci',
      'registry-password': world.place.password,
    });
  },
}));

/** A push with what a file of earlier logins says. `helper`: what `docker-credential-pass` is. */
function withLogin(config: object | string, helper?: string): Failure['set'] {
  return async (world) => {
    const folder = await world.place.newFolder('docker');
    await writeFile(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    const bin = join(folder, 'bin');
    await mkdir(bin);
    if (helper !== undefined) {
      await writeFile(join(bin, 'docker-credential-pass'), helper);
      await chmod(join(bin, 'docker-credential-pass'), 0o755);
    }
    await world.startNamedRegistry('registry.example.com', { auth: { kind: 'basic', users: [] } });
    return { ...push(world, 'registry.example.com/team/app:1.0'), env: { DOCKER_CONFIG: folder, PATH: bin } };
  };
}

const asked = { credHelpers: { 'registry.example.com': 'pass' } };
/** What the helper knows is as secret as what a file holds. */
const answering =
  (answer: (world: CanaryWorld) => object | string): Failure['set'] =>
  (world) => {
    const text = answer(world);
    return withLogin(
      asked,
      `#!/bin/sh\nread server\necho '${(typeof text === 'string' ? text : JSON.stringify(text)).replaceAll("'", "'\\''")}'\n`,
    )(world);
  };

const logins: readonly Failure[] = [
  {
    what: 'the helper does not answer',
    code: 'helper-timeout',
    set: withLogin(asked, '#!/bin/sh\nwhile :; do read -r line < /dev/zero; done\n'),
  },
  { what: 'the configuration file is damaged', code: 'docker-config-invalid', exitCode: 2, set: withLogin('{ "auths": ') },
  {
    what: 'its entry is no object',
    code: 'docker-config-invalid',
    exitCode: 2,
    set: withLogin({ auths: { 'registry.example.com': 'x' } }),
  },
  {
    what: '`auth` is no base64 of user and password',
    code: 'docker-config-invalid',
    exitCode: 2,
    set: (world) => withLogin({ auths: { 'registry.example.com': { auth: `!${world.place.password}` } } })(world),
  },
  {
    what: 'the password of an earlier login is wrong',
    code: 'credential-refused',
    set: (world) => withLogin({ auths: { 'registry.example.com': { username: 'me', password: world.place.password } } })(world),
  },
  { what: 'there is no such helper', code: 'helper-absent', exitCode: 2, set: withLogin(asked) },
  {
    what: 'the helper ends with an error',
    code: 'helper-failed',
    set: (world) => withLogin(asked, `#!/bin/sh\necho '${world.planted[0]?.value.toString('hex')}' >&2\nexit 2\n`)(world),
  },
  { what: 'the helper cannot be started', code: 'helper-failed', set: withLogin(asked, '#!/nowhere/to/be/found\n') },
  {
    what: 'the helper knows nobody',
    code: 'unauthorized',
    set: withLogin(asked, '#!/bin/sh\necho "credentials not found in native keychain"\nexit 1\n'),
  },
  { what: 'the helper prints no JSON', code: 'helper-answer-invalid', set: answering((world) => `password: ${identityToken(world)}`) },
  {
    what: 'the helper prints JSON of another form',
    code: 'helper-answer-invalid',
    set: answering((world) => ({ Secret: [identityToken(world)] })),
  },
  {
    what: 'the helper answers for another server',
    code: 'helper-answer-invalid',
    set: answering((world) => ({ ServerURL: 'elsewhere.example.com', Username: 'me', Secret: identityToken(world) })),
  },
  {
    what: 'the helper prints an empty password',
    code: 'helper-answer-invalid',
    set: answering(() => ({ ServerURL: 'registry.example.com', Username: 'me', Secret: '' })),
  },
  {
    what: 'the helper prints control characters',
    code: 'helper-answer-invalid',
    set: answering((world) => ({ Username: 'me', Secret: `${identityToken(world)}\u0007` })),
  },
  {
    what: 'the helper prints too much',
    code: 'helper-answer-invalid',
    set: withLogin(asked, '#!/bin/sh\nwhile :; do echo 0123456789012345678901234567890123456789; done\n'),
  },
];

export const registryFailures: readonly FailureGroup[] = [
  { title: 'Azure Container Registry: the Azure identity', failures: azureIdentity },
  { title: 'Azure Container Registry: user name and password', failures: azurePassword },
  { title: 'Any registry: log-in and rights', failures: password },
  { title: 'Any registry: the way there', failures: reach },
  { title: 'Well-known registries', failures: known },
  { title: 'Files of earlier logins and credential helpers', failures: logins },
];
