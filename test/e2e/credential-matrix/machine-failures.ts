import { createPrivateKey, randomUUID } from 'node:crypto';
import { issueCertificate, keyUsages } from '../../../src/sandbox/certificate/x509.ts';
import { generateKeys, toPrivateKeyPem } from '../../../src/sandbox/certificate.ts';
import { entraErrors, toEntraRefusal } from '../../../src/sandbox/entra/error.ts';
import { type Answer, type ReceivedRequest, toJsonAnswer } from '../../../src/sandbox/exchange.ts';
import { startInstanceMetadata } from '../../../src/sandbox/managed-identity.ts';
import { byApp, byAzureCli, byCertificate, byConnection, byMachine, byTokenFile, withEnv } from '../canary/identities.ts';
import { fromVault } from '../canary/scenes.ts';
import type { CanaryWorld, Scene } from '../canary/world.ts';
import type { Failure, FailureGroup } from './failure.ts';
import { closedUrl, isToken, only, retryAtOnce } from './obstacle.ts';

/** A run with one secret, so that one failure is told. */
function one(world: CanaryWorld): Scene {
  return { inputs: { ...fromVault(world).inputs, secrets: 'REGISTRY_PASSWORD = registry-password' } };
}

/** A run of a service connection of which something is another in the environment, or at Azure DevOps. */
function connected(change: (world: CanaryWorld) => Scene['env'], answer?: (request: ReceivedRequest) => Answer): Failure['set'] {
  return async (world) => {
    const scene = byConnection('federated', one(world));
    const url =
      answer === undefined
        ? world.place.sandbox.azureDevops.url
        : await world.standBefore(
            'azure-devops',
            only(({ url: { pathname } }) => /oidctoken$/.test(pathname), answer),
          );
    const token = { SYSTEM_OIDCREQUESTURI: `${url}/contoso/Shop/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken` };
    return withEnv(scene, { ...token, ...change(world) });
  };
}

const variable = ({ place }: CanaryWorld, kind: string): string => `ENDPOINT_${kind.replace('*', place.sandbox.identity.connectionId)}`;

const connections: readonly Omit<Failure, 'host'>[] = [
  {
    what: 'the agent gave the task no such connection',
    code: 'service-connection-missing',
    set: (world) => ({ inputs: { ...one(world).inputs, 'azure-service-connection': 'contoso-other' } }),
  },
  {
    what: 'it is no Azure Resource Manager connection',
    code: 'service-connection-unsupported',
    set: connected((world) => ({ [variable(world, 'AUTH_SCHEME_*')]: 'UsernamePassword' })),
  },
  {
    what: 'it lacks its tenant',
    code: 'service-connection-incomplete',
    set: connected((world) => ({ [variable(world, 'AUTH_PARAMETER_*_TENANTID')]: '' })),
  },
  {
    what: 'the pipeline may not use it',
    code: 'service-connection-unauthorized',
    set: connected(
      () => ({}),
      () => toJsonAnswer(403, { message: 'TF400813: The user is not authorized to access this resource.' }),
    ),
  },
  {
    what: 'the token of the job is not accepted',
    code: 'service-connection-unauthorized',
    set: connected(
      () => ({}),
      () => toJsonAnswer(401, { message: 'TF400813: Resource not available for anonymous access.' }),
    ),
  },
  {
    what: 'Azure DevOps has a fault',
    code: 'service-connection-refused',
    set: connected(
      () => ({}),
      () => toJsonAnswer(500, { message: 'TF400898: An Internal Error Occurred.' }, retryAtOnce),
    ),
  },
  {
    what: 'Azure DevOps gives no token',
    code: 'service-connection-refused',
    set: connected(
      () => ({}),
      () => toJsonAnswer(200, {}),
    ),
  },
  {
    what: 'the agent has no address to ask for one',
    code: 'oidc-endpoint-missing',
    set: connected(() => ({ SYSTEM_OIDCREQUESTURI: undefined })),
  },
  {
    what: 'the agent gave no token of the job',
    code: 'oidc-endpoint-missing',
    set: connected(() => ({ ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: undefined })),
  },
  {
    what: 'the application is not federated with it',
    code: 'federation-missing',
    set: async (world) =>
      withEnv(
        byConnection('federated', one(world)),
        await refusing(world, () => entraErrors.wrongSubject('sc://contoso/Shop/contoso-azure')),
      ),
  },
];

/** Environment in which Entra ID refuses what the connection of the agent brings. */
async function refusing(world: CanaryWorld, error: (world: CanaryWorld) => Parameters<typeof toEntraRefusal>[0]): Promise<Scene['env']> {
  const { entra } = world.place.sandbox;
  const url = await world.standBefore(
    'entra',
    only(isToken, ({ headers }) => toEntraRefusal(error(world), entra.url, headers, new Date()).answer),
  );
  return { [variable(world, 'DATA_*_ACTIVEDIRECTORYAUTHORITY')]: url };
}

/** A key with its certificate, as `az ad app credential reset --create-cert` writes them. */
async function createClient(
  change: { readonly days?: number; readonly keyType?: 'P-256' | 'RSA-2048' } = {},
): Promise<{ readonly key: string; readonly certificate: string }> {
  const keys = await generateKeys(change.keyType ?? 'RSA-2048');
  const now = Date.now();
  const { days = 30 } = change;
  const fields = {
    name: 'image-custody',
    publicKey: keys.publicKey,
    notBefore: new Date(now - 60 * 24 * 60 * 60 * 1000),
    notAfter: new Date(now + days * 24 * 60 * 60 * 1000),
    isAuthority: { value: false, critical: true },
    keyUsage: { flags: keyUsages.digitalSignature, critical: true },
  };
  const certificate = issueCertificate(fields, { name: 'image-custody', privateKey: keys.privateKey });
  return { key: toPrivateKeyPem(keys.privateKey), certificate: certificate.toString() };
}

const fromFile =
  (content: (world: CanaryWorld) => string | Promise<string>, env: Scene['env'] = {}): Failure['set'] =>
  async (world) =>
    byCertificate(world, one(world), await content(world), env);

/** With the planted key, so that what is said of it is searched for it. */
const planted = ({ place }: CanaryWorld): Promise<string> => place.sandbox.clientCertificate();

const certificates: readonly Failure[] = [
  {
    what: 'there is no such file',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(planted, { AZURE_CLIENT_CERTIFICATE_PATH: 'no-such-file.pem' }),
  },
  {
    what: 'the file has no private key',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async (world) => (await planted(world)).replace(/-----BEGIN PRIVATE[\s\S]*END PRIVATE KEY-----/, '')),
  },
  {
    what: 'the file has no certificate',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async (world) => (await planted(world)).replace(/-----BEGIN CERT[\s\S]*END CERTIFICATE-----/, '')),
  },
  {
    what: 'the certificate is of another key',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async () => `${(await createClient()).key}${(await createClient()).certificate}`),
  },
  {
    what: 'the private key is damaged',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async (world) => (await planted(world)).replace(/(KEY-----\n.{20})./, '$1!')),
  },
  {
    what: 'the private key has a password',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async (world) => encrypted(await planted(world))),
  },
  {
    what: 'the password of the private key is wrong',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async (world) => encrypted(await planted(world)), { AZURE_CLIENT_CERTIFICATE_PASSWORD: 'not-the-password' }),
  },
  {
    what: 'the file is PKCS #12',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(() => Buffer.from([0x30, 0x82, 0x01]).toString('latin1')),
  },
  {
    what: 'the key is no RSA key',
    code: 'client-certificate-invalid',
    exitCode: 2,
    set: fromFile(async () => Object.values(await createClient({ keyType: 'P-256' })).join('')),
  },
  {
    what: 'the certificate has expired',
    code: 'client-certificate-expired',
    set: fromFile(async () => Object.values(await createClient({ days: -1 })).join('')),
  },
  {
    what: 'the certificate is not registered',
    code: 'client-certificate-unknown',
    set: fromFile(async () => Object.values(await createClient()).join('')),
  },
];

function encrypted(pem: string): string {
  const key = createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a password' });
  return `${key}${pem.slice(pem.indexOf('-----BEGIN CERT'))}`;
}

/** The metadata service of another machine. */
function onMachine(identities: readonly { clientId: string; kind: 'system' | 'user' }[], named: 'named' | 'unnamed'): Failure['set'] {
  return async (world) => {
    const metadata = await startInstanceMetadata({ entra: world.place.sandbox.entra, identities, onExchange: world.record });
    world.serve('imds', metadata.url);
    world.closeLater(metadata.close);
    return withEnv(byMachine(world, one(world), metadata.url), named === 'named' ? {} : { AZURE_CLIENT_ID: undefined });
  };
}

function machineAnswers(answer: () => Answer): Failure['set'] {
  return async (world) =>
    byMachine(
      world,
      one(world),
      await world.standBefore(
        'imds',
        only(({ headers }) => headers.metadata === 'true', answer),
      ),
    );
}

const machine: readonly Failure[] = [
  {
    what: 'this is no machine of Azure',
    code: 'managed-identity-absent',
    set: async (world) => byMachine(world, one(world), await closedUrl('http')),
  },
  { what: 'the machine has no identity', code: 'managed-identity-missing', set: onMachine([], 'unnamed') },
  { what: 'the machine does not have the named one', code: 'managed-identity-missing', set: onMachine([], 'named') },
  {
    what: 'the machine has several, and none is named',
    code: 'managed-identity-ambiguous',
    set: onMachine(
      [1, 2].map(() => ({ clientId: randomUUID(), kind: 'user' })),
      'unnamed',
    ),
  },
  {
    what: 'the metadata service is busy',
    code: 'managed-identity-busy',
    set: machineAnswers(() => toJsonAnswer(429, { error: 'too_many_requests' }, retryAtOnce)),
  },
  {
    what: 'the metadata service refuses',
    code: 'managed-identity-refused',
    set: machineAnswers(() => toJsonAnswer(403, { error: 'forbidden', error_description: 'Not for this process.' })),
  },
  {
    what: "the app's endpoint does not accept its header",
    code: 'managed-identity-refused',
    set: (world) => byApp(world, one(world), 'another-header'),
  },
  {
    what: "the app's endpoint does not answer",
    code: 'managed-identity-absent',
    set: async (world) => withEnv(await byApp(world, one(world)), { IDENTITY_ENDPOINT: `${await closedUrl('http')}/msi/token` }),
  },
  {
    what: 'the app does not have the named one',
    code: 'managed-identity-missing',
    set: async (world) => withEnv(await byApp(world, one(world)), { AZURE_CLIENT_ID: world.place.sandbox.identity.clientId }),
  },
];

const tokenFile: readonly Failure[] = [
  { what: 'there is no token file', code: 'token-file-invalid', set: (world) => byTokenFile(world, one(world), '') },
  { what: 'the token file is empty', code: 'token-file-invalid', set: (world) => byTokenFile(world, one(world), '\n') },
  { what: 'the token file holds no token', code: 'token-file-invalid', set: (world) => byTokenFile(world, one(world), 'not a token') },
  {
    what: 'the token has expired',
    code: 'token-file-expired',
    set: async (world) => {
      const { entra } = world.place.sandbox;
      const late = entraErrors.assertionOutOfTime(new Date(), new Date(), new Date());
      const url = await world.standBefore(
        'entra',
        only(isToken, ({ headers }) => toEntraRefusal(late, entra.url, headers, new Date()).answer),
      );
      return withEnv(await byTokenFile(world, one(world)), { AZURE_AUTHORITY_HOST: url });
    },
  },
];

const cli =
  (script: string): Failure['set'] =>
  (world) =>
    byAzureCli(world, one(world), script);
const says = (error: string): Failure['set'] => cli(`echo '${error}' >&2; exit 1`);

const azureCli: readonly Failure[] = [
  { what: 'it is not installed', code: 'azure-cli-missing', set: cli('') },
  { what: 'nobody is logged in', code: 'azure-cli-login', set: says('ERROR: Please run "az login" to setup account.') },
  {
    what: 'the log-in has expired',
    code: 'azure-cli-expired',
    set: says('ERROR: AADSTS700082: The refresh token has expired due to inactivity.'),
  },
  {
    what: 'who is logged in is not in the tenant',
    code: 'azure-cli-tenant',
    set: says('ERROR: AADSTS50020: User account does not exist in tenant and cannot access the application.'),
  },
  {
    what: 'it gives a token of another tenant',
    code: 'azure-cli-tenant',
    set: cli('echo \'{"accessToken":"x.y.z","expires_on":4102444800,"tenant":"33333333-3333-3333-3333-333333333333"}\''),
  },
  {
    what: 'Entra ID refuses it',
    code: 'azure-cli-refused',
    set: says('ERROR: AADSTS53003: Access has been blocked by Conditional Access policies.'),
  },
  { what: 'it fails', code: 'azure-cli-refused', set: says('ERROR: something else') },
  { what: 'it prints no token', code: 'azure-cli-refused', set: cli('echo "{}"') },
  {
    what: 'it is too old',
    code: 'azure-cli-refused',
    set: cli('echo \'{"accessToken":"x.y.z","expiresOn":"2026-01-01 00:00:00.000000"}\''),
  },
  { what: 'it prints too much', code: 'azure-cli-refused', set: cli('while :; do echo 0123456789012345678901234567890123456789; done') },
];

const selection: readonly Failure[] = [
  {
    what: 'nothing is there',
    code: 'no-identity',
    set: async (world) => {
      const scene = byMachine(world, one(world), await closedUrl('http'));
      return {
        inputs: { ...scene.inputs, 'azure-identity': 'auto' },
        env: { ...scene.env, AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, PATH: '/nonexistent' },
      };
    },
  },
  {
    what: 'the named one lacks its proof',
    code: 'no-identity',
    set: (world) => ({ inputs: { ...one(world).inputs, 'azure-identity': 'client-certificate' } }),
  },
  {
    what: 'the named one lacks its ids',
    code: 'no-identity',
    set: (world) => withEnv({ inputs: { ...one(world).inputs, 'azure-identity': 'client-secret' } }, { AZURE_TENANT_ID: undefined }),
  },
];

export const machineFailures: readonly FailureGroup[] = [
  {
    title: 'Service connections of Azure Pipelines',
    failures: connections.map((failure): Failure => ({ ...failure, host: 'azure-pipelines' })),
  },
  { title: 'Client certificate', failures: certificates },
  { title: 'Managed identity', failures: machine },
  { title: 'Workload identity of Kubernetes', failures: tokenFile },
  { title: 'Azure CLI', failures: azureCli },
  { title: 'The choice of the identity', failures: selection },
];
