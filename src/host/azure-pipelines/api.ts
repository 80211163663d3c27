import type { Http, HttpRequest } from '../../lib/http.ts';
import { redact } from '../../lib/redaction.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';

export interface Answer {
  readonly status: number;
  readonly value: unknown;
  readonly message: string;
}

/** Asks Azure DevOps with the job's token. Rejects with HttpError where no answer came. */
export type Send = (method: 'GET' | 'POST' | 'PATCH', url: URL, body?: object) => Promise<Answer>;

/** No exchange holds a run up for more than 30 s. */
export function createSend(http: Http, token: SecretValue): Send {
  return async (method, url, body) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${token.reveal()}` };
    const request: HttpRequest = { method, url, headers, maxBodyBytes: 64 * 1024 * 1024, deadlineMs: 30_000 };
    const sent =
      body === undefined
        ? request
        : {
            ...request,
            headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
            body: Buffer.from(JSON.stringify(body)),
          };
    const response = await http(sent);
    const value = parseJson(response.body);
    const message = (value as { readonly message?: unknown } | undefined)?.message;
    const words = typeof message === 'string' ? ` ${toClipped(toVisibleLine(redact(message, [token.reveal()])), 300)}` : '';
    return { status: response.status, value, message: `${response.status}${words}` };
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** 203 and 302 are its sign-in page: the token is not accepted. */
export function isRefused({ status }: Answer): boolean {
  return status === 401 || status === 403 || status === 203 || status === 302;
}
