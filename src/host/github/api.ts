import type { Http } from '../../lib/http.ts';
import { redact } from '../../lib/redaction.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';

/** GitHub's REST API as far as the step speaks it: https://docs.github.com/en/rest. */
export interface GitHubApi {
  /** `path` begins with `/` and is already encoded. Rejects with HttpError where no answer came. */
  request(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<GitHubAnswer>;
  /** https://docs.github.com/en/graphql */
  query(text: string): Promise<GitHubAnswer>;
}

export interface GitHubAnswer {
  readonly status: number;
  /** Undefined where the body is no JSON. */
  readonly value: unknown;
  /** What GitHub says of a failure, one line that may be shown. */
  readonly message: string;
  /** Permissions of which one is enough, e.g. `issues=write; pull_requests=write`; it says nothing of those that the token has. */
  readonly accepted: string | undefined;
}

export interface GitHubApiOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: Http;
  readonly token: SecretValue;
}

/** Speaks to `GITHUB_API_URL`, which on GitHub Enterprise Server is its own. No exchange holds a run up for more than 30 s. */
export function createGitHubApi({ env, http, token }: GitHubApiOptions): GitHubApi {
  const apiUrl = (env.GITHUB_API_URL ?? 'https://api.github.com').replace(/\/+$/, '');
  const graphqlUrl = env.GITHUB_GRAPHQL_URL ?? `${apiUrl}/graphql`;
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token.reveal()}`,
    // https://docs.github.com/en/rest/about-the-rest-api/api-versions
    'x-github-api-version': '2022-11-28',
  };

  async function send(method: 'GET' | 'POST' | 'PATCH', url: string, body?: object): Promise<GitHubAnswer> {
    const sent = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
    const response = await http({
      method,
      url: new URL(url),
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json; charset=utf-8' },
      ...sent,
      // A page of 100 comments of 65,536 characters each, escaped.
      maxBodyBytes: 32 * 1024 * 1024,
      deadlineMs: 30_000,
    });
    const value = parseJson(response.body);
    // https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible
    const accepted = response.headers['x-accepted-github-permissions'];
    return {
      status: response.status,
      value,
      message: toFailureText(response.status, value, token),
      accepted: typeof accepted === 'string' ? toClipped(toVisibleLine(redact(accepted, [token.reveal()])), 200) : undefined,
    };
  }

  return {
    request: (method, path, body) => send(method, `${apiUrl}${path}`, body),
    query: (text) => send('POST', graphqlUrl, { query: text }),
  };
}

/**
 * Whether the token is not allowed to do what was asked. 404 is what a token without the permission gets on a private repository; a 403 for
 * asking too often passes by itself.
 */
export function isRefused({ status, message }: GitHubAnswer): boolean {
  return (status === 401 || status === 403 || status === 404) && !/rate limit/i.test(message);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function toFailureText(status: number, value: unknown, token: SecretValue): string {
  const message = (value as { readonly message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? `${status} ${toClipped(toVisibleLine(redact(message, [token.reveal()])), 300)}` : `${status}`;
}
