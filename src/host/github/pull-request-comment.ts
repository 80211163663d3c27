import { createHash } from 'node:crypto';
import { toClipped } from '../../lib/visible-text.ts';
import { type GitHubAnswer, type GitHubApi, isRefused } from './api.ts';

/** GitHub answers with 422 above 65,536 characters. */
export const commentMaxCharacters = 65_000;

/** 10,000 comments; on a longer pull request a new comment is made. */
const maxPages = 100;

export interface CommentTarget {
  readonly repository: string;
  readonly pullRequest: number;
  /** Tells the comments of several steps apart. */
  readonly key: string;
}

export type CommentResult = { readonly kind: 'created' | 'updated' } | { readonly kind: 'refused' | 'failed'; readonly message: string };

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly login: string;
}

/**
 * Writes the comment, in place of the one an earlier run made. That one is known by its first line, which only its author can write, and by
 * its author: others may quote the line.
 */
export async function upsertComment(api: GitHubApi, target: CommentTarget, markdown: string): Promise<CommentResult> {
  const marker = toMarker(target.key);
  const comments = `/repos/${target.repository}/issues/${target.pullRequest}/comments`;
  const marked = await fetchMarkedComments(api, comments, marker);
  if (!Array.isArray(marked)) return toFailure(marked);
  const login = marked.length === 0 ? '' : await fetchLogin(api);
  const own = marked.find((comment) => comment.login.toLowerCase() === login.toLowerCase());
  const body = `${marker}\n${toClipped(markdown, commentMaxCharacters - marker.length - 1)}`;
  if (own === undefined) return toResult(await api.request('POST', comments, { body }), 201);
  return toResult(await api.request('PATCH', `/repos/${target.repository}/issues/comments/${own.id}`, { body }), 200);
}

/** An HTML comment, which is not shown. */
export function toMarker(key: string): string {
  return `<!-- image-custody ${createHash('sha256').update(key).digest('hex').slice(0, 16)} -->`;
}

async function fetchMarkedComments(api: GitHubApi, path: string, marker: string): Promise<Comment[] | GitHubAnswer> {
  const marked: Comment[] = [];
  for (let page = 1; page <= maxPages; page += 1) {
    const answer = await api.request('GET', `${path}?per_page=100&page=${page}`);
    if (answer.status !== 200 || !Array.isArray(answer.value)) return answer;
    for (const item of answer.value) {
      const comment = toComment(item);
      if (comment && /^[^\r\n]*/.exec(comment.body)?.[0] === marker) marked.push(comment);
    }
    if (answer.value.length < 100) break;
  }
  return marked;
}

function toComment(item: unknown): Comment | undefined {
  const { id, body, user } = (item ?? {}) as { id?: unknown; body?: unknown; user?: { login?: unknown } | null };
  if (typeof id !== 'number' || typeof body !== 'string' || typeof user?.login !== 'string') return undefined;
  return { id, body, login: user.login };
}

/** Who the token is. An app's token (GITHUB_TOKEN is one) may not read `/user`, but may ask GraphQL for its viewer. */
export async function fetchLogin(api: GitHubApi): Promise<string> {
  const user = await api.request('GET', '/user');
  const login = (user.value as { readonly login?: unknown } | undefined)?.login;
  if (user.status === 200 && typeof login === 'string') return login;
  const viewer = await api.query('query { viewer { login } }');
  const answer = viewer.value as { readonly data?: { readonly viewer?: { readonly login?: unknown } } } | undefined;
  const viewerLogin = viewer.status === 200 ? answer?.data?.viewer?.login : undefined;
  return typeof viewerLogin === 'string' ? viewerLogin : 'github-actions[bot]';
}

function toResult(answer: GitHubAnswer, wanted: 200 | 201): CommentResult {
  if (answer.status !== wanted) return toFailure(answer);
  return { kind: wanted === 201 ? 'created' : 'updated' };
}

function toFailure(answer: GitHubAnswer): CommentResult {
  return { kind: isRefused(answer) ? 'refused' : 'failed', message: answer.message };
}
