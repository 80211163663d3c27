import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Exchange } from '../../src/sandbox/exchange.ts';
import { type Description, readDescriptions } from './openapi.ts';
import { shared } from './peers.ts';

/** What GitHub publishes of its REST API. */
export function readGithub(): Description {
  const folder = dirname(createRequire(import.meta.url).resolve('@octokit/openapi/package.json'));
  return readDescriptions(
    { 'github.json': join(folder, 'generated/api.github.com.json') },
    // Operations describe the refusals that are particular to them.
    { errors: (status) => (status >= 400 ? 'github.json#/components/schemas/basic-error' : undefined) },
  );
}

/** What Microsoft publishes of Key Vault's data plane. */
export function readKeyVault(version: '7.4' | '7.6'): Description {
  const names = version === '7.4' ? ['secrets', 'keys', 'certificates', 'common'] : ['secrets', 'keys', 'certificates'];
  const folder = `testdata/openapi/azure-keyvault/${version}`;
  return readDescriptions(Object.fromEntries(names.map((name) => [`${name}.json`, shared(`${folder}/${name}.json`)])));
}

/** What Microsoft publishes of Azure Repos. */
export function readAzureRepos(): Description {
  return readDescriptions(
    { 'git.json': shared('testdata/openapi/azure-devops/7.1/git/git.json') },
    {
      // Property bags and links are described as the .NET collections that they are in the service; `item` as text of the format `T`.
      open: ['PropertiesCollection', 'ReferenceLinks', 'Change/properties/item'],
      unwrap: (body) => unwrapList(withoutNulls(body)),
    },
  );
}

/** That no exchange departs from the description, and that there are at least so many. */
export function expectDescribed(description: Description, exchanges: readonly Exchange[], least: number): void {
  const problems = exchanges.flatMap((exchange) =>
    description.problemsOf(exchange).map((problem) => `${exchange.request.method} ${exchange.request.url.pathname}: ${problem}`),
  );
  expect([...new Set(problems)]).toEqual([]);
  expect(exchanges.length).toBeGreaterThanOrEqual(least);
}

function unwrapList(body: unknown): unknown {
  const { value, count } = (body ?? {}) as { value?: unknown; count?: unknown };
  return Array.isArray(value) && count === value.length ? value : body;
}

/** Azure DevOps writes members without a value as null, and describes them as absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, item]) => item !== null)
          .map(([key, item]) => [key, withoutNulls(item)]),
      )
    : value;
}
