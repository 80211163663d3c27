import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ReceivedRequest } from '../../../src/sandbox/exchange.ts';
import { fileInputs, vaultInputs } from '../../main/place.ts';
import { type HostKind, hostKinds } from '../../main/step-run.ts';
import { type EchoForm, echoAsEntra, echoAsErrors, echoAsText, echoAsVault, echoHeaders } from './echo.ts';
import { byApp, byAzureCli, byCertificate, byConnection, byMachine, byTokenFile, withEnv } from './identities.ts';
import type { CanaryWorld, Scene } from './world.ts';

/** A run that has to go as it says, and to show no credential. */
export interface Play {
  readonly what: string;
  readonly exitCode: number;
  readonly hosts?: readonly HostKind[];
  set(world: CanaryWorld): Scene | Promise<Scene>;
}

const secrets = 'REGISTRY_PASSWORD = registry-password\nLINES = lines\nSHORT = short';

/** Everything from the vault: secrets of all kinds, the key, and the password of a registry. */
export function fromVault(world: CanaryWorld, reference = `${world.registry.host}/team/vault:1.0`): Scene {
  return { inputs: { ...vaultInputs(world.place, reference), secrets } };
}

/** Azure Container Registry through a proxy that wants a password, signed with the vault. */
export function toAzure(world: CanaryWorld): Scene {
  const { 'registry-username': _, 'registry-password': __, ...inputs } = fromVault(world, `${world.azureRegistry}/team/azure:1.0`).inputs;
  return { inputs };
}

/** A password and a key that the machine holds. */
export function fromFiles(world: CanaryWorld): Scene {
  return { inputs: fileInputs(world.place, `${world.registry.host}/team/file:1.0`) };
}

export const goodPlays: readonly Play[] = [
  { what: 'secrets and key of the vault', exitCode: 0, set: (world) => fromVault(world) },
  { what: 'Azure Container Registry, through a proxy', exitCode: 0, set: toAzure },
  { what: 'a password and a key file', exitCode: 0, set: fromFiles },
  {
    what: 'a scan alone',
    exitCode: 0,
    set: ({ place }) => ({ inputs: { image: 'docker-archive:good.tar', advisories: place.sandbox.osv.url } }),
  },
  { what: 'denied', exitCode: 1, set: (world) => withInputs(fromVault(world), { image: 'docker-archive:bad.tar' }) },
  { what: 'the image of a registry', exitCode: 0, set: fromRegistry },
  ...(['federated', 'secret', 'certificate', 'managed'] as const).flatMap((kind): readonly Play[] => [
    { what: `a service connection, ${kind}`, exitCode: 0, hosts: ['azure-pipelines'], set: (world) => byConnection(kind, toAzure(world)) },
  ]),
  { what: 'a client certificate', exitCode: 0, hosts: ['cli'], set: (world) => byCertificate(world, toAzure(world)) },
  { what: 'the identity of a machine', exitCode: 0, hosts: ['cli'], set: (world) => byMachine(world, toAzure(world)) },
  { what: 'the identity of an app', exitCode: 0, hosts: ['cli'], set: (world) => byApp(world, toAzure(world)) },
  { what: 'a token file', exitCode: 0, hosts: ['cli'], set: (world) => byTokenFile(world, toAzure(world)) },
  { what: 'the Azure CLI', exitCode: 0, hosts: ['cli'], set: (world) => byAzureCli(world, toAzure(world)) },
  { what: "Docker's configuration", exitCode: 0, set: fromLogin },
  { what: 'a credential helper', exitCode: 0, set: fromHelper },
  { what: 'a Docker daemon that wants a certificate', exitCode: 2, hosts: ['cli'], set: fromDaemon },
  {
    what: 'a secret for later steps',
    exitCode: 0,
    hosts: ['github', 'azure-pipelines'],
    set: (world) => ({ ...withInputs(fromVault(world), { 'export-secrets': 'REGISTRY_PASSWORD' }), exported: ['REGISTRY_PASSWORD'] }),
  },
  { what: 'the doctor', exitCode: 0, set: (world) => withInputs(fromVault(world), { command: 'doctor' }) },
  { what: 'the mirror', exitCode: 0, set: toMirror },
  { what: 'advisories of a registry', exitCode: 3, hosts: ['cli'], set: fromMirror },
  {
    what: 'the doctor of Azure Container Registry, through a proxy',
    exitCode: 0,
    set: (world) => withInputs(toAzure(world), { command: 'doctor' }),
  },
  { what: 'the demo', exitCode: 0, hosts: ['cli'], set: () => ({ inputs: {}, args: ['demo'] }) },
];

export async function fromRegistry(world: CanaryWorld): Promise<Scene> {
  await world.run('cli', fromVault(world, `${world.registry.host}/team/source:1.0`));
  return withInputs(fromVault(world), { image: `registry:${world.registry.host}/team/source:1.0` });
}

function toMirror(world: CanaryWorld): Scene {
  const { image: _, ...inputs } = fromVault(world, `${world.registry.host}/team/advisories:1`).inputs;
  return { inputs: { ...inputs, command: 'mirror' } };
}

/** The password that a file of earlier logins holds. */
async function fromLogin(world: CanaryWorld): Promise<Scene> {
  const stored = credentialOf(world, "password in Docker's configuration");
  await world.startNamedRegistry('stored.example', { auth: { kind: 'bearer', users: [{ ...ofTeam, name: 'me', password: stored }] } });
  return pushTo(world, 'stored.example');
}

/** The password that a program prints. */
async function fromHelper(world: CanaryWorld): Promise<Scene> {
  const Secret = credentialOf(world, "password in Docker's configuration");
  const folder = await world.place.newFolder('helper');
  const answer = JSON.stringify({ ServerURL: 'helped.example', Username: 'me', Secret }).replaceAll("'", "'\\''");
  await writeFile(join(folder, 'config.json'), JSON.stringify({ credHelpers: { 'helped.example': 'pass' } }));
  await writeFile(join(folder, 'docker-credential-pass'), `#!/bin/sh\nread server\n/bin/true "$server"\nprintf '%s\\n' '${answer}'\n`);
  await chmod(join(folder, 'docker-credential-pass'), 0o755);
  await world.startNamedRegistry('helped.example', { auth: { kind: 'bearer', users: [{ ...ofTeam, name: 'me', password: Secret }] } });
  const scene = pushTo(world, 'helped.example');
  return { ...scene, env: { DOCKER_CONFIG: folder, PATH: folder } };
}

const ofTeam = { grants: [{ repository: 'team/*', actions: ['pull', 'push'] as const }] };

function pushTo({ place }: CanaryWorld, registry: string): Scene {
  return { inputs: { image: 'docker-archive:good.tar', advisories: place.sandbox.osv.url, push: `${registry}/team/app:1.0` } };
}

function credentialOf({ planted }: CanaryWorld, name: string): string {
  return planted.find((credential) => credential.name === name)?.value.toString('utf8') ?? '';
}

/** It has no image of that name; who asks has shown a certificate. */
async function fromDaemon(world: CanaryWorld): Promise<Scene> {
  const { authority, osv } = world.place.sandbox;
  const tls = await authority.issueTls();
  const options = { key: tls.keyPem, cert: tls.certificatePem, ca: authority.certificatePem, requestCert: true, rejectUnauthorized: true };
  const daemon = createServer(options, (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ message: 'No such image: app:ci' }));
  });
  await once(daemon.listen(0, '127.0.0.1'), 'listening');
  world.closeLater(() => daemon.close());
  const env = {
    DOCKER_HOST: `tcp://127.0.0.1:${(daemon.address() as AddressInfo).port}`,
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: world.certificates,
  };
  return { inputs: { image: 'app:ci', advisories: osv.url }, env };
}

async function fromMirror(world: CanaryWorld): Promise<Scene> {
  await world.run('cli', toMirror(world));
  return withInputs(fromVault(world), { advisories: `registry:${world.registry.host}/team/advisories:1` });
}

function withInputs(scene: Scene, more: Readonly<Record<string, string>>): Scene {
  return { ...scene, inputs: { ...scene.inputs, ...more } };
}

/** A server that gives back what it was sent, in each place that is sent a credential. */
export function echoPlays(form: EchoForm): readonly Play[] {
  const only =
    (path: RegExp, answer: (request: ReceivedRequest) => ReturnType<ReturnType<typeof echoAsText>>) => (request: ReceivedRequest) =>
      path.test(request.url.pathname) && (request.headers.authorization !== undefined || request.body.length > 0)
        ? answer(request)
        : undefined;
  const entra = (code: number): Play => ({
    what: `Entra ID, refusing with ${code}`,
    exitCode: 3,
    set: async (world) => {
      const url = await world.standBefore('entra', only(/\/token$/, echoAsEntra(code, form)));
      return { ...fromVault(world), env: { AZURE_AUTHORITY_HOST: url } };
    },
  });
  const vault = (what: string, answer: (request: ReceivedRequest) => ReturnType<ReturnType<typeof echoAsText>>): Play => ({
    what: `the vault, refusing ${what}`,
    exitCode: 3,
    set: async (world) => withInputs(fromVault(world), { 'key-vault': await world.standBefore('vault', only(/^/, answer)) }),
  });
  const registry = (what: string, path: RegExp, answer: (request: ReceivedRequest) => ReturnType<ReturnType<typeof echoAsText>>): Play => ({
    what: `a registry, refusing ${what}`,
    exitCode: 3,
    set: async (world) => {
      const url = await world.standBefore('registry password', only(path, answer));
      return fromVault(world, `${new URL(url).host}/team/echo:1.0`);
    },
  });
  return [
    entra(7000215),
    entra(1),
    vault('a role', echoAsVault(403, 'ForbiddenByRbac', form)),
    vault('with 500', echoAsText(500, form)),
    vault('with 401', echoAsVault(401, 'Unauthorized', form)),
    registry('a token', /\/token$/, echoAsErrors(401, form)),
    registry('an upload', /uploads/, echoAsErrors(403, form)),
    registry('with 500', /uploads/, echoAsText(500, form)),
    {
      what: 'GitHub',
      exitCode: 0,
      hosts: ['github'],
      set: async (world) => ({
        ...fromVault(world),
        env: { GITHUB_API_URL: await world.standBefore('github', only(/^\/repos/, echoAsErrors(403, form))) },
      }),
    },
    {
      what: "GitHub's identity tokens",
      exitCode: 3,
      hosts: ['github'],
      set: async (world) => {
        const url = await world.standBefore('github', only(/idtoken/, echoAsErrors(403, form)));
        return { ...fromVault(world), env: { ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/_oidc/idtoken?api-version=2.0` } };
      },
    },
    {
      what: "Azure DevOps' identity tokens",
      exitCode: 3,
      hosts: ['azure-pipelines'],
      set: async (world) => {
        const url = await world.standBefore('azure-devops', only(/oidctoken$/, echoAsErrors(403, form)));
        const scene = byConnection('federated', fromVault(world));
        return withEnv(scene, { SYSTEM_OIDCREQUESTURI: `${url}/contoso/Shop/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken` });
      },
    },
    {
      what: "an app's endpoint",
      exitCode: 3,
      hosts: ['cli'],
      set: async (world) => {
        const scene = await byApp(world, fromVault(world));
        const url = await world.standBefore('app-service', echoHeaders(form));
        return withEnv(scene, { IDENTITY_ENDPOINT: `${url}/msi/token` });
      },
    },
    {
      what: 'Azure DevOps',
      exitCode: 0,
      hosts: ['azure-pipelines'],
      set: async (world) => {
        const url = await world.standBefore('azure-devops', only(/_apis\/(?:git|permissions|connectionData)/, echoAsErrors(403, form)));
        const collection = `${url}/contoso/`;
        return { ...fromVault(world), env: { SYSTEM_COLLECTIONURI: collection, ENDPOINT_URL_SYSTEMVSSCONNECTION: collection } };
      },
    },
  ];
}

/** The same, looked at by `doctor`. */
export function doctorPlays(form: EchoForm): readonly Play[] {
  return echoPlays(form).map((play) => ({
    ...play,
    what: `${play.what}, seen by doctor`,
    set: async (world) => withInputs(await play.set(world), { command: 'doctor' }),
  }));
}

export function castOf({ hosts = hostKinds }: Play): readonly HostKind[] {
  return hosts;
}
