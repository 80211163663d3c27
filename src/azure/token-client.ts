import type { TokenCredential } from '@azure/core-auth';
import type { CredentialChoice } from '../lib/credential-choice.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import type { RunProgram } from '../model/program.ts';
import { openAzureCli } from './azure-cli.ts';
import { readCertificate } from './client-certificate.ts';
import { type AzureTransport, toClientOptions } from './client-options.ts';
import type { Cloud } from './cloud.ts';
import { openManagedIdentity } from './managed-identity.ts';
import { readClaims } from './token-claims.ts';
import { currentExchange } from './token-exchange.ts';

/** The SDK's credential for a choice. `secrets` gets what its errors might quote. Rejects with a StepError where a file or program is not there. */
export async function openTokenClient(
  choice: CredentialChoice,
  cloud: Cloud,
  transport: AzureTransport,
  secrets: Set<string>,
  runProgram: RunProgram | undefined,
): Promise<TokenCredential> {
  if (choice.kind === 'azure-cli') return openAzureCli(choice.tenantId, runProgram);
  if (choice.kind === 'managed-identity') return openManagedIdentity(choice, transport);
  const { ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential } = await import('@azure/identity');
  const options = {
    authorityHost: cloud.authorityHost,
    disableInstanceDiscovery: !cloud.isMicrosoft,
    ...toClientOptions(transport, (attempt) => {
      currentExchange().failedAttempt = attempt;
    }),
  };
  const { tenantId, clientId } = choice;
  switch (choice.kind) {
    case 'federated':
      return new ClientAssertionCredential(tenantId, clientId, () => fetchOnce(choice.fetchAssertion, cloud), options);
    case 'client-certificate': {
      const { pem, sendChain } = await readCertificate(choice, secrets);
      const withChain = { ...options, sendCertificateChain: sendChain };
      return new ClientCertificateCredential(tenantId, clientId, { certificate: pem.reveal() }, withChain);
    }
    case 'client-secret': {
      const secret = choice.clientSecret.reveal();
      secrets.add(secret).add(encodeURIComponent(secret));
      return new ClientSecretCredential(tenantId, clientId, secret, options);
    }
  }
}

function fetchOnce(fetchAssertion: (audience: string) => Promise<SecretValue>, cloud: Cloud): Promise<string> {
  const exchange = currentExchange();
  exchange.assertion ??= fetchAssertion(cloud.tokenExchangeAudience).then(
    (assertion) => {
      const text = assertion.reveal();
      exchange.secrets.add(text);
      exchange.claims = readClaims(text);
      return text;
    },
    (error: unknown) => {
      exchange.failure = error;
      throw error;
    },
  );
  return exchange.assertion;
}
