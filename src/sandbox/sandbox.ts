import { randomBytes, randomUUID, type X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AzureDevops, startAzureDevops } from './azure-devops.ts';
import {
  type AzurePipelinesJob,
  type AzurePipelinesStep,
  type AzurePipelinesStepOptions,
  prepareAzurePipelinesStep,
} from './azure-pipelines-agent.ts';
import { type CertificateAuthority, createCertificateAuthority, createSigningChain, toChainPem, toPrivateKeyPem } from './certificate.ts';
import { type Entra, startEntra } from './entra.ts';
import type { Exchange } from './exchange.ts';
import type { WorkflowRun } from './github/identity-token.ts';
import { type Github, startGithub } from './github.ts';
import { type GithubJob, type GithubStep, type GithubStepOptions, prepareGithubStep } from './github-runner.ts';
import type { VaultPermission } from './key-vault/access.ts';
import { type KeyVault, startKeyVault } from './key-vault.ts';
import { startInstanceMetadata } from './managed-identity.ts';
import { type OsvOptions, startOsv } from './osv.ts';
import { connectionNames, toServiceConnections } from './service-connections.ts';
import type { StandIn } from './stand-in.ts';

export interface SandboxOptions {
  /** Key Vault secrets by name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** What the identity may do in the vault. Default: read secrets and certificates, and sign. */
  readonly vaultGrants?: readonly VaultPermission[];
  /** Token of the job on GitHub; random where absent. */
  readonly githubToken?: string;
  /** What the stand-in of osv.dev knows; nothing where absent. */
  readonly advisories?: Pick<OsvOptions, 'records' | 'matches'>;
  /** Called after each exchange of any stand-in, which its URL tells. */
  readonly onExchange?: (exchange: Exchange) => void;
  readonly now?: () => Date;
}

/** A whole outside world on 127.0.0.1, but for the registry. */
export interface Sandbox {
  readonly authority: CertificateAuthority;
  /** PEM file of the authority, for NODE_EXTRA_CA_CERTS; in the environments below it stands already. */
  readonly caFile: string;
  readonly entra: Entra;
  readonly vault: KeyVault;
  readonly github: Github;
  readonly azureDevops: AzureDevops;
  readonly osv: StandIn;
  /** Metadata service of a machine that has one managed identity. */
  readonly metadata: StandIn;
  readonly identity: SandboxIdentity;
  /** Certificate in the vault that its key signs with, and its chain: leaf first, root last. */
  readonly signing: { readonly name: string; readonly chain: readonly X509Certificate[] };
  /** Token of the job on GitHub, as `${{ github.token }}` would give it to an input. */
  readonly githubToken: string;
  readonly pullRequest: number;
  /** PEM of a private key and a certificate that is registered for the application; made when it is first asked for. */
  clientCertificate(): Promise<string>;
  /** What a GitHub runner would give the step, in a folder of its own. */
  prepareGithubStep(options: GithubStepOptions): Promise<GithubStep>;
  /** What an Azure Pipelines agent would give the step, in a folder of its own. */
  prepareAzurePipelinesStep(options: AzurePipelinesStepOptions): Promise<AzurePipelinesStep>;
  close(): Promise<void>;
}

/** The one application of the tenant and the managed identity of a machine; both may read secrets and certificates and sign. */
export interface SandboxIdentity {
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly clientSecret: string;
  /** Service connection of Azure Pipelines that federates with it. */
  readonly connectionId: string;
  /** Client id of the managed identity. */
  readonly machineId: string;
  readonly machineObjectId: string;
}

const repository = { owner: 'contoso', name: 'shop', private: true };
const commits = { head: 'a1'.repeat(20), base: 'b2'.repeat(20), merge: 'c3'.repeat(20) };
const pullRequestNumber = 7;
const signingName = 'image-signing';
const defaultGrants = ['secrets/get', 'secrets/readMetadata', 'certificates/get', 'keys/sign'] as const;

/** Starts every stand-in but the registry; `folder` is made and gets the authority's certificate. */
export async function startSandbox(folder: string, options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? (() => new Date());
  await mkdir(folder, { recursive: true });
  const caFile = join(folder, 'ca.pem');
  const authority = await createCertificateAuthority(now);
  const [tls, chain] = await Promise.all([
    authority.issueTls(),
    createSigningChain({ name: signingName, now }),
    writeFile(caFile, authority.certificatePem),
  ]);
  const shared = { tls, now, onExchange: options.onExchange };
  const identity = createIdentity();
  const github = await startGithubJob(shared, options.githubToken ?? `ghs_${randomBytes(18).toString('hex')}`);
  const devops = await startAzurePipelinesJob(shared, identity);
  const { azureDevops } = devops;
  const certificates: X509Certificate[] = [];
  const entra = await startTenant(shared, authority, identity, certificates, github.github, azureDevops);
  const metadata = await startInstanceMetadata({
    ...shared,
    tls: undefined,
    entra,
    identities: [{ clientId: identity.machineId, kind: 'user' }],
  });
  const clientCertificate = once(() => createClientCertificate(certificates, now));
  const grants = options.vaultGrants ?? defaultGrants;
  const vault = await startKeyVault({
    ...shared,
    entra,
    grants: { [identity.objectId]: grants, [identity.machineObjectId]: grants },
    secrets: Object.entries(options.secrets ?? {}).map(([name, value]) => ({ name, value })),
    certificates: [{ name: signingName, chain: chain.certificates, privateKey: chain.keys.privateKey }],
  });
  const osv = await startOsv({ ...shared, records: [], ...options.advisories });
  const azureEnvironment = { NODE_EXTRA_CA_CERTS: caFile, AZURE_AUTHORITY_HOST: entra.url };
  const standIns = [github.github, azureDevops, entra, vault, osv, metadata];
  return {
    authority,
    caFile,
    entra,
    vault,
    github: github.github,
    azureDevops,
    osv,
    metadata,
    clientCertificate,
    identity,
    signing: { name: signingName, chain: chain.certificates },
    githubToken: github.token,
    pullRequest: pullRequestNumber,
    prepareGithubStep: async (step) => {
      const prepared = await prepareGithubStep(github, step);
      const { tenantId, clientId } = identity;
      return { ...prepared, env: { ...prepared.env, ...azureEnvironment, AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId } };
    },
    prepareAzurePipelinesStep: async (step) => {
      const given = Object.values(step.inputs);
      const pem = given.includes(connectionNames.certificate) ? await clientCertificate() : '';
      const connections = toServiceConnections(identity, pem, entra.url);
      const prepared = await prepareAzurePipelinesStep({ ...devops, connections }, step);
      // That of a machine of Azure is at a link-local address; this variable of AKS names another.
      const machine = given.includes(connectionNames.managed) ? { AZURE_POD_IDENTITY_AUTHORITY_HOST: metadata.url } : {};
      return { ...prepared, env: { ...prepared.env, ...azureEnvironment, ...machine } };
    },
    close: () => Promise.all(standIns.map((standIn) => standIn.close())).then(() => undefined),
  };
}

type Shared = Pick<Parameters<typeof startGithub>[0], 'tls' | 'now' | 'onExchange'>;

function startTenant(
  shared: Shared,
  authority: CertificateAuthority,
  identity: SandboxIdentity,
  certificates: readonly X509Certificate[],
  github: Github,
  azureDevops: AzureDevops,
): Promise<Entra> {
  return startEntra({
    ...shared,
    tenantId: identity.tenantId,
    issuerCa: authority.certificatePem,
    applications: [
      {
        clientId: identity.clientId,
        objectId: identity.objectId,
        secret: { value: identity.clientSecret },
        certificates,
        federated: [
          { issuer: github.issuer, subject: github.subject ?? '' },
          { issuer: azureDevops.issuer, subject: azureDevops.subjectOf(identity.connectionId) },
        ],
      },
      { clientId: identity.machineId, objectId: identity.machineObjectId },
    ],
  });
}

async function createClientCertificate(registered: X509Certificate[], now: () => Date): Promise<string> {
  const { certificates, keys } = await createSigningChain({
    keyType: 'RSA-2048',
    name: 'image-custody-client',
    length: 'self-signed',
    now,
  });
  registered.push(...certificates);
  return toPrivateKeyPem(keys.privateKey) + toChainPem(certificates);
}

/** `make`, whose one result is kept. */
function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= make();
    return result;
  };
}

async function startGithubJob(shared: Shared, token: string): Promise<GithubJob & { readonly token: string }> {
  const run: WorkflowRun = {
    repository,
    eventName: 'pull_request',
    ref: `refs/pull/${pullRequestNumber}/merge`,
    sha: commits.merge,
    headRef: 'add-basket',
    baseRef: 'main',
    actor: 'mona',
    workflowFile: '.github/workflows/image.yml',
    workflow: 'Image',
    runId: '1000000001',
  };
  const pullRequest = {
    number: pullRequestNumber,
    title: 'Add a basket',
    author: run.actor,
    head: { ref: run.headRef, sha: commits.head },
    base: { ref: run.baseRef, sha: commits.base },
  };
  const requestToken = randomBytes(32).toString('base64url');
  const permissions = { checks: 'write', contents: 'read', pull_requests: 'write' } as const;
  const github = await startGithub({
    ...shared,
    repository,
    pullRequests: [pullRequest],
    tokens: { [token]: { kind: 'actions', login: 'github-actions[bot]', permissions } },
    job: { run, requestToken },
  });
  return { github, run, pullRequest, requestToken, token };
}

async function startAzurePipelinesJob(shared: Shared, identity: SandboxIdentity): Promise<Omit<AzurePipelinesJob, 'connections'>> {
  const organization = 'contoso';
  const project = { id: randomUUID(), name: 'Shop' };
  const devopsRepository = { id: randomUUID(), name: 'shop' };
  const pullRequest = {
    id: pullRequestNumber,
    title: 'Add a basket',
    sourceRef: 'refs/heads/add-basket',
    targetRef: 'refs/heads/main',
    sourceCommit: commits.head,
    targetCommit: commits.base,
    files: ['/Dockerfile', '/package-lock.json'],
  };
  const token = randomBytes(48).toString('base64url');
  const azureDevops = await startAzureDevops({
    ...shared,
    organization,
    project,
    repository: devopsRepository,
    pullRequests: [pullRequest],
    tokens: { [token]: { id: randomUUID(), displayName: `${project.name} Build Service (${organization})`, mayContribute: true } },
    serviceConnections: { [identity.connectionId]: connectionNames.federated },
  });
  return { azureDevops, organization, project, repository: devopsRepository, pullRequest, token };
}

function createIdentity(): SandboxIdentity {
  return {
    tenantId: randomUUID(),
    clientId: randomUUID(),
    objectId: randomUUID(),
    clientSecret: randomBytes(30).toString('base64url'),
    connectionId: randomUUID(),
    machineId: randomUUID(),
    machineObjectId: randomUUID(),
  };
}
