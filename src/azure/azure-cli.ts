import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { StepError } from '../lib/step-error.ts';
import type { ProgramOutcome, RunProgram } from '../model/program.ts';
import { identityError, quoteServer } from './azure-error.ts';

/** Its own interpreter takes seconds to start, and it may have to ask Entra ID. */
const timeoutMs = 60_000;

/**
 * Tokens of whom the Azure CLI is logged in as. It is asked by `az account get-access-token`, with none of this run's variables; it finds its log-in by
 * `HOME` or `AZURE_CONFIG_DIR`. The SDK's own credential would start it in a shell, with all of this process's environment.
 */
export function openAzureCli(tenantId: string | undefined, runProgram: RunProgram | undefined): TokenCredential {
  return { getToken: (scopes) => askProgram(toResource(scopes), tenantId, runProgram) };
}

function toResource(scopes: string | string[]): string {
  return [scopes]
    .flat()
    .join(' ')
    .replace(/\/\.default$/, '');
}

async function askProgram(resource: string, tenantId: string | undefined, runProgram: RunProgram | undefined): Promise<AccessToken> {
  const tenant = tenantId === undefined ? [] : ['--tenant', tenantId];
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', resource, ...tenant];
  const outcome = (await runProgram?.({ name: 'az', args, variables, timeoutMs })) ?? { kind: 'absent' };
  if (outcome.kind !== 'ended') throw toStartError(outcome);
  if (outcome.code !== 0) throw toAnswerError(outcome.errors, tenantId);
  return parseToken(outcome.output, tenantId) ?? fail('refused', 'it printed no token', 'az account get-access-token has to print one.');
}

/** Where its log-in is, and whom it trusts. */
const variables = ['AZURE_CONFIG_DIR', 'REQUESTS_CA_BUNDLE'];

function toStartError(outcome: Exclude<ProgramOutcome, { readonly kind: 'ended' }>): StepError {
  switch (outcome.kind) {
    case 'absent':
      return cliError(
        'missing',
        'there is no program az in the folders of PATH',
        'Install it (https://learn.microsoft.com/cli/azure/install-azure-cli) and log in, or give another azure-identity.',
      );
    case 'cancelled':
      return cliError('refused', 'the run was cancelled', 'Run again.');
    default:
      return cliError(
        'refused',
        outcome.kind === 'not-started' ? `it could not be started (${outcome.reason})` : `it did not end as it should (${outcome.kind})`,
        'See on this machine what az account get-access-token does.',
      );
  }
}

/** What it writes to stderr: https://github.com/Azure/azure-cli/blob/dev/src/azure-cli-core/azure/cli/core/auth/util.py */
function toAnswerError(errors: string, tenantId: string | undefined): StepError {
  const login = `az login${tenantId === undefined ? '' : ` --tenant ${tenantId}`}`;
  const code = /AADSTS(\d+)/.exec(errors)?.[1];
  const words =
    code === undefined ? undefined : quoteServer(errors.slice(errors.indexOf('AADSTS')).replace(/\s*Trace ID:[\s\S]*$/, ''), []);
  if (code !== undefined && expiredCodes.has(code)) {
    return cliError('expired', `its log-in has expired (${words})`, `Log in again: ${login}.`);
  }
  if (code !== undefined && otherTenantCodes.has(code)) {
    return cliError('tenant', `who is logged in is not in that tenant (${words})`, `Log in there: ${login}, or check azure-tenant-id.`);
  }
  if (code !== undefined) return cliError('refused', words ?? '', `Log in again: ${login}. az account show prints who is logged in.`);
  if (/az login|no subscription found|not logged in/i.test(errors)) {
    return cliError('login', 'nobody is logged in', `Log in: ${login}; in a workflow azure/login, in Azure Pipelines the task AzureCLI.`);
  }
  return cliError('refused', 'az account get-access-token failed', 'Run that on this machine to see why, and az version: 2.54 or later.');
}

/** Refresh tokens and sessions that are over, or want another proof. */
const expiredCodes = new Set(['700082', '70043', '70008', '50173', '50078', '50132', '50076', '50079', '700084']);
const otherTenantCodes = new Set(['50020', '90002', '90072', '50034', '50177', '500208']);

function parseToken(output: Buffer, tenantId: string | undefined): AccessToken | undefined {
  const answer = parseJson(output);
  const { accessToken, expires_on: seconds, tenant } = answer;
  if (typeof accessToken !== 'string' || accessToken === '') return undefined;
  if (typeof seconds !== 'number') {
    return fail('refused', 'it does not say until when its token is good', 'Update it: az upgrade. Version 2.54 or later is needed.');
  }
  if (tenantId !== undefined && isGuid(tenantId) && typeof tenant === 'string' && tenant.toLowerCase() !== tenantId.toLowerCase()) {
    return fail('tenant', `it gave a token of tenant ${tenant}`, `Log in to the right one: az login --tenant ${tenantId}.`);
  }
  return { token: accessToken, expiresOnTimestamp: seconds * 1000 };
}

function parseJson(output: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(output.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isGuid(text: string): boolean {
  return /^[0-9a-f-]{36}$/i.test(text);
}

type Fault = 'missing' | 'login' | 'expired' | 'tenant' | 'refused';

function cliError(fault: Fault, reason: string, hint: string): StepError {
  return identityError(`azure-cli-${fault}`, `Cannot get a token from the Azure CLI: ${reason}`, hint);
}

function fail(fault: Fault, reason: string, hint: string): never {
  throw cliError(fault, reason, hint);
}
