import { describe, expect, test } from 'vitest';
import { openOsvService } from '../../src/advisory/osv-service.ts';
import { cloudOf } from '../../src/azure/cloud.ts';
import { openCredentials } from '../../src/command/credentials.ts';
import type { Environment, World } from '../../src/command/world.ts';
import type { Host } from '../../src/host/host.ts';
import { createShellHost } from '../../src/host/shell/shell-host.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import { identityKinds } from '../../src/lib/credential-choice.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { shortestMask } from '../../src/lib/secret-forms.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { emptyEnvironment } from '../command/silent-world.ts';
import { readMarkdown, root, tableRows } from './markdown.ts';

const { text } = readMarkdown('docs/credentials.md');
const id = (digit: string): string => `${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`;
const withIds: Environment = { ...emptyEnvironment, azureTenantId: id('1'), azureClientId: id('2') };
const secret = new SecretValue('a client secret');
const fetchIdentityToken = () => Promise.reject(new Error('nothing is asked for before it is needed'));

async function open(environment: Environment, inputs: Readonly<Record<string, string>> = {}) {
  const masked: string[] = [];
  const silent = { write: () => true };
  const shell = createShellHost({ env: {}, stdout: silent, stderr: silent, workspace: root });
  const host: Host = { ...shell, mask: (value) => masked.push(value.reveal()) };
  const http = createHttp({ userAgent: 'test' });
  const world: World = {
    http,
    now: () => new Date(),
    elapsedMs: () => 0,
    sleep: async () => undefined,
    random: () => 0,
    proxies: { servers: [], choose: () => undefined },
    nodeVersion: '24.0.0',
    environment,
    runProgram: async () => ({ kind: 'absent' }),
    version: '0',
    cancelled: new AbortController().signal,
  };
  const settings = parseSettings(new Map(Object.entries({ image: 'app:ci', ...inputs })), (name) => name);
  return { masked, ...(await openCredentials(settings, host, world)) };
}

describe('docs/credentials.md, which Azure identity', () => {
  test('inputs come before the environment, a client secret before federation, and without both ids there is none', async () => {
    const given = { 'azure-tenant-id': id('3'), 'azure-client-id': id('4') };
    const all = { ...withIds, azureClientSecret: secret, fetchIdentityToken };
    expect((await open(all, given)).azure?.description).toBe(`client secret of application ${id('4')} in tenant ${id('3')}`);
    expect((await open(all)).azure?.description).toBe(`client secret of application ${id('2')} in tenant ${id('1')}`);
    expect((await open({ ...withIds, fetchIdentityToken })).azure?.description).toContain('federated credential');
    for (const environment of [withIds, { ...all, azureTenantId: undefined }]) {
      expect(await open(environment)).toMatchObject({ isAzureGiven: false, azure: { kind: 'undetermined' } });
    }
  });

  test('the client secret and a literal password are masked first', async () => {
    const { masked } = await open(
      { ...withIds, azureClientSecret: secret },
      { 'registry-username': 'me', 'registry-password': 'in clear' },
    );
    expect(masked).toEqual(['a client secret', 'in clear']);
    expect(shortestMask).toBe(4);
    expect(text).toContain('from\nfour characters on');
  });
});

test('docs/credentials.md names every value of azure-identity, and clouds as the sources have them', () => {
  expect(identityKinds.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([]);
  for (const [, authority = '', suffix, , audience] of tableRows(text, 'cloud')) {
    const bare = (cell = '') => cell.replaceAll('`', '');
    expect(cloudOf(bare(authority))).toMatchObject({ vaultSuffix: bare(suffix), tokenExchangeAudience: bare(audience), isMicrosoft: true });
  }
});

describe('docs/credentials.md, which hosts are contacted', () => {
  test('names and versions alone go to the advisory service', async () => {
    const asked: unknown[] = [];
    const service = openOsvService({
      http: async ({ body, url }) => {
        const { queries } = JSON.parse(Buffer.from(body as Uint8Array).toString()) as { queries: object[] };
        asked.push(...queries);
        expect(url.href).toBe('https://api.osv.dev/v1/querybatch');
        return {
          status: 200,
          headers: {},
          body: Buffer.from(JSON.stringify({ results: queries.map(() => ({})) })),
        };
      },
      retry: { now: () => new Date(), random: () => 0, sleep: async () => undefined },
    });
    const item = {
      purl: 'pkg:npm/left-pad@1.3.0',
      ecosystem: 'npm',
      path: 'srv/secret-project/node_modules/left-pad/package.json',
      layer: 0,
    };
    await service.match([{ type: 'npm', name: 'left-pad', version: '1.3.0', ...item }]);
    expect(asked).toEqual([{ package: { ecosystem: 'npm', name: 'left-pad' }, version: '1.3.0' }]);
  });

  test('has a row for each of them', () => {
    const hosts = tableRows(text, 'host').map(([host = '']) => host);
    for (const host of ['api.osv.dev', 'login.microsoftonline.com', 'vault.azure.net', 'GITHUB_API_URL', 'SYSTEM_COLLECTIONURI'])
      expect(hosts.some((row) => row.includes(host))).toBe(true);
  });
});
