import { identityKinds } from '../../lib/credential-choice.ts';
import { commands, type Input } from '../input.ts';

/** Who the run is, what it may have of a vault, and how it speaks to registries. */
export const credentialInputs = [
  {
    name: 'key-vault',
    type: 'text',
    commands,
    defaultText: 'empty',
    description: 'Name or URL of the Azure Key Vault that holds the secrets and the signing key.',
  },
  {
    name: 'secrets',
    type: 'list',
    commands,
    defaultText: 'empty',
    description: 'Key Vault secrets that this run needs, as `NAME = secret-name` lines. Other inputs refer to one as `secret:NAME`.',
  },
  {
    name: 'export-secrets',
    type: 'list',
    defaultText: 'empty: none',
    description:
      'Names out of `secrets` that later steps may have: on GitHub as masked outputs of this step, on Azure Pipelines as secret variables. Only after a run that passed. Whatever runs in a step that names one can read it.',
  },
  {
    name: 'azure-service-connection',
    type: 'azure-connection',
    onlyOn: 'azure-pipelines',
    commands,
    defaultText: 'empty',
    description:
      'Azure Resource Manager service connection whose identity reads the vault and pushes: by workload identity federation, with a secret or certificate, or a managed identity.',
  },
  {
    name: 'azure-identity',
    type: 'choice',
    commands,
    choices: identityKinds,
    default: 'auto',
    description: 'How the run proves to Azure who it is; `auto` takes the first that is there, `none` has no Azure identity.',
  },
  {
    name: 'azure-tenant-id',
    type: 'text',
    commands,
    defaultText: '`AZURE_TENANT_ID`',
    description: 'Microsoft Entra tenant of the identity that reads the vault and pushes.',
  },
  {
    name: 'azure-client-id',
    type: 'text',
    commands,
    defaultText: '`AZURE_CLIENT_ID`',
    description:
      'Client id of that identity: of an application that the run is federated with or holds a secret or certificate of, or of a user-assigned managed identity.',
  },
  {
    name: 'registry-username',
    type: 'credential',
    commands,
    defaultText: "Docker's configuration file",
    description: 'User name for registries that take a password.',
  },
  {
    name: 'registry-password',
    type: 'credential',
    commands,
    defaultText: "Entra ID for Azure Container Registry, else Docker's configuration file",
    description: 'Password for that user: `secret:NAME`.',
  },
  {
    name: 'allow-registry-admin',
    type: 'flag',
    commands,
    default: 'false',
    description:
      'Log in to Azure Container Registry as its admin user, too. Without this it is refused: everybody shares its password, and it may do everything.',
  },
  {
    name: 'registry-token-host',
    type: 'list',
    commands,
    defaultText: 'the known ones',
    description:
      'Token services at another host than their registry, as `REGISTRY=HOST` lines: that registry may have its credential sent there, e.g. `registry.example.com=gitlab.example.com`.',
  },
  {
    name: 'insecure-registry',
    type: 'list',
    commands,
    defaultText: 'empty',
    description: 'Registry hosts that may be spoken to over http. Loopback hosts always may.',
  },
] as const satisfies readonly Input[];
