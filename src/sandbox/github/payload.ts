/** Shapes of GitHub's REST answers and event payloads: https://docs.github.com/rest, @octokit/openapi. All URLs are given, none works but those of `api`. */

export interface GithubAddresses {
  /** Base of the REST API. */
  readonly api: string;
  /** Base of the pages, `https://github.com`. */
  readonly server: string;
}

export interface GithubRepository {
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
}

export interface GithubPullRequest {
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly head: { readonly ref: string; readonly sha: string; readonly repository?: GithubRepository };
  readonly base: { readonly ref: string; readonly sha: string };
  /** No comments are taken. */
  readonly locked?: boolean;
}

const createdAt = '2026-01-01T00:00:00Z';

/** `simple-user`; the id is made from the name. */
export function toUser(login: string, { api, server }: GithubAddresses): Readonly<Record<string, unknown>> {
  const isBot = login.endsWith('[bot]');
  const url = `${api}/users/${encodeURIComponent(login)}`;
  return {
    login,
    id: login === 'github-actions[bot]' ? 41898282 : toNumber(login),
    node_id: toNodeId('U', login),
    avatar_url: 'https://avatars.githubusercontent.com/u/0?v=4',
    gravatar_id: '',
    url,
    html_url: isBot ? `${server}/apps/${login.slice(0, -'[bot]'.length)}` : `${server}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: isBot ? 'Bot' : 'User',
    site_admin: false,
  };
}

/** `public-user`, of `GET /user`. */
export function toPublicUser(login: string, addresses: GithubAddresses): Readonly<Record<string, unknown>> {
  const nothing = { name: null, company: null, blog: '', location: null, email: null, hireable: null, bio: null };
  const counts = { public_repos: 0, public_gists: 0, followers: 0, following: 0 };
  return { ...toUser(login, addresses), user_view_type: 'public', ...nothing, ...counts, created_at: createdAt, updated_at: createdAt };
}

/** The app behind GITHUB_TOKEN. */
export function toActionsApp(addresses: GithubAddresses): Readonly<Record<string, unknown>> {
  return {
    id: 15368,
    slug: 'github-actions',
    node_id: 'MDM6QXBwMTUzNjg=',
    owner: toUser('github', addresses),
    name: 'GitHub Actions',
    description: 'Automate your workflow from idea to production',
    external_url: 'https://help.github.com/en/actions',
    html_url: `${addresses.server}/apps/github-actions`,
    created_at: '2018-07-30T09:30:17Z',
    updated_at: '2024-04-10T20:33:16Z',
    permissions: { actions: 'write', checks: 'write', contents: 'write', issues: 'write', metadata: 'read', pull_requests: 'write' },
    events: ['check_run', 'pull_request', 'push'],
  };
}

/** Members `…_url` of a repository with what their URL template ends in. */
const repositoryUrls = {
  archive: '{archive_format}{/ref}',
  assignees: '{/user}',
  branches: '{/branch}',
  collaborators: '{/collaborator}',
  contributors: '',
  deployments: '',
  downloads: '',
  events: '',
  forks: '',
  hooks: '',
  issues: '{/number}',
  keys: '{/key_id}',
  labels: '{/name}',
  languages: '',
  merges: '',
  milestones: '{/number}',
  notifications: '{?since,all,participating}',
  pulls: '{/number}',
  releases: '{/id}',
  stargazers: '',
  statuses: '{sha}',
  subscribers: '',
  subscription: '',
  tags: '',
  teams: '',
  comments: '{/number}',
  commits: '{/sha}',
  contents: '{+path}',
  compare: '{base}...{head}',
};

const repositoryCounts = {
  forks: 0,
  forks_count: 0,
  open_issues: 1,
  open_issues_count: 1,
  size: 1,
  stargazers_count: 0,
  watchers: 0,
  watchers_count: 0,
  network_count: 0,
  subscribers_count: 0,
};
const repositoryFeatures = {
  has_downloads: true,
  has_issues: true,
  has_projects: false,
  has_wiki: false,
  has_pages: false,
  has_discussions: false,
};

/** `repository`. */
export function toRepository(repository: GithubRepository, addresses: GithubAddresses): Readonly<Record<string, unknown>> {
  const { owner, name } = repository;
  const url = `${addresses.api}/repos/${owner}/${name}`;
  const page = `${addresses.server}/${owner}/${name}`;
  return {
    id: toNumber(`${owner}/${name}`),
    node_id: toNodeId('R', `${owner}/${name}`),
    name,
    full_name: `${owner}/${name}`,
    private: repository.private,
    visibility: repository.private ? 'private' : 'public',
    owner: toUser(owner, addresses),
    html_url: page,
    description: null,
    fork: false,
    url,
    ...Object.fromEntries(Object.entries(repositoryUrls).map(([part, suffix]) => [`${part}_url`, `${url}/${part}${suffix}`])),
    ...Object.fromEntries(['refs', 'tags', 'commits'].map((part) => [`git_${part}_url`, `${url}/git/${part}{/sha}`])),
    blobs_url: `${url}/git/blobs{/sha}`,
    trees_url: `${url}/git/trees{/sha}`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    issue_events_url: `${url}/issues/events{/number}`,
    clone_url: `${page}.git`,
    git_url: `git://github.com/${owner}/${name}.git`,
    ssh_url: `git@github.com:${owner}/${name}.git`,
    svn_url: page,
    ...{ homepage: null, language: null, mirror_url: null, license: null },
    ...{ archived: false, disabled: false, default_branch: 'main' },
    ...repositoryCounts,
    ...repositoryFeatures,
    ...{ created_at: createdAt, updated_at: createdAt, pushed_at: createdAt },
  };
}

/** `pull-request`, also what the event of a workflow holds. */
export function toPullRequest(
  pullRequest: GithubPullRequest,
  repository: GithubRepository,
  addresses: GithubAddresses,
): Readonly<Record<string, unknown>> {
  const { number, title, author, head, base, locked = false } = pullRequest;
  const { owner, name } = repository;
  const root = `${addresses.api}/repos/${owner}/${name}`;
  const url = `${root}/pulls/${number}`;
  const page = `${addresses.server}/${owner}/${name}/pull/${number}`;
  const links = {
    comments_url: `${root}/issues/${number}/comments`,
    commits_url: `${url}/commits`,
    issue_url: `${root}/issues/${number}`,
    review_comment_url: `${root}/pulls/comments{/number}`,
    review_comments_url: `${url}/comments`,
    statuses_url: `${root}/statuses/${head.sha}`,
    html_url: page,
  };
  const side = ({ ref, sha }: { readonly ref: string; readonly sha: string }, of: GithubRepository): object => {
    const facts = toRepository(of, addresses);
    const isFork = of.owner !== owner || of.name !== name;
    return { label: `${of.owner}:${ref}`, ref, sha, user: toUser(of.owner, addresses), repo: { ...facts, fork: isFork } };
  };
  return {
    url,
    id: toNumber(url),
    node_id: toNodeId('PR', url),
    number,
    state: 'open',
    locked,
    title,
    user: toUser(author, addresses),
    body: null,
    ...links,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    labels: [],
    head: side(head, head.repository ?? repository),
    base: side(base, repository),
    _links: {
      self: { href: url },
      ...Object.fromEntries(Object.entries(links).map(([part, href]) => [part.slice(0, -'_url'.length), { href }])),
    },
    ...{ assignee: null, milestone: null, auto_merge: null, merged_by: null, merged_at: null, closed_at: null, merge_commit_sha: null },
    ...{ merged: false, mergeable: true, mergeable_state: 'clean', maintainer_can_modify: false, draft: false },
    ...{ comments: 0, review_comments: 0, commits: 1, additions: 1, deletions: 0, changed_files: 1 },
    ...{ author_association: 'CONTRIBUTOR', created_at: createdAt, updated_at: createdAt },
  };
}

export function toNodeId(prefix: string, text: string): string {
  return `${prefix}_${Buffer.from(text).toString('base64url')}`;
}

/** A number that is the same for the same text, in the range of GitHub's ids. */
export function toNumber(text: string): number {
  let hash = 0;
  for (const character of text) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  }
  return 1_000_000 + (hash >>> 1);
}
