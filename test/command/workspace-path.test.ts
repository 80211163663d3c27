import { expect, test } from 'vitest';
import { toWorkspacePath } from '../../src/command/workspace-path.ts';

test.each([
  ['/work/shop/ops/policy.yml', 'ops/policy.yml'],
  ['/work/shop/..policy.yml', '..policy.yml'],
  ['ops/policy.yml', 'ops/policy.yml'],
  ['/etc/policy.yml', '/etc/policy.yml'],
  ['/work/shopping/policy.yml', '/work/shopping/policy.yml'],
  ['/work/shop', '/work/shop'],
  ['https://api.osv.dev', 'https://api.osv.dev'],
])('%s is called %s', (path, name) => {
  expect(toWorkspacePath('/work/shop', path)).toBe(name);
});
