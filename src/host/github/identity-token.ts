import type { Http } from '../../lib/http.ts';
import { SecretValue } from '../../lib/secret-value.ts';
import { StepError } from '../../lib/step-error.ts';

export type IdentityTokenErrorCode = 'identity-token-unavailable' | 'identity-token-refused';

/**
 * The token in which GitHub says which workflow this is, for the audience of the federated credential that takes it
 * (`api://AzureADTokenExchange` for Entra ID). Rejects with a StepError, or with HttpError where GitHub does not answer.
 * https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
 */
export async function fetchIdentityToken(
  env: Readonly<Record<string, string | undefined>>,
  http: Http,
  audience: string,
): Promise<SecretValue> {
  const requestUrl = env.ACTIONS_ID_TOKEN_REQUEST_URL;
  const requestToken = env.ACTIONS_ID_TOKEN_REQUEST_TOKEN;
  if (!requestUrl || !requestToken || !URL.canParse(requestUrl)) throw unavailable();
  const url = new URL(requestUrl);
  url.searchParams.set('audience', audience);
  const headers = { authorization: `Bearer ${requestToken}`, accept: 'application/json; api-version=2.0' };
  const response = await http({ method: 'GET', url, headers, maxBodyBytes: 1024 * 1024, deadlineMs: 60_000 });
  const token = response.status === 200 ? parseToken(response.body) : undefined;
  if (token === undefined) throw refused(response.status, audience);
  return new SecretValue(token);
}

function parseToken(body: Buffer): string | undefined {
  try {
    const { value } = JSON.parse(body.toString('utf8')) as { readonly value?: unknown };
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

function unavailable(): StepError<IdentityTokenErrorCode> {
  return new StepError({
    code: 'identity-token-unavailable',
    origin: 'identity',
    message: 'Cannot ask GitHub for an identity token: this job has no right to one (ACTIONS_ID_TOKEN_REQUEST_URL is not set).',
    hint:
      'Give the job `permissions: id-token: write` (beside `contents: read` and what else it uses). Pull requests from forks never get one: ' +
      'run this step without a vault, and without signing by identity, there.',
  });
}

function refused(status: number, audience: string): StepError<IdentityTokenErrorCode> {
  return new StepError({
    code: 'identity-token-refused',
    origin: 'identity',
    message: `Cannot get an identity token for the audience ${audience} from GitHub: it answered with status ${status}${status === 200 ? ' and no token' : ''}.`,
    hint: 'Check that the job has `permissions: id-token: write`; if it has, run it again, for the token to ask with is valid for a limited time.',
  });
}
