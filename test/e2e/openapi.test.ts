import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClientSecretCredential } from '@azure/identity';
import { CertificateClient } from '@azure/keyvault-certificates';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { upsertThread } from '../../src/host/azure-pipelines/pull-request-thread.ts';
import { createGitHubApi } from '../../src/host/github/api.ts';
import { createCheckRun } from '../../src/host/github/check-run.ts';
import { upsertComment } from '../../src/host/github/pull-request-comment.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { startAzureDevops } from '../../src/sandbox/azure-devops.ts';
import { createCertificateAuthority, createSigningChain, generateKeys } from '../../src/sandbox/certificate.ts';
import { startEntra } from '../../src/sandbox/entra.ts';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { startGithub } from '../../src/sandbox/github.ts';
import { startKeyVault } from '../../src/sandbox/key-vault.ts';
import { type OsvQuery, startOsv } from '../../src/sandbox/osv.ts';
import { send } from '../sandbox/client.ts';
import { expectDescribed, readAzureRepos, readGithub, readKeyVault } from './descriptions.ts';
import type { Description } from './openapi.ts';
import { shared } from './peers.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

describe('the descriptions', () => {
  it('find a wrong exchange: a path, a member, a type, a status', () => {
    const description = readGithub();
    const request = {
      method: 'POST',
      url: new URL('https://api.github.com/repos/a/b/issues/1/comments'),
      headers: {},
      body: Buffer.from('{"body":"x"}'),
    };
    const problems = (changes: Partial<Exchange['request']>, status = 404, body = '{"message":"Not Found"}') =>
      description.problemsOf({ request: { ...request, ...changes }, answer: { status, headers: {}, body: Buffer.from(body) } });
    expect(problems({})).toEqual([]);
    expect(problems({ url: new URL('https://api.github.com/repos/a/b/issues/1/remarks') })).toEqual([
      expect.stringContaining('is not described'),
    ]);
    expect(problems({ body: Buffer.from('{"text":"x"}') })).toEqual(
      expect.arrayContaining([expect.stringContaining("required property 'body'")]),
    );
    expect(problems({ body: Buffer.from('{"body":"x","colour":"red"}') })).toEqual([expect.stringContaining('colour')]);
    expect(problems({ body: Buffer.from('{"body":7}') })).not.toEqual([]);
    expect(problems({}, 404, '{"reason":"x"}')).toEqual([expect.stringContaining('reason')]);
    expect(problems({}, 201, '{}')).not.toEqual([]);
    expect(problems({ url: new URL(`${request.url.href}?colour=red`) })).toEqual([expect.stringContaining('colour')]);
  });
});

describe.each(['7.4', '7.6'] as const)('Key Vault %s', (version) => {
  it('and the SDK exchange what is described', async () => {
    const { onExchange, verify, description } = watch(readKeyVault(version));
    const authority = await createCertificateAuthority();
    const tls = await authority.issueTls();
    const objectId = '33333333-3333-4333-8333-333333333333';
    const ids = { tenantId: '11111111-1111-4111-8111-111111111111', clientId: '22222222-2222-4222-8222-222222222222' };
    const applications = [{ clientId: ids.clientId, objectId, secret: { value: 'secret' } }];
    const entra = keep(await startEntra({ tls, tenantId: ids.tenantId, applications }));
    const [chain, rsaChain, elliptic] = await Promise.all([
      createSigningChain(),
      createSigningChain({ keyType: 'RSA-2048', length: 'self-signed' }),
      generateKeys('P-521'),
    ]);
    const vault = keep(
      await startKeyVault({
        tls,
        entra,
        onExchange,
        grants: { [objectId]: ['secrets/get', 'keys/get', 'keys/sign', 'certificates/get'] },
        secrets: [
          { name: 'password', value: 'x', contentType: 'text/plain', tags: { a: 'b' }, expires: new Date('2040-01-01') },
          { name: 'disabled', value: 'x', enabled: false },
        ],
        keys: [{ name: 'elliptic', privateKey: elliptic.privateKey }],
        certificates: [
          { name: 'signing', chain: chain.certificates, privateKey: chain.keys.privateKey },
          { name: 'rsa', chain: rsaChain.certificates, privateKey: rsaChain.keys.privateKey },
        ],
      }),
    );
    const tlsOptions = { ca: authority.certificatePem };
    const credential = new ClientSecretCredential(ids.tenantId, ids.clientId, 'secret', {
      authorityHost: entra.url,
      disableInstanceDiscovery: true,
      tlsOptions,
    });
    const options = {
      disableChallengeResourceVerification: true,
      serviceVersion: version as '7.4',
      tlsOptions,
      retryOptions: { maxRetries: 0 },
    };
    const secrets = new SecretClient(vault.url, credential, options);
    const certificates = new CertificateClient(vault.url, credential, options);
    await secrets.getSecret('password');
    await secrets.getSecret('signing');
    await expect(secrets.getSecret('disabled')).rejects.toThrow();
    await expect(secrets.getSecret('missing')).rejects.toThrow();
    await certificates.getCertificate('rsa');
    const { keyId = '' } = await certificates.getCertificate('signing');
    await expect(certificates.getCertificate('missing')).rejects.toThrow();
    await new KeyClient(vault.url, credential, options).getKey('elliptic');
    const digest = createHash('sha256').update('x').digest();
    await new CryptographyClient(keyId, credential, options).sign('ES256', digest);
    await expect(new CryptographyClient(keyId, credential, options).sign('PS256', digest)).rejects.toThrow();
    verify(17);
    expect(description.seen.size).toBe(4);
  });
});

describe('GitHub', () => {
  it('and the step exchange what is described', async () => {
    const { onExchange, verify, description } = watch(readGithub(), ({ request }) => request.url.pathname !== '/graphql');
    const repository = { owner: 'contoso', name: 'shop', private: true };
    const headSha = 'a1'.repeat(20);
    const github = keep(
      await startGithub({
        onExchange,
        repository,
        pullRequests: [
          { number: 7, title: 'One', author: 'mona', head: { ref: 'topic', sha: headSha }, base: { ref: 'main', sha: 'b2'.repeat(20) } },
        ],
        tokens: {
          writer: {
            kind: 'actions',
            login: 'github-actions[bot]',
            permissions: { checks: 'write', pull_requests: 'write', contents: 'read' },
          },
          reader: { kind: 'actions', login: 'github-actions[bot]', permissions: {} },
          person: { kind: 'user', login: 'mona', permissions: {} },
        },
        comments: Array.from({ length: 130 }, (_, index) => ({
          issue: 7,
          body: `comment ${index}`,
          author: { kind: 'user', login: 'mona' },
        })),
      }),
    );
    const http = createHttp({ userAgent: 'image-custody' });
    closers.push(() => http.close());
    const apiOf = (token: string) => createGitHubApi({ env: { GITHUB_API_URL: github.url }, http, token: new SecretValue(token) });
    const comment = { repository: 'contoso/shop', pullRequest: 7, key: 'job' };
    expect(await upsertComment(apiOf('writer'), comment, 'first')).toEqual({ kind: 'created' });
    expect(await upsertComment(apiOf('writer'), comment, 'second')).toEqual({ kind: 'updated' });
    expect(await upsertComment(apiOf('reader'), comment, 'third')).toMatchObject({ kind: 'refused' });
    const annotations = Array.from({ length: 120 }, (_, index) => ({
      level: 'error' as const,
      title: 'T',
      message: 'M',
      file: 'Dockerfile',
      line: index + 1,
    }));
    const target = { repository: 'contoso/shop', headSha, name: 'Image' };
    const outcome = { conclusion: 'failure' as const, title: 'Denied', summary: 'why' };
    expect(await createCheckRun(apiOf('writer'), target, annotations, outcome)).toMatchObject({ kind: 'created' });
    expect(github.checkRuns[0]?.annotations).toHaveLength(120);
    expect(await createCheckRun(apiOf('reader'), target, annotations, outcome)).toMatchObject({ kind: 'refused' });
    const api = apiOf('writer');
    const answers = await Promise.all([
      api.request('GET', '/repos/contoso/shop/pulls/7'),
      api.request('GET', '/repos/contoso/shop'),
      api.request('GET', '/user'),
      apiOf('person').request('GET', '/user'),
      apiOf('forged').request('GET', '/user'),
      api.request('GET', `/repos/contoso/shop/check-runs/${github.checkRuns[0]?.id}/annotations?per_page=100`),
      api.request('GET', '/repos/contoso/shop/issues/8/comments'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403, 200, 401, 200, 404]);
    verify(16);
    expect(description.seen.size).toBe(9);
  });
});

describe('Azure DevOps', () => {
  it('and the step exchange what is described', async () => {
    const isDescribed = ({ request, answer }: Exchange) => request.url.pathname.includes('/git/') && (answer?.status ?? 0) < 300;
    const { onExchange, verify, description } = watch(readAzureRepos(), isDescribed);
    const repository = { id: '5a5a5a5a-0000-4000-8000-00000000000b', name: 'shop' };
    const devops = keep(
      await startAzureDevops({
        onExchange,
        organization: 'contoso',
        project: { id: '5a5a5a5a-0000-4000-8000-00000000000a', name: 'Shop' },
        repository,
        pullRequests: [
          {
            id: 7,
            title: 'One',
            sourceRef: 'refs/heads/topic',
            targetRef: 'refs/heads/main',
            sourceCommit: 'a1'.repeat(20),
            targetCommit: 'b2'.repeat(20),
            files: ['/Dockerfile'],
          },
        ],
        tokens: {
          builder: { id: '5a5a5a5a-0000-4000-8000-00000000000c', displayName: 'Build', mayContribute: true },
          reader: { id: '5a5a5a5a-0000-4000-8000-00000000000d', displayName: 'Reader', mayContribute: false },
        },
      }),
    );
    const http = createHttp({ userAgent: 'image-custody' });
    closers.push(() => http.close());
    const pullRequest = { collectionUrl: devops.collectionUrl, project: 'Shop', projectId: undefined, repository: repository.id, id: 7 };
    const target = { pullRequest, token: new SecretValue('builder'), key: 'job' };
    expect(await upsertThread(http, target, 'active', 'first')).toEqual({ kind: 'created' });
    expect(await upsertThread(http, target, 'closed', 'second')).toEqual({ kind: 'updated' });
    expect(await upsertThread(http, { ...target, token: new SecretValue('reader') }, 'active', 'x')).toMatchObject({ kind: 'refused' });
    expect(devops.threads).toMatchObject([{ status: 'closed', comments: [{ content: 'second' }] }]);
    const base = `${devops.collectionUrl}Shop/_apis/git/repositories/${repository.id}/pullRequests/7`;
    const ask = (path: string, body?: object) =>
      send(`${base}${path}?api-version=7.1`, {
        method: body === undefined ? 'GET' : 'POST',
        body,
        headers: { authorization: 'Bearer builder' },
      });
    const context = {
      threadContext: { filePath: '/Dockerfile', rightFileStart: { line: 1, offset: 1 }, rightFileEnd: { line: 1, offset: 2 } },
    };
    const answers = [
      await ask('/threads', { comments: [{ content: 'on a line' }], status: 'active', ...context }),
      await ask('/threads/1/comments', { content: 'reply', parentCommentId: 1 }),
      await ask('/threads/1/comments'),
      await ask('/threads/1'),
      await ask('/statuses', { state: 'failed', description: 'x', context: { name: 'image', genre: 'image-custody' }, iterationId: 1 }),
      await ask('/statuses'),
      await ask(''),
      await ask('/iterations'),
      await ask('/iterations/1/changes'),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    verify(14);
    expect(description.seen.size).toBe(12);
  });
});

describe('osv.dev', () => {
  it('answered as the stand-in answers, on recorded traffic', async () => {
    const recorded = readCassettes(['image-main/TestCommand_HtmlFile.yaml', 'image-main/TestCommand_OCIImage.yaml']);
    const ids = new Map(
      recorded.flatMap(({ queries, results }) => queries.map((query, index) => [JSON.stringify(query), results[index]?.vulns ?? []])),
    );
    const modified = new Map([...ids.values()].flat().map((vulnerability) => [vulnerability.id, vulnerability.modified]));
    const records = [...modified].map(([id, time]) => ({ id, modified: time }));
    const osv = keep(await startOsv({ records, matches: (query) => (ids.get(JSON.stringify(query)) ?? []).map(({ id }) => id) }));
    expect(recorded.length).toBeGreaterThan(2);
    for (const { queries, results } of recorded) {
      const reply = await send(`${osv.url}/v1/querybatch`, { method: 'POST', body: { queries } });
      expect(reply.json).toEqual({ results });
    }
  });
});

interface Recorded {
  readonly queries: readonly OsvQuery[];
  readonly results: readonly { readonly vulns?: readonly { readonly id: string; readonly modified: string }[] }[];
}

/** Batches of go-vcr cassettes, one for each distinct request. */
function readCassettes(paths: readonly string[]): readonly Recorded[] {
  const found = paths.flatMap((path) => {
    const [document] = parseAllDocuments(readFileSync(shared(`testdata/osv-api/${path}`), 'utf8'));
    const { interactions } = (document === undefined ? {} : document.toJS()) as {
      interactions: { request: { url: string; body: string }; response: { code: number; body: string } }[];
    };
    return interactions.filter(({ request, response }) => request.url.endsWith('/v1/querybatch') && response.code === 200);
  });
  return [
    ...new Map(
      found.map(({ request, response }) => [request.body, { ...JSON.parse(request.body), ...JSON.parse(response.body) } as Recorded]),
    ).values(),
  ];
}

/** Collects what a stand-in exchanges; `verify` holds at least so many exchanges against the description. */
function watch(description: Description, isDescribed: (exchange: Exchange) => boolean = () => true) {
  const exchanges: Exchange[] = [];
  const verify = (least: number): void => expectDescribed(description, exchanges.filter(isDescribed), least);
  return { description, verify, onExchange: (exchange: Exchange) => void exchanges.push(exchange) };
}

function keep<T extends { close(): Promise<void> }>(standIn: T): T {
  closers.push(() => standIn.close());
  return standIn;
}
