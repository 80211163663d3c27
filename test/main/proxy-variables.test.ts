import { expect, test } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { createShellHost } from '../../src/host/shell/shell-host.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { openNetwork } from '../../src/main/network.ts';
import { type ForwardProxy, startForwardProxy } from '../lib/forward-proxy.ts';

type Variables = Readonly<Record<string, string>>;

const proxies: ForwardProxy[] = await Promise.all([0, 1, 2].map(() => startForwardProxy({ hosts: {}, status: 418 })));
const [a = '', b = '', c = ''] = proxies.map((proxy) => proxy.address());

/** Which of the three proxies is asked for a URL; `direct` for none. */
async function route(env: Variables, url: string): Promise<string> {
  const before = proxies.map(({ seen }) => seen.length);
  const { http } = openNetwork(env, '0');
  await http({ method: 'GET', url: new URL(url), deadlineMs: 2000 }).catch(() => undefined);
  http.close();
  const index = proxies.findIndex(({ seen }, at) => seen.length > (before[at] ?? 0));
  return ['a', 'b', 'c'][index] ?? 'direct';
}

const [https, http, loopback] = ['https://host.invalid/', 'http://host.invalid/', 'https://127.0.0.1:1/'];

test.each<[string, Variables, string, string]>([
  ['nothing', {}, https, 'direct'],
  ['HTTPS_PROXY is for https', { HTTPS_PROXY: a }, https, 'a'],
  ['and not for http', { HTTPS_PROXY: a }, http, 'direct'],
  ['HTTP_PROXY is for http', { HTTP_PROXY: b }, http, 'b'],
  ['and not for https', { HTTP_PROXY: b }, https, 'direct'],
  ['ALL_PROXY is for what has none of its own', { ALL_PROXY: c, HTTPS_PROXY: a }, http, 'c'],
  ['which comes first', { ALL_PROXY: c, HTTPS_PROXY: a }, https, 'a'],
  ['lower case', { https_proxy: a }, https, 'a'],
  ['lower case comes first', { https_proxy: a, HTTPS_PROXY: b }, https, 'a'],
  ['an empty one is none', { https_proxy: '', HTTPS_PROXY: b }, https, 'b'],
  ['without a scheme', { HTTPS_PROXY: a.replace('http://', '') }, https, 'a'],
  ['NO_PROXY', { HTTPS_PROXY: a, NO_PROXY: 'invalid' }, https, 'direct'],
  ['no_proxy', { HTTPS_PROXY: a, no_proxy: 'host.invalid:443', NO_PROXY: '' }, https, 'direct'],
  ['this machine', { HTTPS_PROXY: a, ALL_PROXY: a }, loopback, 'direct'],
  ["the agent's", { AGENT_PROXYURL: c }, https, 'c'],
  ["the agent's for http", { AGENT_PROXYURL: c }, http, 'c'],
  ['the standard ones come before it', { AGENT_PROXYURL: c, HTTP_PROXY: b }, https, 'direct'],
  ["the agent's bypass list", { AGENT_PROXYURL: c, AGENT_PROXYBYPASSLIST: '["(", "^https://HOST\\\\.inv"]' }, https, 'direct'],
  ['another host in it', { AGENT_PROXYURL: c, AGENT_PROXYBYPASSLIST: '["^https://other\\\\.inv"]' }, https, 'c'],
  ['a list that is none', { AGENT_PROXYURL: c, AGENT_PROXYBYPASSLIST: 'host.invalid' }, https, 'c'],
  ['NO_PROXY with it', { AGENT_PROXYURL: c, NO_PROXY: '.invalid' }, https, 'direct'],
])('%s: %j leads %s to %s', async (_what, env, url, expected) => {
  expect(await route(env, url)).toBe(expected);
});

function begin(env: Variables): { readonly masked: readonly string[]; readonly lines: readonly string[]; readonly failure: unknown } {
  const [masked, lines]: [string[], string[]] = [[], []];
  const silent = { write: () => true };
  const shell = createShellHost({ env: {}, stdout: silent, stderr: silent, workspace: '/' });
  const host: Host = { ...shell, mask: (secret) => void masked.push(secret.reveal()), log: (_level, line) => void lines.push(line) };
  try {
    openNetwork(env, '0').begin(host);
    return { masked, lines, failure: undefined };
  } catch (failure) {
    return { masked, lines, failure };
  }
}

test('masks the passwords of all proxies that count, also that of the agent', () => {
  expect(
    begin({ HTTPS_PROXY: 'http://me:s%20ecret@a.test', HTTP_PROXY: 'http://me:other@b.test', ALL_PROXY: 'socks5://c' }).masked,
  ).toEqual(['s ecret', 's%20ecret', 'bWU6cyBlY3JldA==', 'other', 'other', 'bWU6b3RoZXI=']);
  const agent = { AGENT_PROXYURL: 'http://a.test:3128', AGENT_PROXYUSERNAME: 'dom\\me', SECRET_AGENT_PROXYPASSWORD: 'p@ss:word' };
  expect(begin(agent).masked).toEqual(['p@ss:word', 'p%40ss%3Aword', Buffer.from('dom\\me:p@ss:word').toString('base64')]);
});

test('one that cannot be used ends the run with bad input that names it, where it counts', () => {
  const socks = 'socks5://me:hunter2@127.0.0.1:1080';
  for (const [env, name] of [
    [{ HTTPS_PROXY: socks }, 'HTTPS_PROXY'],
    [{ http_proxy: socks }, 'http_proxy'],
    [{ all_proxy: socks }, 'all_proxy'],
    [{ AGENT_PROXYURL: socks }, 'Agent.ProxyUrl'],
  ] as const) {
    const { failure } = begin(env);
    expect(failure).toBeInstanceOf(StepError);
    expect(failure).toMatchObject({
      code: 'proxy-invalid',
      origin: 'input',
      message: `Cannot use ${name}: it names a SOCKS proxy, and only HTTP proxies are spoken to`,
    });
  }
  expect(begin({ all_proxy: socks, HTTPS_PROXY: a, HTTP_PROXY: b }).failure).toBeUndefined();
});

test('a file of SSL_CERT_FILE that is not there is told of, and ends nothing', () => {
  expect(begin({ SSL_CERT_FILE: '/nowhere/ca.pem' })).toMatchObject({
    failure: undefined,
    lines: ['SSL_CERT_FILE names "/nowhere/ca.pem", which cannot be read (ENOENT): no certificate authority is added.'],
  });
});
