import { type Answer, Refusal, toJsonAnswer } from '../exchange.ts';
import type { Fault } from '../fault.ts';

const docs = 'https://docs.github.com/rest';

/** A refusal with GitHub's body: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api */
export function toGithubRefusal(status: number, message: string, page = '', headers: Readonly<Record<string, string>> = {}): Refusal {
  return new Refusal(toGithubError(status, message, page, headers));
}

/** The 422 of a body that does not fit the schema. */
export function toInvalidRequest(problem: string, page: string): Refusal {
  return toGithubRefusal(422, `Invalid request.\n\n${problem}`, page);
}

/** The 422 of a body whose fields are not accepted. */
export function toValidationFailure(resource: string, field: string, message: string, page: string): Refusal {
  const errors = [{ resource, code: 'custom', field, message }];
  return new Refusal(toJsonAnswer(422, { message: 'Validation Failed', errors, documentation_url: `${docs}${page}`, status: '422' }));
}

export function notFound(page = ''): Refusal {
  return toGithubRefusal(404, 'Not Found', page);
}

/** Answers to too many requests: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
export function rateLimited(kind: 'primary' | 'secondary', seconds: number, now: Date): Fault {
  const reset = String(Math.floor(now.getTime() / 1000) + seconds);
  return kind === 'primary'
    ? {
        status: 403,
        headers: { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset, 'x-ratelimit-resource': 'core' },
        body: {
          message: 'API rate limit exceeded for installation.',
          documentation_url: `${docs}/using-the-rest-api/rate-limits-for-the-rest-api`,
          status: '403',
        },
      }
    : {
        status: 403,
        headers: { 'retry-after': String(seconds) },
        body: {
          message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
          documentation_url: `${docs}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`,
          status: '403',
        },
      };
}

function toGithubError(status: number, message: string, page: string, headers: Readonly<Record<string, string>>): Answer {
  return toJsonAnswer(status, { message, documentation_url: `${docs}${page}`, status: String(status) }, headers);
}
