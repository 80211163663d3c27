import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAppServiceIdentity } from '../../../src/sandbox/managed-identity.ts';
import { connectionNames } from '../../../src/sandbox/service-connections.ts';
import { fetchJson } from './fetch-json.ts';
import type { CanaryWorld, Scene } from './world.ts';

/** What each kind of Azure identity is given on a machine that has it; each takes the run that it is for. */

/** A service connection of Azure Pipelines. */
export function byConnection(kind: keyof typeof connectionNames, scene: Scene): Scene {
  return { ...scene, inputs: { ...scene.inputs, 'azure-service-connection': connectionNames[kind] } };
}

/** A certificate in a file. */
export async function byCertificate(world: CanaryWorld, scene: Scene, pem?: string, env: Scene['env'] = {}): Promise<Scene> {
  const file = join(await world.place.newFolder('certificate'), 'client.pem');
  await writeFile(file, pem ?? (await world.place.sandbox.clientCertificate()));
  return withEnv(scene, { AZURE_CLIENT_SECRET: undefined, AZURE_CLIENT_CERTIFICATE_PATH: file, ...env });
}

/** The managed identity of a virtual machine. `metadata`: address of its metadata service. */
export function byMachine(world: CanaryWorld, scene: Scene, metadata = world.place.sandbox.metadata.url): Scene {
  return withEnv(named(scene, 'managed-identity'), {
    AZURE_CLIENT_SECRET: undefined,
    AZURE_CLIENT_ID: world.place.sandbox.identity.machineId,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata,
  });
}

/** The managed identity of an app; `header` is what its endpoint wants, by default what it is given. */
export async function byApp(world: CanaryWorld, scene: Scene, header = world.appHeader): Promise<Scene> {
  const { entra, identity } = world.place.sandbox;
  const identities = [{ clientId: identity.machineId, kind: 'system' as const }];
  const { endpoint, url, close } = await startAppServiceIdentity({ entra, identities, header, onExchange: world.record });
  world.serve('app-service', url);
  world.closeLater(close);
  return withEnv(named(scene, 'managed-identity'), {
    AZURE_CLIENT_SECRET: undefined,
    AZURE_CLIENT_ID: undefined,
    IDENTITY_ENDPOINT: endpoint,
    IDENTITY_HEADER: world.appHeader,
  });
}

/** A token that Kubernetes keeps in a file; for the sandbox's tenant it is one of GitHub's. */
export async function byTokenFile(world: CanaryWorld, scene: Scene, content?: string): Promise<Scene> {
  const file = join(await world.place.newFolder('token'), 'azure-identity-token');
  if (content !== '') await writeFile(file, content ?? (await fetchFederatedToken(world)));
  return withEnv(scene, { AZURE_CLIENT_SECRET: undefined, AZURE_FEDERATED_TOKEN_FILE: file });
}

async function fetchFederatedToken({ place: { sandbox, newFolder } }: CanaryWorld): Promise<string> {
  const { env } = await sandbox.prepareGithubStep({ folder: await newFolder('probe'), inputs: {} });
  const url = `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=api://AzureADTokenExchange`;
  const { value } = await fetchJson(url, { authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` });
  return String(value);
}

/** The Azure CLI, logged in; or what `script` is. */
export async function byAzureCli(world: CanaryWorld, scene: Scene, script?: string): Promise<Scene> {
  const { entra, identity } = world.place.sandbox;
  const bin = await world.place.newFolder('bin');
  const answerFor = async (resource: string): Promise<string> => {
    const accessToken = await entra.issueToken(identity.clientId, resource);
    const expires_on = Math.floor(Date.now() / 1000) + 3600;
    return JSON.stringify({ accessToken, expires_on, tenant: identity.tenantId, tokenType: 'Bearer' });
  };
  const [vault, registry] = await Promise.all(['https://vault.azure.net', 'https://containerregistry.azure.net'].map(answerFor));
  const loggedIn = `case "$*" in *vault*) echo '${vault}' ;; *containerregistry*) echo '${registry}' ;; *) exit 1 ;; esac`;
  await mkdir(bin, { recursive: true });
  if (script !== '') await writeFile(join(bin, 'az'), `#!/bin/sh\n${script ?? loggedIn}\n`);
  if (script !== '') await chmod(join(bin, 'az'), 0o755);
  return withEnv(named(scene, 'azure-cli'), { AZURE_CLIENT_SECRET: undefined, PATH: bin });
}

function named(scene: Scene, identity: string): Scene {
  return { ...scene, inputs: { ...scene.inputs, 'azure-identity': identity } };
}

export function withEnv(scene: Scene, env: Scene['env']): Scene {
  return { ...scene, env: { ...scene.env, ...env } };
}
