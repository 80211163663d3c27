import { describe, expect, it } from 'vitest';
import { listAzurePipelinesChecks } from '../../../src/host/azure-pipelines/checks.ts';
import type { CheckOutcome } from '../../../src/model/check.ts';
import { type AzureSetup, builder, setUpAzure } from '../azure-setup.ts';
import { http } from '../github-setup.ts';

type Env = Readonly<Record<string, string | undefined>>;

async function check({ env }: AzureSetup, change: Env = {}): Promise<Readonly<Record<string, CheckOutcome>>> {
  const checks = listAzurePipelinesChecks({ env: { ...env, ...change }, http });
  return Object.fromEntries(await Promise.all(checks.map(async ({ name, run }) => [name, await run()] as const)));
}

describe('what a job may do in Azure DevOps', () => {
  it('is all right, and only read to find that out', async () => {
    const setup = await setUpAzure();
    const outcomes = await check(setup);
    await setup.close();
    expect(Object.entries(outcomes).map(([name, { state }]) => `${name} ${state}`)).toEqual([
      'build right',
      'identity token right',
      'job token right',
      'comment right',
    ]);
    expect(outcomes.build?.text).toBe('PullRequest of shop (TfsGit), pull request 22');
    expect(outcomes['job token']?.text).toContain(builder.displayName);
    expect(setup.azureDevops.requests.map(({ method }) => method)).toEqual(setup.azureDevops.requests.map(() => 'GET'));
    expect(setup.azureDevops.threads).toEqual([]);
  });

  it('names the identity and the command where the permission is missing', async () => {
    const setup = await setUpAzure({}, 'reader');
    const { comment } = await check(setup);
    await setup.close();
    expect(comment).toMatchObject({ state: 'warning', text: expect.stringContaining('Contribute to pull requests') });
    expect(comment?.hint).toMatch(
      /"Fabrikam Build Service".*az devops security permission update --organization http\S+ --namespace-id [0-9a-f-]{36} --subject svc\.\w+ --token repoV2\/1{8}-\S+\/2{8}-\S+ --allow-bit 16384$/,
    );
  });

  it('is told where there is no token, or one that is not accepted', async () => {
    const setup = await setUpAzure({}, 'nobody');
    const outcomes = await check(setup);
    expect(outcomes['job token']).toMatchObject({ state: 'warning', text: expect.stringContaining('401') });
    expect(outcomes.comment).toMatchObject({ state: 'warning', text: expect.stringContaining('cannot be told') });
    const without = await check(setup, {
      ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: undefined,
      SYSTEM_ACCESSTOKEN: undefined,
    });
    expect(without.comment).toMatchObject({ state: 'warning', text: expect.stringContaining('no access token') });
    await setup.close();
    expect((await check(setup)).comment).toMatchObject({ state: 'warning', text: expect.stringMatching(/ failed: /) });
  });

  it('is told of forks, of repositories elsewhere, and outside of a pull request', async () => {
    const setup = await setUpAzure();
    expect((await check(setup, { SYSTEM_PULLREQUEST_ISFORK: 'True' })).build).toMatchObject({
      state: 'warning',
      hint: expect.stringContaining('keyVault'),
    });
    const elsewhere = await check(setup, { BUILD_REPOSITORY_PROVIDER: 'GitHub' });
    expect(elsewhere.build?.text).toContain('not in Azure Repos');
    expect(elsewhere.comment?.state).toBe('right');
    const push = await check(setup, {
      SYSTEM_PULLREQUEST_PULLREQUESTID: undefined,
      BUILD_REASON: 'IndividualCI',
      SYSTEM_OIDCREQUESTURI: undefined,
    });
    expect(push.comment).toEqual({ state: 'right', text: 'not a pull request of Azure Repos: no comment is written' });
    expect(push['identity token']?.text).toContain('System.OidcRequestUri is not set');
    await setup.close();
  });
});
