import type { CredentialChoice } from '../lib/credential-choice.ts';
import { type IdentityErrorCode, shellWord } from './azure-error.ts';
import type { TokenClaims } from './token-claims.ts';
import type { TokenRequest } from './token-exchange.ts';

/** What a code of Entra ID means to this step. */
export interface Remedy {
  readonly kind: IdentityErrorCode;
  readonly hint: string;
}

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
export function toRemedy(code: string, text: string, request: TokenRequest): Remedy {
  const { credential, choice, exchange } = request;
  const id = credential.clientId ?? 'CLIENT_ID';
  if (/^70021\d{0,2}$/.test(code)) return toFederationRemedy(text, id, choice, exchange.claims, credential.cloud.tokenExchangeAudience);
  if (/^530\d{2,3}$/.test(code)) return toConditionalAccess(id);
  if (code === '700024' && choice.kind === 'federated') return toStaleAssertion(choice, exchange.claims);
  const known = remedies[code];
  if (known !== undefined) return known(request, id, text);
  return {
    kind: 'identity-refused',
    hint: `${credential.cloud.authorityHost}/error?code=${code} explains the refusal; az ad app show --id ${id} shows the application.`,
  };
}

type ToRemedy = (request: TokenRequest, clientId: string, text: string) => Remedy;

const unregistered: ToRemedy = (_, id) => ({
  kind: 'client-certificate-unknown',
  hint: `Register this certificate: az ad app credential reset --id ${id} --append --cert @CERTIFICATE.pem. az ad app credential list --id ${id} --cert shows those that are there.`,
});

const expiredCertificate: ToRemedy = (_, id) => ({
  kind: 'client-certificate-expired',
  hint: `Make a new one: az ad app credential reset --id ${id} --append --create-cert, and put the file that it names in the place of the old one.`,
});

const unknownTenant: ToRemedy = () => ({
  kind: 'tenant-unknown',
  hint: 'Check azure-tenant-id: az account show --query tenantId --output tsv prints that of your login. Other clouds are chosen with AZURE_AUTHORITY_HOST.',
});

const unverified: ToRemedy = ({ exchange }) => {
  const issuer = exchange.claims?.iss ?? 'ISSUER';
  return {
    kind: 'assertion-refused',
    hint: `Entra ID could not verify the token that the pipeline presented: ${issuer}/.well-known/openid-configuration has to be reachable from the internet, and to lead to the key that signed it.`,
  };
};

const skewed: ToRemedy = () => ({
  kind: 'clock-skew',
  hint: 'Set the clock of this machine (timedatectl set-ntp true, on Windows w32tm /resync) and run again: what it signs is too old for Entra ID, or from the future.',
});

const busy: ToRemedy = () => ({
  kind: 'identity-busy',
  hint: 'Entra ID has had enough of this application for now: run again in a minute, and let fewer jobs sign in at once.',
});

const remedies: Readonly<Record<string, ToRemedy>> = {
  '700016': ({ credential }, id) => ({
    kind: 'application-unknown',
    hint: `Check azure-client-id and azure-tenant-id: az ad sp show --id ${id} must find the application in tenant ${credential.tenantId}; az ad sp create --id ${id} adds it there.`,
  }),
  '7000215': (_, id) => ({
    kind: 'client-secret-wrong',
    hint: `Store the secret's value, not its id. A new one: az ad app credential reset --id ${id} --append. Better: federate the pipeline, which needs no secret.`,
  }),
  '7000222': (_, id) => ({
    kind: 'client-secret-expired',
    hint: `Make a new secret: az ad app credential reset --id ${id} --append --years 1. Better: federate the pipeline, which needs no secret.`,
  }),
  '7000112': (_, id) => ({
    kind: 'principal-disabled',
    hint: `Enable it: az ad sp update --id ${id} --set accountEnabled=true. Somebody has disabled it, perhaps for a reason: ask first.`,
  }),
  '65001': (_, id) => ({
    kind: 'consent-missing',
    hint: `Let an administrator consent: az ad app permission admin-consent --id ${id}.`,
  }),
  '90002': unknownTenant,
  '900023': unknownTenant,
  '500011': ({ credential, scopes }) => ({
    kind: 'resource-unknown',
    hint: `Tenant ${credential.tenantId} does not know the resource of ${[scopes].flat().join(' ')}: see whether the tenant is the right one and the cloud is that of the resource.`,
  }),
  // The reason stands in the text: "The key was not found", "The key used is expired".
  '700027': (request, id, text) => (/expired/i.test(text) ? expiredCertificate : unregistered)(request, id, text),
  '7000214': unregistered,
  '7000277': unregistered,
  '7000274': expiredCertificate,
  '1000502': expiredCertificate,
  '700024': skewed,
  '50013': unverified,
  '50027': unverified,
  '50166': unverified,
  '50196': busy,
  '90055': busy,
};

function toConditionalAccess(clientId: string): Remedy {
  return {
    kind: 'conditional-access',
    hint:
      `A conditional access policy of the tenant keeps ${clientId} out, mostly for where this runner is. Run on a runner in a named location that the policy allows, or let an ` +
      'administrator exclude the workload identity: Entra admin center, Sign-in logs, Service principal sign-ins, Conditional Access shows which policy it was.',
  };
}

function toStaleAssertion(choice: CredentialChoice & { readonly kind: 'federated' }, claims: TokenClaims | undefined): Remedy {
  if (choice.via?.kind === 'kubernetes') {
    const until = claims?.exp === undefined ? '' : ` at ${new Date(claims.exp * 1000).toISOString()}`;
    return {
      kind: 'token-file-expired',
      hint: `The token in ${choice.via.tokenFile} has expired${until}: the kubelet renews it, so see whether the pod still has its projected volume, and the node its clock.`,
    };
  }
  return skewedAssertion;
}

const skewedAssertion: Remedy = {
  kind: 'clock-skew',
  hint: 'The presented token is too old or from the future: set the clock of the runner and run again.',
};

function toFederationRemedy(
  text: string,
  clientId: string,
  choice: CredentialChoice,
  assertion: TokenClaims | undefined,
  audience: string,
): Remedy {
  const issuer = assertion?.iss ?? presented('issuer', text) ?? 'https://token.actions.githubusercontent.com';
  const subject = assertion?.sub ?? presented('subject', text) ?? 'SUBJECT';
  const parameters = JSON.stringify({ name: 'image-custody', issuer, subject, audiences: [audience] });
  const command = `az ad app federated-credential create --id ${clientId} --parameters ${shellWord(parameters)}`;
  const who = 'via' in choice && choice.via?.kind === 'service-connection' ? 'this service connection' : 'this pipeline';
  return {
    kind: 'federation-missing',
    hint: `Let ${who} stand for the application (case counts): ${command}. az ad app federated-credential list --id ${clientId} shows what is there.`,
  };
}

/** `Assertion Subject: 'x'` (70021) and `assertion subject 'x'` (700213). */
function presented(what: string, text: string): string | undefined {
  return new RegExp(`assertion ${what}:? '([^']*)'`, 'i').exec(text)?.[1];
}
