import { describe, expect, it } from 'vitest';
import { readBuildRun } from '../../../src/host/azure-pipelines/provenance.ts';

const build = {
  SYSTEM_COLLECTIONURI: 'https://dev.azure.com/contoso/',
  SYSTEM_TEAMPROJECT: 'Web shop',
  SYSTEM_TEAMPROJECTID: 'p-1',
  SYSTEM_DEFINITIONID: '12',
  SYSTEM_HOSTTYPE: 'build',
  SYSTEM_STAGEATTEMPT: '1',
  SYSTEM_JOBATTEMPT: '2',
  BUILD_BUILDID: '345',
  BUILD_DEFINITIONNAME: 'shop-ci',
  BUILD_REASON: 'IndividualCI',
  BUILD_REPOSITORY_ID: 'r-1',
  BUILD_REPOSITORY_PROVIDER: 'TfsGit',
  BUILD_REPOSITORY_URI: 'https://contoso@dev.azure.com/contoso/Web%20shop/_git/shop',
  BUILD_SOURCEBRANCH: 'refs/heads/main',
  BUILD_SOURCEVERSION: 'a1'.repeat(20),
};

describe('what Azure Pipelines says of a run', () => {
  it('is the pipeline, its source and its trigger, and no user of the repository', () => {
    const repository = 'https://dev.azure.com/contoso/Web%20shop/_git/shop';
    expect(readBuildRun(build)).toEqual({
      buildType: 'https://github.com/image-custody/image-custody/buildtypes/azure-pipelines/v1',
      builder: 'https://dev.azure.com/contoso/Web%20shop/_build?definitionId=12',
      invocation: 'https://dev.azure.com/contoso/Web%20shop/_build/results?buildId=345',
      externalParameters: {
        pipeline: { collection: 'https://dev.azure.com/contoso', project: 'Web shop', definitionId: '12', definitionName: 'shop-ci' },
        source: { repository, ref: 'refs/heads/main' },
      },
      internalParameters: {
        azurePipelines: {
          reason: 'IndividualCI',
          projectId: 'p-1',
          repositoryId: 'r-1',
          repositoryProvider: 'TfsGit',
          stageAttempt: '1',
          jobAttempt: '2',
        },
      },
      source: { uri: `git+${repository}@refs/heads/main`, commit: 'a1'.repeat(20) },
    });
  });

  it('has no secret of an address, wherever the agent gives one', () => {
    const address = 'https://mona:canary-pat@git.example.com/shop.git';
    const other = { BUILD_REPOSITORY_PROVIDER: 'Git', BUILD_REPOSITORY_URI: `${address}?token=canary-query`, BUILD_REPOSITORY_ID: address };
    const run = readBuildRun({ ...build, ...other, SYSTEM_COLLECTIONURI: 'https://mona:canary-pat@dev.azure.com/contoso/' });
    expect(JSON.stringify(run)).not.toContain('canary');
    expect(run).toMatchObject({
      internalParameters: { azurePipelines: { repositoryId: 'https://git.example.com/shop.git' } },
      source: { uri: 'git+https://git.example.com/shop.git@refs/heads/main' },
    });
  });

  it.each([
    ['a changeset of TFVC', { BUILD_SOURCEVERSION: '4711' }],
    ['no branch', { BUILD_SOURCEBRANCH: undefined }],
    ['a repository without a URL', { BUILD_REPOSITORY_URI: 'git@example.com:shop.git' }],
  ])('names no commit for %s', (_name, change) => {
    expect(readBuildRun({ ...build, ...change })).toMatchObject({ source: undefined });
  });

  it.each([
    ['a shell', {}],
    ['a classic release', { ...build, SYSTEM_HOSTTYPE: 'release' }],
    ['no build', { ...build, BUILD_BUILDID: undefined }],
    ['no pipeline', { ...build, SYSTEM_DEFINITIONID: 'x' }],
    ['no project', { ...build, SYSTEM_TEAMPROJECT: '' }],
    ['a collection that is no URL', { ...build, SYSTEM_COLLECTIONURI: 'contoso' }],
  ])('is nothing for %s', (_name, env) => {
    expect(readBuildRun(env)).toBeUndefined();
  });
});
