import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../command/world.ts';
import { readTokenFile } from '../host/kubernetes-token.ts';
import type { CertificateSource } from '../lib/credential-choice.ts';
import { SecretValue } from '../lib/secret-value.ts';
import { readLoginFiles } from './login-files.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The environment variables and files that count on every host. */
export async function readEnvironment(env: Variables): Promise<Environment> {
  return {
    docker: {
      host: env.DOCKER_HOST,
      context: env.DOCKER_CONTEXT,
      tls: env.DOCKER_TLS,
      tlsVerify: env.DOCKER_TLS_VERIFY,
      certPath: env.DOCKER_CERT_PATH,
      configFolder: toDockerFolder(env),
    },
    loginFiles: await readLoginFiles(env, toDockerFolder(env)),
    azureTenantId: env.AZURE_TENANT_ID,
    azureClientId: env.AZURE_CLIENT_ID,
    azureClientSecret: env.AZURE_CLIENT_SECRET ? new SecretValue(env.AZURE_CLIENT_SECRET) : undefined,
    azureAuthorityHost: env.AZURE_AUTHORITY_HOST,
    azureClientCertificate: toCertificate(env),
    federatedTokenFile: toTokenFile(env),
    instanceMetadata: toInstanceMetadata(env),
    endpointSecrets: [env.IDENTITY_HEADER, env.MSI_SECRET].flatMap((secret) => (secret ? [new SecretValue(secret)] : [])),
    openServiceConnection: undefined,
    cacheFolder: toCacheFolder(env),
    standardInput: undefined,
    hostUrl: undefined,
    hostChecks: [],
    giveHostToken: () => undefined,
    fetchIdentityToken: undefined,
    findBuildRun: async () => undefined,
  };
}

/** Inputs that say what a run is about. */
export interface SubjectInputs {
  readonly command?: string | undefined;
  readonly image?: string | undefined;
  readonly reference?: string | undefined;
  readonly deployment?: string | undefined;
}

/** What a run is about, alike in all runs of a pull request: the image without its tag or digest, or what is verified. */
export function toSubject({ command, image = '', reference, deployment }: SubjectInputs): string {
  if (command?.trim().toLowerCase() !== 'verify') return withoutVersion(image);
  const named = (deployment || reference || '').trim().split(/\s*[\r\n]+\s*/);
  return ['verify', ...named.map(withoutVersion)].join(' ').slice(0, 200);
}

function withoutVersion(image: string): string {
  return image.replace(/@sha256:[0-9a-f]+$/, '').replace(/:[\w][\w.-]{0,127}$/, '');
}

function toDockerFolder(env: Variables): string {
  return env.DOCKER_CONFIG || join(homedir(), '.docker');
}

/** The tool cache of a runner, which self-hosted ones keep; else as the XDG Base Directory Specification has it. */
function toCacheFolder(env: Variables): string {
  const folder = env.RUNNER_TOOL_CACHE || env.AGENT_TOOLSDIRECTORY || env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(folder, 'image-custody', 'advisories');
}

function toCertificate(env: Variables): CertificateSource | undefined {
  const { AZURE_CLIENT_CERTIFICATE_PATH: path, AZURE_CLIENT_CERTIFICATE_PASSWORD: password } = env;
  if (!path) return undefined;
  const sendChain = /^(?:1|true)$/i.test(env.AZURE_CLIENT_SEND_CERTIFICATE_CHAIN ?? '');
  return { kind: 'file', path, password: password ? new SecretValue(password) : undefined, sendChain };
}

/** Set by the webhook of Microsoft Entra Workload ID: https://learn.microsoft.com/azure/aks/workload-identity-overview */
function toTokenFile({ AZURE_FEDERATED_TOKEN_FILE: path }: Variables): Environment['federatedTokenFile'] {
  return path ? { path, read: () => readTokenFile(path) } : undefined;
}

/** Variables with which App Service, Service Fabric, Azure Machine Learning and Azure Arc name their endpoint, and where Azure Arc has its agent. */
function toInstanceMetadata(env: Variables): string | undefined {
  const arcAgent = process.platform === 'win32' ? `${env.ProgramFiles}\\AzureConnectedMachineAgent\\himds.exe` : '/opt/azcmagent/bin/himds';
  if (env.IDENTITY_ENDPOINT || env.MSI_ENDPOINT || existsSync(arcAgent)) return undefined;
  return env.AZURE_POD_IDENTITY_AUTHORITY_HOST?.replace(/\/+$/, '') || 'http://169.254.169.254';
}
