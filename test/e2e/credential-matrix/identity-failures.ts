import { randomUUID } from 'node:crypto';
import { createCertificateAuthority } from '../../../src/sandbox/certificate.ts';
import { type EntraError, entraErrors, toEntraRefusal } from '../../../src/sandbox/entra/error.ts';
import { toJsonAnswer, toTextAnswer } from '../../../src/sandbox/exchange.ts';
import { fromVault } from '../canary/scenes.ts';
import type { CanaryWorld, Scene } from '../canary/world.ts';
import type { Failure, FailureGroup } from './failure.ts';
import { closedUrl, isToken, knowsNoName, only, retryAtOnce } from './obstacle.ts';

/** A run that Entra ID refuses in its own words. */
function refusedBy(error: (world: CanaryWorld) => EntraError): Failure['set'] {
  return async (world) => {
    const { entra } = world.place.sandbox;
    const refuse = only(isToken, ({ headers }) => toEntraRefusal(error(world), entra.url, headers, new Date()).answer);
    return withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: await world.standBefore('entra', refuse) });
  };
}

const clientOf = ({ place }: CanaryWorld): string => place.sandbox.identity.clientId;

function withEnv(scene: Scene, env: Scene['env']): Scene {
  return { ...scene, env: { ...scene.env, ...env } };
}

function answering(answer: () => ReturnType<typeof toJsonAnswer>): Failure['set'] {
  return async (world) => withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: await world.standBefore('entra', only(isToken, answer)) });
}

const entra: readonly Failure[] = [
  {
    what: 'there is no such tenant',
    code: 'tenant-unknown',
    set: refusedBy(({ place }) => entraErrors.unknownTenant(place.sandbox.identity.tenantId)),
  },
  {
    what: 'the tenant has no such application',
    code: 'application-unknown',
    set: (world) => withEnv(fromVault(world), { AZURE_CLIENT_ID: randomUUID() }),
  },
  {
    what: 'the service principal is disabled',
    code: 'principal-disabled',
    set: refusedBy((world) => ({
      code: 7000112,
      error: 'unauthorized_client',
      text: `Application '${clientOf(world)}'(image-custody) is disabled.`,
    })),
  },
  {
    what: 'conditional access keeps the runner out',
    code: 'conditional-access',
    set: refusedBy(() => ({
      code: 53003,
      error: 'invalid_request',
      text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    })),
  },
  {
    what: 'nobody has consented',
    code: 'consent-missing',
    set: refusedBy((world) => ({
      code: 65001,
      error: 'invalid_request',
      text: `The user or administrator has not consented to use the application with ID '${clientOf(world)}'.`,
    })),
  },
  {
    what: 'the tenant does not know the resource',
    code: 'resource-unknown',
    set: refusedBy(() => entraErrors.unknownResource('https://vault.azure.net', 'Contoso')),
  },
  {
    what: 'too many tokens were asked for',
    code: 'identity-busy',
    set: answering(() => toJsonAnswer(429, { error: 'temporarily_unavailable' }, retryAtOnce)),
  },
  {
    what: 'another refusal',
    code: 'identity-refused',
    set: refusedBy(() => ({ code: 50999, error: 'invalid_request', text: 'Something that nobody has seen yet.' })),
  },
  {
    what: 'a page of a proxy answers',
    code: 'identity-refused',
    set: answering(() => toTextAnswer(403, '<html>Blocked by the proxy</html>', { 'content-type': 'text/html' })),
  },
  {
    what: 'nothing answers',
    code: 'identity-unreachable',
    set: async (world) => withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: await closedUrl() }),
  },
  {
    what: 'its name does not resolve',
    code: 'identity-unreachable',
    set: (world) =>
      withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us', HTTPS_PROXY: undefined, ...knowsNoName }),
  },
  {
    what: 'its TLS certificate is of an authority that is not trusted',
    code: 'identity-unreachable',
    set: async (world) => {
      const tls = await (await createCertificateAuthority()).issueTls();
      return withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: await world.standBefore('entra', undefined, tls) });
    },
  },
  {
    what: 'the tenant id has a form that none can have',
    code: 'bad-identity',
    exitCode: 2,
    set: (world) => withEnv(fromVault(world), { AZURE_TENANT_ID: 'contoso/x' }),
  },
  {
    what: 'the client id has a form that none can have',
    code: 'bad-identity',
    exitCode: 2,
    set: (world) => withEnv(fromVault(world), { AZURE_CLIENT_ID: 'image-custody' }),
  },
  {
    what: 'the authority is no https address',
    code: 'bad-identity',
    exitCode: 2,
    set: (world) => withEnv(fromVault(world), { AZURE_AUTHORITY_HOST: 'http://login.example.com' }),
  },
  {
    what: 'there is no identity',
    code: 'no-identity',
    set: (world) => ({ inputs: { ...fromVault(world).inputs, 'azure-identity': 'none' } }),
  },
];

const clientSecret: readonly Failure[] = [
  {
    what: 'the client secret is wrong',
    code: 'client-secret-wrong',
    set: (world) => withEnv(fromVault(world), { AZURE_CLIENT_SECRET: 'not-the-secret' }),
  },
  {
    what: 'the client secret has expired',
    code: 'client-secret-expired',
    set: refusedBy((world) => entraErrors.expiredSecret(clientOf(world))),
  },
];

const federations: readonly Omit<Failure, 'host'>[] = [
  {
    what: 'the job may not ask for a token',
    code: 'identity-token-unavailable',
    set: (world) => withEnv(fromVault(world), { ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined }),
  },
  {
    what: 'GitHub refuses the token',
    code: 'identity-token-refused',
    set: (world) => withEnv(fromVault(world), { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'not-the-token-of-this-job' }),
  },
  {
    what: 'GitHub answers without a token',
    code: 'identity-token-refused',
    set: async (world) => {
      const url = await world.standBefore(
        'github',
        only(
          ({ url: { pathname } }) => /idtoken/.test(pathname),
          () => toJsonAnswer(200, {}),
        ),
      );
      return withEnv(fromVault(world), { ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/_oidc/idtoken?api-version=2.0` });
    },
  },
  {
    what: 'the application is federated with nobody',
    code: 'federation-missing',
    set: refusedBy(() =>
      entraErrors.noFederation(
        'https://token.actions.githubusercontent.com',
        'repo:contoso/shop:pull_request',
        'api://AzureADTokenExchange',
      ),
    ),
  },
  {
    what: 'it is federated with another subject',
    code: 'federation-missing',
    set: refusedBy(() => entraErrors.wrongSubject('repo:contoso/shop:pull_request')),
  },
  {
    what: 'it is federated with another issuer',
    code: 'federation-missing',
    set: refusedBy(() => entraErrors.wrongIssuer('https://token.actions.githubusercontent.com')),
  },
  {
    what: 'it is federated with another audience',
    code: 'federation-missing',
    set: refusedBy(() => entraErrors.wrongAudience('api://AzureADTokenExchange')),
  },
  {
    what: 'the clock of the runner is wrong',
    code: 'clock-skew',
    set: refusedBy(() => entraErrors.assertionOutOfTime(new Date(), new Date(), new Date())),
  },
  { what: "Entra ID does not reach the issuer's keys", code: 'assertion-refused', set: refusedBy(() => entraErrors.issuerUnreachable()) },
  {
    what: 'the signature of the token is not of the issuer',
    code: 'assertion-refused',
    set: refusedBy(() => entraErrors.unsignedAssertion()),
  },
];

const federation = federations.map((failure): Failure => ({ ...failure, host: 'github' }));

export const identityFailures: readonly FailureGroup[] = [
  { title: 'Entra ID', failures: entra },
  { title: 'Client secret', failures: clientSecret },
  { title: "Federation with GitHub's workflows", failures: federation },
];
