import { expect, it } from 'vitest';
import { payloads } from '../../report/payloads.ts';
import { findViolations } from '../github-openapi.ts';
import { setUpGitHub } from '../github-setup.ts';

const outcome = { conclusion: 'failure', title: 'Denied', summary: '## Denied' } as const;

it("keeps to GitHub's published description of its API", async () => {
  const { github, host, again, close } = await setUpGitHub();
  const lines = payloads.flatMap((payload, index) => [
    { level: 'error', title: payload, message: payload, file: `dir/${payload}`, line: index + 1 } as const,
    { level: 'notice', title: 'x', message: 'y', file: 'Dockerfile', line: undefined } as const,
  ]);
  await host.annotate(lines, outcome);
  await again().host.annotate([], { ...outcome, conclusion: 'success', title: 'x'.repeat(1000), summary: 'ä'.repeat(100_000) });
  await host.comment(payloads.join('\n'), outcome);
  await again().host.comment('again', outcome);
  await close();
  const rest = github.requests.filter(({ url }) => url.pathname !== '/graphql');
  expect(new Set(rest.map(({ method, url }) => `${method} ${url.pathname.replace(/\d+/g, 'N')}`))).toEqual(
    new Set([
      'POST /repos/contoso/shop/check-runs',
      'PATCH /repos/contoso/shop/check-runs/N',
      'GET /repos/contoso/shop/issues/N/comments',
      'POST /repos/contoso/shop/issues/N/comments',
      'GET /user',
      'PATCH /repos/contoso/shop/issues/comments/N',
    ]),
  );
  expect(rest.map((request) => findViolations(request))).toEqual(rest.map(() => []));
});

it('would find a request that does not', async () => {
  const { github, close } = await setUpGitHub();
  await close();
  const url = new URL(`${github.url}/repos/contoso/shop/check-runs?x=1`);
  const body = Buffer.from('{"head_sha":1,"status":"completed","output":{"title":"x"}}');
  expect(findViolations({ method: 'POST', url, headers: {}, body })).toEqual(expect.arrayContaining(['x', '/head_sha must be string']));
});
