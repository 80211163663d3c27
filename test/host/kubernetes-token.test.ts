import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTokenFile } from '../../src/host/kubernetes-token.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-token-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the token is read anew each time', async () => {
  const path = join(folder, 'token');
  await writeFile(path, 'aa.bb.cc\n');
  expect((await readTokenFile(path)).reveal()).toBe('aa.bb.cc');
  await writeFile(path, 'dd.ee.ff');
  expect((await readTokenFile(path)).reveal()).toBe('dd.ee.ff');
});

test.each([
  ['is missing', undefined, 'no such file'],
  ['is empty', '\n', 'it is empty'],
  ['holds something else', 'canary-password', 'no token'],
])('a file that %s is told without its content', async (_, content, reason) => {
  const path = join(folder, `${content?.length}`);
  if (content !== undefined) await writeFile(path, content);
  const error = await readTokenFile(path).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'token-file-invalid',
    hint: expect.stringContaining('azure.workload.identity/use'),
    message: expect.stringContaining(reason),
  });
  expect(String(error)).not.toContain('canary');
});
