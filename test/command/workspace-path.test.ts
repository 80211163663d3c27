import { expect, test } from 'vitest';
import { toWorkspacePath } from '../../src/command/workspace-path.ts';

test.each([
  ['/builds/shop/ops/policy.yml', 'ops/policy.yml'],
  ['/builds/shop/..policy.yml', '..policy.yml'],
  ['ops/policy.yml', 'ops/policy.yml'],
  ['/etc/policy.yml', '/etc/policy.yml'],
  ['/builds/shopping/policy.yml', '/builds/shopping/policy.yml'],
  ['/builds/shop', '/builds/shop'],
  ['https://api.osv.dev', 'https://api.osv.dev'],
])('%s is called %s', (path, name) => {
  expect(toWorkspacePath('/builds/shop', path)).toBe(name);
});
