import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { azureUserOf } from '../../src/registry/credential.ts';
import { readMarkdown, root, tableRows } from './markdown.ts';

const { text } = readMarkdown('docs/credentials.md');

describe('docs/credentials.md, registries', () => {
  test('names the domains of Azure Container Registry', () => {
    const domains = /azureDomains = \[(.*?)\]/.exec(readFileSync(join(root, 'src/registry/credential.ts'), 'utf8'))?.[1] ?? '';
    const names = [...domains.matchAll(/'([^']+)'/g)].map(([, name = '']) => name);
    expect(names).toHaveLength(3);
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  test('the table of token services is that of the sources', () => {
    const source = readFileSync(join(root, 'src/registry/token-host.ts'), 'utf8').replace('[dockerHub]', "'docker.io'");
    const known = [...(/knownTokenHosts[^{]*\{(.*?)\n\};/s.exec(source)?.[1] ?? '').matchAll(/'([^']+)': '([^']+)'/g)];
    const rows = tableRows(text, 'registry').map(([registry, host]) => [registry, host]);
    expect(rows).toEqual(known.map(([, registry, host]) => [`\`${registry}\``, `\`${host}\``]));
    expect(rows).toHaveLength(3);
  });

  test.each([
    ['shop', 'shop.azurecr.io', 'admin'],
    ['Shop', 'shop.azurecr.us', 'admin'],
    ['shop', 'shop-a1b2c3d4e5f6g7h8.azurecr.io', 'admin'],
    ['shop-a1b2c3d4e5f6g7h8', 'shop-a1b2c3d4e5f6g7h8.azurecr.io', 'admin'],
    ['ci-push', 'shop.azurecr.io', 'repository-token'],
    ['shop2', 'shop.azurecr.io', 'repository-token'],
    ['00000000-0000-0000-0000-000000000000', 'shop.azurecr.io', 'refresh-token'],
    ['6A0EC4D3-30cb-4a83-91c0-ae56bc0e3d26', 'shop.azurecr.cn', 'application'],
  ] as const)('the user %s at %s is %s', (user, registry, kind) => {
    expect(azureUserOf(user, registry)).toBe(kind);
  });
});
