import type { Http } from '../../lib/http.ts';
import { redact } from '../../lib/redaction.ts';
import { type RetryOptions, retry } from '../../lib/retry.ts';
import { SecretValue } from '../../lib/secret-value.ts';
import type { StepError } from '../../lib/step-error.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import { connectionError } from './connection-variables.ts';

export interface OidcTokenContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  readonly retry: RetryOptions;
}

/**
 * The token in which Azure DevOps says which service connection this is, good for some minutes. It is asked for with the job's own token, so that the user
 * maps none. Rejects with a StepError, or with HttpError where Azure DevOps does not answer.
 * https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export async function fetchOidcToken(connection: string, { env, http, retry: options }: OidcTokenContext): Promise<SecretValue> {
  const { SYSTEM_OIDCREQUESTURI: requestUri = '' } = env;
  const token = env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN || env.SYSTEM_ACCESSTOKEN;
  if (!URL.canParse(requestUri) || !token) throw unavailable(connection, token ? 'SYSTEM_OIDCREQUESTURI' : 'the access token of the job');
  const url = new URL(requestUri);
  url.searchParams.set('api-version', '7.1');
  url.searchParams.set('serviceConnectionId', connection);
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    // Else who is not let in is sent to a page to sign in at.
    'x-tfs-fedauthredirect': 'Suppress',
  };
  const request = { method: 'POST', url, headers, body: Buffer.from('{}'), maxBodyBytes: 1024 * 1024, deadlineMs: 60_000 } as const;
  const { status, body } = await retry({ ...options, attempts: 4 }, () => http(request));
  const answer = parseJson(body);
  const { oidcToken } = answer;
  if (status === 200 && typeof oidcToken === 'string' && oidcToken !== '') return new SecretValue(oidcToken);
  const words = typeof answer.message === 'string' ? `: ${toClipped(toVisibleLine(redact(answer.message, [token])), 300)}` : '';
  throw refused(connection, status, words, env);
}

function parseJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function unavailable(connection: string, what: string): StepError {
  return connectionError(
    'oidc-endpoint-missing',
    `Cannot get a token of the service connection ${connection}: the agent did not give ${what}`,
    'Update the agent: Organization settings, Agent pools, Update all agents. An Azure DevOps Server of your own may have no workload identity federation: use a ' +
      'connection with a certificate, a secret or a managed identity there.',
  );
}

function refused(connection: string, status: number, words: string, env: OidcTokenContext['env']): StepError {
  const subject = `Cannot get a token of the service connection ${connection}: Azure DevOps answered ${status}`;
  if (status === 401 || status === 403 || status === 404 || status === 302 || status === 203) {
    const { SYSTEM_DEFINITIONID: pipeline = 'PIPELINE', SYSTEM_TEAMPROJECT: project = 'PROJECT' } = env;
    const body = JSON.stringify({ pipelines: [{ id: /^\d+$/.test(pipeline) ? Number(pipeline) : pipeline, authorized: true }] });
    return connectionError(
      'service-connection-unauthorized',
      `${subject}${words}`,
      `Let this pipeline use it: Project settings, Service connections, Security, Pipeline permissions; or echo '${body}' > permit.json && az devops invoke --area ` +
        `pipelinePermissions --resource pipelinePermissions --route-parameters project='${project.replaceAll("'", "'\\''")}' resourceType=endpoint resourceId=${connection} ` +
        '--http-method PATCH --api-version 7.1-preview --in-file permit.json.',
    );
  }
  return connectionError(
    'service-connection-refused',
    `${subject}${status === 200 ? ' and gave none' : words}`,
    'See https://status.dev.azure.com, and run again.',
  );
}
