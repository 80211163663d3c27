import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCredentials } from '../../src/command/credentials.ts';
import type { RegistryUse } from '../../src/command/registry-credentials.ts';
import type { Environment } from '../../src/command/world.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { createProgramRunner } from '../../src/main/child-program.ts';
import type { RegistryCredential } from '../../src/registry/credential.ts';
import { parseReference } from '../../src/registry/reference.ts';
import { emptyEnvironment, openWorld, silentHost } from './silent-world.ts';

const http = createHttp({ userAgent: 'test' });
const id = '11111111-1111-1111-1111-111111111111';
const identity = { azureTenantId: id, azureClientId: id, azureClientSecret: new SecretValue('a client secret') };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-custody-logins-'));
  await helper(
    'kept',
    `echo asked >> ${folder}/asked; read -r server; printf '{"ServerURL":"%s","Username":"helped","Secret":"from the helper"}' "$server"`,
  );
  await helper('empty', 'echo credentials not found in native keychain; exit 1');
  await helper('broken', 'echo oops; exit 5');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

interface Given {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly environment?: Partial<Environment>;
  /** Contents of the files of logins. */
  readonly files?: readonly object[];
}

async function openRun({ inputs = {}, environment = {}, files = [] }: Given) {
  const [masked, log]: [string[], string[]] = [[], []];
  const host = {
    ...silentHost(folder, folder),
    mask: (secret: SecretValue) => void masked.push(secret.reveal()),
    log: (_level: unknown, line: string) => void log.push(line),
  };
  const loginFiles = files.map((file, index) => ({ path: `file-${index + 1}.json`, bytes: Buffer.from(JSON.stringify(file)) }));
  const base = openWorld(http);
  const runProgram = createProgramRunner({ env: { PATH: `${folder}:/usr/bin:/bin` }, platform: 'linux', cancelled: base.cancelled });
  const settings = parseSettings(new Map(Object.entries({ image: 'app:ci', ...inputs })), (name) => name);
  const world = { ...base, runProgram, environment: { ...emptyEnvironment, loginFiles, ...environment } };
  const credentials = await openCredentials(settings, host, world);
  const find = (reference: string, use: RegistryUse) => credentials.forRegistry(parseReference(reference), use);
  return { find, masked, log };
}

function shown(credential: RegistryCredential): string {
  switch (credential.kind) {
    case 'password':
      return `${credential.username}:${credential.password.reveal()}`;
    case 'identity-token':
      return credential.token.reveal();
    default:
      return credential.kind;
  }
}

const auth = (pair: string) => ({ auth: Buffer.from(pair).toString('base64') });
const byInput = { 'registry-username': 'me', 'registry-password': 'by input', push: 'r.io/app\nshop.azurecr.io/app' };

describe('the first of these that there is', () => {
  test.each<[string, Given, string, RegistryUse, string]>([
    [
      'the inputs',
      { inputs: byInput, environment: identity, files: [{ auths: { 'r.io': auth('a:b') } }] },
      'r.io/app',
      'push',
      'me:by input',
    ],
    ['the inputs at Azure, too', { inputs: byInput, environment: identity }, 'shop.azurecr.io/app', 'push', 'me:by input'],
    ['not for where an image only comes from', { inputs: byInput }, 'q.io/base', 'read', 'anonymous'],
    [
      'the identity',
      { environment: identity, files: [{ auths: { 'shop.azurecr.io': auth('a:b') } }] },
      'shop.azurecr.io/app',
      'push',
      'entra',
    ],
    ['the identity in other clouds', { environment: identity }, 'shop.azurecr.cn/app', 'push', 'entra'],
    ['not the identity elsewhere', { environment: identity }, 'shop.azurecr.io.evil.example/app', 'push', 'anonymous'],
    ['a file', { files: [{ auths: { 'r.io': auth('a:b') } }] }, 'r.io/app', 'push', 'a:b'],
    [
      'the first file that knows it',
      { files: [{}, { auths: { 'r.io': auth('a:b') } }, { auths: { 'r.io': auth('c:d') } }] },
      'r.io/app',
      'push',
      'a:b',
    ],
    [
      'a helper before its file',
      { files: [{ credsStore: 'kept', auths: { 'r.io': auth('a:b') } }] },
      'r.io/app',
      'push',
      'helped:from the helper',
    ],
    [
      'its file, where the helper has none',
      { files: [{ credsStore: 'empty', auths: { 'r.io': auth('a:b') } }] },
      'r.io/app',
      'push',
      'a:b',
    ],
    [
      'its file, where the helper is broken',
      { files: [{ credsStore: 'broken', auths: { 'r.io': auth('a:b') } }] },
      'r.io/app',
      'push',
      'a:b',
    ],
    [
      'the next file',
      { files: [{ credsStore: 'empty' }, { credHelpers: { 'r.io': 'kept' } }] },
      'r.io/app',
      'push',
      'helped:from the helper',
    ],
    ['none, to read', { files: [{ credsStore: 'broken' }] }, 'r.io/app', 'read', 'anonymous'],
    ['none', { files: [{ credHelpers: { 'q.io': 'kept' } }] }, 'r.io/app', 'push', 'anonymous'],
  ])('%s', async (_name, given, reference, use, expected) => {
    const run = await openRun(given);
    expect(shown(await run.find(reference, use))).toBe(expected);
  });
});

test('what a file or a helper has is masked, and a helper is asked once', async () => {
  const run = await openRun({
    files: [{ credHelpers: { 'r.io': 'kept' }, auths: { 'q.io': auth('a:from a file'), 't.io': { identitytoken: 'a token' } } }],
  });
  for (const reference of ['r.io/a', 'r.io/b', 'q.io/a', 't.io/a']) await run.find(reference, 'push');
  expect(run.masked).toEqual(expect.arrayContaining(['from the helper', 'from a file', 'a token']));
  const { readFile } = await import('node:fs/promises');
  await rm(join(folder, 'asked'));
  await Promise.all(['r.io/a', 'r.io/b'].map((reference) => run.find(reference, 'push')));
  await expect(readFile(join(folder, 'asked'), 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a helper that fails ends a push, and warns where it does not matter', async () => {
  const run = await openRun({ files: [{ credsStore: 'broken' }] });
  await expect(run.find('r.io/app', 'push')).rejects.toMatchObject({ code: 'helper-failed' });
  expect(run.log).toEqual([]);
  expect(shown(await run.find('r.io/app', 'read'))).toBe('anonymous');
  expect(run.log).toEqual([expect.stringContaining('Reading without a credential')]);
});

test('why there is none is kept for the hint', async () => {
  const run = await openRun({ files: [{ credsStore: 'empty' }] });
  expect(await run.find('r.io/app', 'push')).toEqual({
    kind: 'anonymous',
    because: 'docker-credential-empty (file-1.json) has none for it',
  });
});

describe('Azure Container Registry', () => {
  const none = { 'azure-identity': 'none' };

  test('is pushed to by nobody who is nobody, and may be read', async () => {
    const run = await openRun({ inputs: none });
    await expect(run.find('shop.azurecr.io/app', 'push')).rejects.toMatchObject({ code: 'registry-login-missing', origin: 'input' });
    expect(shown(await run.find('shop.azurecr.io/app', 'read'))).toBe('anonymous');
  });

  test.each<[string, string, object]>([
    ['of the inputs', 'shop.azurecr.io/app', { inputs: { ...none, 'registry-username': 'Shop', 'registry-password': 'canary' } }],
    ['of a file', 'shop.azurecr.us/app', { inputs: none, files: [{ auths: { 'shop.azurecr.us': auth('shop:canary') } }] }],
  ])('its admin user %s is refused, with better ways in', async (_name, reference, given: Given) => {
    const run = await openRun(given);
    for (const use of ['read', 'push'] as const) {
      const error = await run.find(reference, use).catch((refusal: unknown) => refusal);
      expect(error).toMatchObject({ code: 'registry-admin', hint: expect.stringContaining('az acr token create --registry shop') });
      expect(JSON.stringify(error)).not.toContain('canary');
    }
    const allowed = await openRun({ ...given, inputs: { ...given.inputs, 'allow-registry-admin': 'true' } });
    expect(shown(await allowed.find(reference, 'push'))).toMatch(/^shop:canary$/i);
  });
});
