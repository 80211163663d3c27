import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type { CredentialChoice } from '../lib/credential-choice.ts';
import { StepError } from '../lib/step-error.ts';
import { identityError } from './azure-error.ts';
import type { AzureTransport } from './client-options.ts';
import type { Cloud } from './cloud.ts';
import { type AzureCredential, type CredentialOptions, openCredential, parseCloud } from './credential.ts';

/** Codes that say that this way in is not there at all; with any other it is, and fails. */
const absentCodes: ReadonlySet<string> = new Set([
  'managed-identity-absent',
  'managed-identity-missing',
  'azure-cli-missing',
  'azure-cli-login',
]);

/**
 * The first of several ways in that the machine has, found when the first token is asked for. Where it has none of them, that is rejected with a StepError
 * `no-identity`: `missing` says what else the run lacks. Throws a StepError of origin `input`.
 */
export function openFirstCredential(
  choices: readonly CredentialChoice[],
  missing: string,
  options: CredentialOptions = {},
): AzureCredential {
  const candidates = choices.map((choice) => openCredential(choice, options));
  return new FirstCredential(candidates, missing, parseCloud(options.authorityHost), options.transport ?? {});
}

class FirstCredential implements AzureCredential {
  readonly cloud: Cloud;
  readonly transport: AzureTransport;
  readonly #candidates: readonly AzureCredential[];
  readonly #missing: string;
  #found: Promise<AzureCredential> | undefined;
  #chosen: AzureCredential | undefined;

  constructor(candidates: readonly AzureCredential[], missing: string, cloud: Cloud, transport: AzureTransport) {
    this.#candidates = candidates;
    this.#missing = missing;
    this.cloud = cloud;
    this.transport = transport;
  }

  get kind() {
    return this.#chosen?.kind ?? 'undetermined';
  }

  get tenantId() {
    return this.#chosen?.tenantId;
  }

  get clientId() {
    return this.#chosen?.clientId;
  }

  get objectId() {
    return this.#chosen?.objectId;
  }

  get principalType() {
    return this.#chosen?.principalType ?? 'ServicePrincipal';
  }

  get description() {
    return this.#chosen?.description ?? 'no Azure identity';
  }

  get secrets(): ReadonlySet<string> {
    return this.#chosen?.secrets ?? new Set();
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    this.#found ??= this.#find(scopes);
    this.#chosen = await this.#found;
    return this.#chosen.getToken(scopes, options);
  }

  async #find(scopes: string | string[]): Promise<AzureCredential> {
    const reasons: string[] = [];
    for (const candidate of this.#candidates) {
      try {
        await candidate.getToken(scopes);
        return candidate;
      } catch (error) {
        if (!(error instanceof StepError) || !absentCodes.has(error.code)) throw error;
        reasons.push(error.message.replace(/^Cannot get a token (?:of|from) /, ''));
      }
    }
    throw identityError(
      'no-identity',
      `This run has no Azure identity: ${[this.#missing, ...reasons].join('; ')}`,
      'Give azure-tenant-id and azure-client-id and a federated credential for this workflow (GitHub, `permissions: id-token: write`), azure-service-connection ' +
        '(Azure Pipelines), or azure-identity: managed-identity on a machine that has one.',
    );
  }
}
