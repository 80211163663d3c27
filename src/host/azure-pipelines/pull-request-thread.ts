import { createHash } from 'node:crypto';
import type { Http, HttpRequest } from '../../lib/http.ts';
import { redact } from '../../lib/redaction.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import type { PullRequest } from './pipeline-run.ts';

/** Undocumented: longer comments are refused (runatlantis/atlantis#1585, infracost#3496). */
export const threadMaxCharacters = 150_000;

/** The property of the thread by which the step knows its own. */
const property = 'image-custody';

export interface ThreadTarget {
  readonly pullRequest: PullRequest;
  readonly token: SecretValue;
  /** Tells the threads of several steps apart. */
  readonly key: string;
}

export type ThreadResult =
  | { readonly kind: 'created' | 'updated' }
  /** `refused`: the identity may not contribute to pull requests (TF401027). */
  | { readonly kind: 'refused' | 'failed'; readonly message: string };

interface Thread {
  readonly id: number;
  readonly comment: number;
  readonly author: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly value: unknown;
  readonly message: string;
}

type Send = (method: 'GET' | 'POST' | 'PATCH', url: URL, body?: object) => Promise<Answer>;

/**
 * Writes the thread, in place of the one an earlier run made: known by its property and by its author, for anyone who contributes can set a
 * property. `active` keeps a pull request from completing where its policy wants comments resolved; `closed` does not.
 * https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads?view=azure-devops-rest-7.1
 */
export async function upsertThread(http: Http, target: ThreadTarget, status: 'active' | 'closed', markdown: string): Promise<ThreadResult> {
  const send = createSend(http, target.token);
  const key = createHash('sha256').update(target.key).digest('hex').slice(0, 16);
  const content = toClipped(markdown, threadMaxCharacters);
  const listed = await send('GET', threadsUrl(target.pullRequest));
  if (listed.status !== 200) return toFailure(listed);
  const own = await findOwn(send, target.pullRequest, parseThreads(listed.value, key));
  if (own !== undefined) {
    const thread = `/${own.id}`;
    const comment = await send('PATCH', threadsUrl(target.pullRequest, `${thread}/comments/${own.comment}`), { content });
    if (comment.status !== 200) return toFailure(comment);
    const patched = await send('PATCH', threadsUrl(target.pullRequest, thread), { status });
    return patched.status === 200 ? { kind: 'updated' } : toFailure(patched);
  }
  const comments = [{ parentCommentId: 0, commentType: 'text', content }];
  const created = await send('POST', threadsUrl(target.pullRequest), { comments, status, properties: { [property]: key } });
  return created.status === 200 || created.status === 201 ? { kind: 'created' } : toFailure(created);
}

function createSend(http: Http, token: SecretValue): Send {
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

function threadsUrl({ collectionUrl, project, repository, id }: PullRequest, path = ''): URL {
  const base = `${collectionUrl}${encodeURIComponent(project)}/_apis/git/repositories/${encodeURIComponent(repository)}`;
  return new URL(`${base}/pullRequests/${id}/threads${path}?api-version=7.1`);
}

/** Newest first. */
function parseThreads(value: unknown, key: string): Thread[] {
  const list = (value as { readonly value?: unknown } | undefined)?.value;
  if (!Array.isArray(list)) return [];
  return list.flatMap((item) => parseThread(item, key) ?? []).reverse();
}

function parseThread(item: unknown, key: string): Thread | undefined {
  const thread = (item ?? {}) as {
    id?: unknown;
    isDeleted?: unknown;
    properties?: Record<string, unknown> | null;
    comments?: { id?: unknown; isDeleted?: unknown; author?: { id?: unknown } }[];
  };
  const first = thread.comments?.[0];
  if (typeof thread.id !== 'number' || thread.isDeleted === true) return undefined;
  if (propertyText(thread.properties?.[property]) !== key) return undefined;
  if (typeof first?.id !== 'number' || first.isDeleted === true) return undefined;
  return { id: thread.id, comment: first.id, author: typeof first.author?.id === 'string' ? first.author.id : undefined };
}

/** The service answers with `{"$type": "System.String", "$value": "…"}` or with the bare text. */
function propertyText(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly $value?: unknown }).$value : value;
}

async function findOwn(send: Send, { collectionUrl }: PullRequest, threads: readonly Thread[]): Promise<Thread | undefined> {
  if (threads.length === 0) return undefined;
  const connection = await send('GET', new URL(`${collectionUrl}_apis/connectionData?api-version=7.1-preview`));
  const user = (connection.value as { readonly authenticatedUser?: { readonly id?: unknown } } | undefined)?.authenticatedUser?.id;
  // Without that answer the property alone has to do: Azure Repos lets nobody edit a comment but its author.
  return connection.status === 200 && typeof user === 'string' ? threads.find((thread) => thread.author === user) : threads[0];
}

/** 203 and 302 are its sign-in page: the token is not accepted. */
function toFailure({ status, message }: Answer): ThreadResult {
  const refused = status === 401 || status === 403 || status === 203 || status === 302;
  return { kind: refused ? 'refused' : 'failed', message };
}
