import { createHash } from 'node:crypto';
import type { Http } from '../../lib/http.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { toClipped } from '../../lib/visible-text.ts';
import { type Answer, createSend, isRefused, type Send } from './api.ts';
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

function toFailure(answer: Answer): ThreadResult {
  return { kind: isRefused(answer) ? 'refused' : 'failed', message: answer.message };
}
