import type { ReceivedRequest } from '../../../src/sandbox/exchange.ts';
import { fileInputs, vaultInputs } from '../../main/place.ts';
import { type HostKind, hostKinds } from '../../main/step-run.ts';
import { type EchoForm, echoAsEntra, echoAsErrors, echoAsText, echoAsVault } from './echo.ts';
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
  { what: 'the mirror', exitCode: 0, set: toMirror },
  { what: 'the doctor', exitCode: 0, set: (world) => withInputs(fromVault(world), { command: 'doctor' }) },
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
