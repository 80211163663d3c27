import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AzureDevops, startAzureDevops } from '../../src/sandbox/azure-devops.ts';
import { type Reply, type SendOptions, send } from './client.ts';

const project = { id: '5a5a5a5a-0000-4000-8000-00000000000a', name: 'Shop' };
const repository = { id: '5a5a5a5a-0000-4000-8000-00000000000b', name: 'shop' };
const builder = { id: '5a5a5a5a-0000-4000-8000-00000000000c', displayName: 'Shop Build Service (contoso)', mayContribute: true };
const reader = { id: '5a5a5a5a-0000-4000-8000-00000000000d', displayName: 'Reader', mayContribute: false };
const connection = '5a5a5a5a-0000-4000-8000-00000000000e';
const threads = `/contoso/Shop/_apis/git/repositories/${repository.id}/pullRequests/7/threads`;

let devops: AzureDevops;

beforeAll(async () => {
  const commits = { sourceCommit: 'a1'.repeat(20), targetCommit: 'b2'.repeat(20) };
  devops = await startAzureDevops({
    organization: 'contoso',
    project,
    repository,
    pullRequests: [
      { id: 7, title: 'One', sourceRef: 'refs/heads/topic', targetRef: 'refs/heads/main', ...commits, files: ['/Dockerfile'] },
    ],
    tokens: { builder, reader },
    serviceConnections: { [connection]: 'contoso-azure' },
    threads: [{ pullRequest: 7, content: 'from a person', author: { id: 'person', displayName: 'Mona' } }],
  });
});

afterAll(() => devops.close());

describe('threads', () => {
  it('are made, changed and listed; properties carry their type', async () => {
    const body = {
      comments: [{ parentCommentId: 0, content: 'found', commentType: 1 }],
      status: 'active',
      properties: { fingerprint: 'abc', count: 2 },
      threadContext: { filePath: '/Dockerfile', rightFileStart: { line: 1, offset: 1 }, rightFileEnd: { line: 1, offset: 5 } },
    };
    const made = await ask(`${threads}?api-version=7.1`, { method: 'POST', body });
    expect(made).toMatchObject({
      status: 200,
      json: {
        status: 'active',
        threadContext: { filePath: '/Dockerfile' },
        comments: [{ id: 1, commentType: 'text', author: { id: builder.id } }],
      },
    });
    expect(made.json.properties).toEqual({
      fingerprint: { $type: 'System.String', $value: 'abc' },
      count: { $type: 'System.Int32', $value: 2 },
    });
    const one = `${threads}/${made.json.id}`;
    const comment = await ask(`${one}/comments/1?api-version=7.1`, { method: 'PATCH', body: { content: 'found more' } });
    expect(comment).toMatchObject({ status: 200, json: { content: 'found more' } });
    const closed = await ask(`${one}?api-version=7.1`, { method: 'PATCH', body: { status: 4, properties: { count: 3 } } });
    expect(closed.json).toMatchObject({ status: 'closed', properties: { fingerprint: { $value: 'abc' }, count: { $value: 3 } } });
    const reply = await ask(`${one}/comments?api-version=7.1`, { method: 'POST', body: { content: 'again', parentCommentId: 1 } });
    expect(reply.json).toMatchObject({ id: 2, parentCommentId: 1 });
    const listed = await ask(threads.replace('pullRequests', 'pullrequests'));
    expect(listed.json).toMatchObject({
      count: 2,
      value: [{ comments: [{ content: 'from a person' }] }, { comments: [{ content: 'found more' }, { content: 'again' }] }],
    });
    expect(devops.threads).toHaveLength(2);
  });

  it.each([
    ['a comment of another', `${threads}/1/comments/1?api-version=7.1`, 'PATCH', { content: 'x' }, 403, 'CommentUpdateForbiddenException'],
    [
      'a comment that is too long',
      `${threads}?api-version=7.1`,
      'POST',
      { comments: [{ content: 'x'.repeat(150_001) }] },
      400,
      'InvalidArgumentValueException',
    ],
    ['an empty comment', `${threads}?api-version=7.1`, 'POST', { comments: [{ content: '' }] }, 400, 'InvalidArgumentValueException'],
    ['no comment', `${threads}?api-version=7.1`, 'POST', { comments: [] }, 400, 'InvalidArgumentValueException'],
    ['an unknown status', `${threads}/1?api-version=7.1`, 'PATCH', { status: 'done' }, 400, 'InvalidArgumentValueException'],
    ['an unknown thread', `${threads}/99?api-version=7.1`, 'PATCH', { status: 'closed' }, 404, 'DiscussionThreadNotFoundException'],
    [
      'an unknown pull request',
      `${threads.replace('/7/', '/8/')}?api-version=7.1`,
      'POST',
      { comments: [{ content: 'x' }] },
      404,
      'GitPullRequestNotFoundException',
    ],
    [
      'an unknown repository',
      `${threads.replace(repository.id, 'other')}?api-version=7.1`,
      'POST',
      { comments: [{ content: 'x' }] },
      404,
      'GitRepositoryNotFoundException',
    ],
  ])('with %s are refused', async (_case, path, method, body, status, typeKey) => {
    expect(await ask(path, { method, body })).toMatchObject({ status, json: { $id: '1', typeKey } });
  });

  it('of 150,000 characters are taken', async () => {
    const body = { comments: [{ content: 'x'.repeat(150_000) }] };
    expect((await ask(`${threads}?api-version=7.1`, { method: 'POST', body })).status).toBe(200);
  });
});

describe('a token', () => {
  it('without the permission is refused with TF401027', async () => {
    const reply = await ask(`${threads}?api-version=7.1`, { method: 'POST', body: { comments: [{ content: 'x' }] } }, bearer('reader'));
    expect(reply).toMatchObject({ status: 403, json: { typeKey: 'GitNeedsPermissionException', eventId: 3000 } });
    expect(reply.json.message).toBe(
      `TF401027: You need the Git 'PullRequestContribute' permission to perform this action. Details: identity 'Build\\${reader.id}', scope 'repository'.`,
    );
    expect((await ask(threads, {}, bearer('reader'))).status).toBe(200);
  });

  it('is taken as Bearer or as the password of Basic', async () => {
    expect((await ask(threads, {}, bearer('builder'))).status).toBe(200);
    expect((await ask(threads, {}, `Basic ${Buffer.from('any:builder').toString('base64')}`)).status).toBe(200);
    expect((await ask(threads, {}, `Basic ${Buffer.from(':builder').toString('base64')}`)).status).toBe(200);
  });

  it('is asked for: by the sign-in page, or by a challenge', async () => {
    const nothing = await send(`${devops.url}${threads}`);
    expect(nothing).toMatchObject({ status: 302, headers: { location: expect.stringContaining('/_signin?') } });
    expect((await send(`${devops.url}${threads}`, { headers: { 'x-tfs-fedauthredirect': 'Suppress' } })).status).toBe(401);
    const wrong = await ask(threads, {}, bearer('forged'));
    expect(wrong).toMatchObject({ status: 401, json: { typeKey: 'UnauthorizedRequestException' } });
    expect(wrong.headers['www-authenticate']).toMatch(/^Bearer authorization_uri=/);
  });

  it('is told who it is', async () => {
    const reply = await ask('/contoso/_apis/connectionData?api-version=7.1-preview');
    expect(reply.json.authenticatedUser).toMatchObject({ id: builder.id, providerDisplayName: builder.displayName });
  });
});

describe('the api-version', () => {
  it.each([
    ['POST', threads, 'VssVersionNotSpecifiedException'],
    ['POST', `${threads}?api-version=9.0`, 'VssVersionOutOfRangeException'],
    ['POST', `${threads}?api-version=7.2`, 'VssInvalidPreviewVersionException'],
    ['GET', '/contoso/_apis/connectionData?api-version=7.1', 'VssInvalidPreviewVersionException'],
    ['GET', `${threads}?api-version=seven`, 'VssInvalidApiResourceVersionException'],
  ])('%s %s is refused with %s', async (method, path, typeKey) => {
    expect(await ask(path, { method, ...(method === 'POST' ? { body: {} } : {}) })).toMatchObject({ status: 400, json: { typeKey } });
  });

  it('is taken from the Accept header, and from nowhere for GET', async () => {
    const body = { comments: [{ content: 'x' }] };
    expect((await ask(threads, { method: 'POST', body, headers: { accept: 'application/json;api-version=7.1' } })).status).toBe(200);
    expect((await ask(threads)).status).toBe(200);
  });
});

describe('a pull request', () => {
  const pullRequest = threads.replace('/threads', '');

  it('has statuses', async () => {
    const body = { state: 'failed', description: 'denied', context: { name: 'image', genre: 'image-custody' }, iterationId: 1 };
    const made = await ask(`${pullRequest}/statuses?api-version=7.1`, { method: 'POST', body });
    expect(made).toMatchObject({ status: 200, json: { ...body, createdBy: { id: builder.id } } });
    expect((await ask(`${pullRequest}/statuses`)).json.count).toBe(1);
    expect((await ask(`${pullRequest}/statuses?api-version=7.1`, { method: 'POST', body: { state: 'failed' } })).status).toBe(400);
    expect((await ask(`${pullRequest}/statuses?api-version=7.1`, { method: 'POST', body }, bearer('reader'))).status).toBe(403);
  });

  it('has its facts, an iteration and its changes', async () => {
    expect((await ask(pullRequest)).json).toMatchObject({ pullRequestId: 7, supportsIterations: true, sourceRefName: 'refs/heads/topic' });
    expect((await ask(`${pullRequest}/iterations`)).json.value).toMatchObject([{ id: 1, reason: 'create' }]);
    expect((await ask(`${pullRequest}/iterations/1/changes`)).json.changeEntries).toMatchObject([
      { changeTrackingId: 1, item: { path: '/Dockerfile' } },
    ]);
  });
});

describe('an identity token', () => {
  const path = `/contoso/${project.id}/_apis/distributedtask/hubs/build/plans/${project.id}/jobs/${project.id}/oidctoken?api-version=7.1`;

  it('is given for a service connection, and verifies with the published keys', async () => {
    const reply = await ask(`${path}&serviceConnectionId=${connection}`, { method: 'POST' });
    const keys = createLocalJWKSet((await send(`${devops.issuer}/.well-known/jwks`)).json);
    const { payload } = await jwtVerify(reply.json.oidcToken, keys, { issuer: devops.issuer, audience: 'api://AzureADTokenExchange' });
    expect(payload.sub).toBe('sc://contoso/Shop/contoso-azure');
    expect(devops.subjectOf(connection)).toBe(payload.sub);
  });

  it('is given for no other, and to nobody without the job token', async () => {
    expect((await ask(`${path}&serviceConnectionId=${project.id}`, { method: 'POST' })).status).toBe(404);
    expect((await ask(`${path}&serviceConnectionId=${connection}`, { method: 'POST' }, bearer('forged'))).status).toBe(401);
  });
});

function bearer(token: string): string {
  return `Bearer ${token}`;
}

function ask(path: string, options: SendOptions = {}, authorization = bearer('builder')): Promise<Reply> {
  return send(`${devops.url}${path}`, { ...options, headers: { authorization, ...options.headers } });
}
