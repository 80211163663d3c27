import { afterEach, describe, expect, it } from 'vitest';
import { fetchIdentityToken } from '../../../src/host/github/identity-token.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { type GitHubSetup, http, setUpGitHub } from '../github-setup.ts';

let open: GitHubSetup | undefined;
afterEach(() => open?.close());

const audience = 'api://AzureADTokenExchange';

describe('identity token', () => {
  it('is for the audience, and says which workflow it is', async () => {
    open = await setUpGitHub();
    const token = await fetchIdentityToken(open.env, http, audience);
    const claims = JSON.parse(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ aud: audience, iss: open.github.issuer, sub: open.github.subject });
    expect(`${token}`).toBe('***');
  });

  it('names the permission where the job has none', async () => {
    for (const env of [
      {},
      { ACTIONS_ID_TOKEN_REQUEST_URL: 'not a url', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' },
      { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x/' },
    ]) {
      const error = await fetchIdentityToken(env, http, audience).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(StepError);
      expect(error).toMatchObject({
        code: 'identity-token-unavailable',
        origin: 'identity',
        hint: expect.stringContaining('permissions: id-token: write'),
      });
    }
  });

  it('tells a refusal without the token that it asked with', async () => {
    open = await setUpGitHub();
    const env = { ...open.env, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'wrong-canary' };
    const error = await fetchIdentityToken(env, http, audience).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'identity-token-refused', message: expect.stringContaining(audience) });
    expect(JSON.stringify(error) + String(error)).not.toContain('canary');
  });
});
