import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMasks } from '../host/oracle-github-runner.ts';
import { type ShopSandbox, startShopSandbox } from './shop-sandbox.ts';
import { runBundle } from './step.ts';

/** The packaged action with a token for GitHub that only the vault has. */
const githubToken = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';

let world: ShopSandbox;
beforeAll(async () => {
  world = await startShopSandbox(undefined, { githubToken, secrets: { 'github-token': githubToken } });
});
afterAll(() => world.close());

it('comments and annotates with a token of the vault, and shows it nowhere', async () => {
  const workspace = join(world.folder, 'workspace');
  await world.placeShop(workspace, 'bad');
  const secrets = 'REGISTRY_PASSWORD = registry-password\nBOT = github-token';
  const inputs = { ...world.inputs, secrets, 'github-token': 'secret:BOT' };
  const step = await world.sandbox.prepareGithubStep({ folder: join(world.folder, 'runner'), workspace, inputs });
  const { exitCode, stdout, stderr } = await runBundle('github.js', [], { cwd: workspace, env: step.env });
  expect(exitCode, stdout + stderr).toBe(1);
  const { comments, checkRuns, requests } = world.sandbox.github;
  expect(comments).toMatchObject([{ body: expect.stringContaining('CVE-2021-44906') }]);
  expect(checkRuns).toMatchObject([{ conclusion: 'failure' }]);
  const asked = requests.filter(({ url }) => url.pathname.startsWith('/repos/'));
  expect(asked.every(({ headers }) => headers.authorization?.endsWith(` ${githubToken}`))).toBe(true);
  expect(readMasks(stdout)).toContain(githubToken);
  expect(stdout.replace(/^::add-mask::.*$/gm, '') + stderr).not.toContain(githubToken);
});
