import { afterEach, describe, expect, it } from 'vitest';
import { findBuildRun, readBuildRun } from '../../../src/host/github/provenance.ts';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import { type GitHubSetup, setUpGitHub } from '../github-setup.ts';

let open: GitHubSetup | undefined;
afterEach(() => open?.close());

const push = {
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'contoso/shop',
  GITHUB_REPOSITORY_ID: '100',
  GITHUB_REPOSITORY_OWNER_ID: '200',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_SHA: 'a1'.repeat(20),
  GITHUB_WORKFLOW_REF: 'contoso/shop/.github/workflows/image.yml@refs/heads/main',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_EVENT_NAME: 'push',
  RUNNER_ENVIRONMENT: 'github-hosted',
};

describe('what GitHub says of a run', () => {
  it('is what its own attestations say', () => {
    expect(readBuildRun(push)).toEqual({
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      builder: 'https://github.com/contoso/shop/.github/workflows/image.yml@refs/heads/main',
      invocation: 'https://github.com/contoso/shop/actions/runs/42/attempts/2',
      externalParameters: {
        workflow: { ref: 'refs/heads/main', repository: 'https://github.com/contoso/shop', path: '.github/workflows/image.yml' },
      },
      internalParameters: {
        github: { event_name: 'push', repository_id: '100', repository_owner_id: '200', runner_environment: 'github-hosted' },
      },
      source: { uri: 'git+https://github.com/contoso/shop@refs/heads/main', commit: 'a1'.repeat(20) },
    });
  });

  it('is of a build type of our own where the event is none that the other is for', async () => {
    open = await setUpGitHub();
    expect(readBuildRun(open.env)).toMatchObject({
      buildType: 'https://github.com/image-custody/image-custody/buildtypes/github-actions/v1',
      externalParameters: { workflow: { ref: 'refs/pull/7/merge', path: '.github/workflows/image.yml' } },
      internalParameters: { github: { event_name: 'pull_request' } },
      source: { uri: 'git+https://github.com/contoso/shop@refs/pull/7/merge', commit: 'c3'.repeat(20) },
    });
  });

  it('takes the file of the workflow from between others', () => {
    const ref = 'refs/tags/@contoso/shop@1.0.0';
    const file = 'contoso/shop/.github/workflows/build@night.yml';
    const run = readBuildRun({ ...push, GITHUB_REF: ref, GITHUB_WORKFLOW_REF: `${file}@${ref}` });
    expect(run?.externalParameters).toMatchObject({ workflow: { ref, path: '.github/workflows/build@night.yml' } });
    const other = readBuildRun({ ...push, GITHUB_WORKFLOW_REF: 'contoso/shop/.github/workflows/a.yml@refs/heads/old' });
    expect(other?.externalParameters).toMatchObject({ workflow: { ref: 'refs/heads/old', path: '.github/workflows/a.yml' } });
  });

  it('names the repository of a workflow that the rules of an organization require', () => {
    const workflow = 'contoso/rules/.github/workflows/scan.yml@refs/heads/main';
    const run = readBuildRun({ ...push, GITHUB_WORKFLOW_REF: workflow });
    expect(run).toMatchObject({
      buildType: 'https://github.com/image-custody/image-custody/buildtypes/github-actions/v1',
      builder: `https://github.com/${workflow}`,
      externalParameters: { workflow: { repository: 'https://github.com/contoso/rules', path: '.github/workflows/scan.yml' } },
      source: { uri: 'git+https://github.com/contoso/shop@refs/heads/main' },
    });
  });

  it('names no source where there is no commit, and nothing that is not known', () => {
    const run = readBuildRun({ ...push, GITHUB_SHA: 'main', RUNNER_ENVIRONMENT: undefined, GITHUB_REPOSITORY_ID: '' });
    expect(run?.source).toBeUndefined();
    expect(run?.internalParameters).toEqual({ github: { event_name: 'push', repository_owner_id: '200' } });
  });

  it.each([
    ['a shell', {}],
    ['no run', { ...push, GITHUB_RUN_ID: undefined }],
    ['no event', { ...push, GITHUB_EVENT_NAME: undefined }],
    ['no repository', { ...push, GITHUB_REPOSITORY: 'shop' }],
    ['a server with a user', { ...push, GITHUB_SERVER_URL: 'https://mona:token@github.com' }],
    ['a workflow without a repository', { ...push, GITHUB_WORKFLOW_REF: 'image.yml@refs/heads/main' }],
    ['a workflow without a ref', { ...push, GITHUB_WORKFLOW_REF: 'contoso/shop/.github/workflows/image.yml' }],
  ])('is nothing for %s', (_name, env) => {
    expect(readBuildRun(env)).toBeUndefined();
  });
});

describe('who runs a job', () => {
  const reusable = 'contoso/ci/.github/workflows/publish.yml@refs/tags/v2';
  const claims = { repository: 'contoso/shop', run_id: '42', job_workflow_ref: reusable };
  const toToken = (payload: unknown) => new SecretValue(`e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.AAAA`);

  it('is the reusable workflow that has the job, by GitHub’s token', async () => {
    const asked: string[] = [];
    const run = await findBuildRun(push, async (audience) => {
      asked.push(audience);
      return toToken(claims);
    });
    expect(run).toEqual({ ...readBuildRun(push), builder: `https://github.com/${reusable}` });
    expect(asked).toEqual(['image-custody']);
  });

  it.each([
    ['there is no right to a token', undefined],
    ['GitHub gives none', () => Promise.reject(new Error('403'))],
    ['it is no token', async () => new SecretValue('x')],
    ['it is of another run', async () => toToken({ ...claims, run_id: '41' })],
    ['it is of another repository', async () => toToken({ ...claims, repository: 'evil/shop' })],
    ['it names no workflow', async () => toToken({ ...claims, job_workflow_ref: 'x' })],
    ['it is no object', async () => toToken(null)],
  ])('is the workflow that was started where %s', async (_name, fetchToken) => {
    expect(await findBuildRun(push, fetchToken)).toEqual(readBuildRun(push));
  });

  it('is nobody in a shell, and no token is asked for', async () => {
    expect(await findBuildRun({}, () => Promise.reject(new Error('asked')))).toBeUndefined();
  });
});
