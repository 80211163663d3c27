import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseDockerConfig } from '../../src/registry/docker-config.ts';

const auth = Buffer.from('me:pa:ss').toString('base64');

function parse(config: unknown, registry: string) {
  return parseDockerConfig(Buffer.from(typeof config === 'string' ? config : JSON.stringify(config)), registry, 'config.json');
}

function shown(config: unknown, registry: string): string | undefined {
  const credential = parse(config, registry);
  if (credential?.kind === 'password') return `${credential.username} / ${credential.password.reveal()}`;
  return credential?.kind === 'identity-token' ? `token ${credential.token.reveal()}` : credential?.kind;
}

test.each<[string, object, string, string | undefined]>([
  ['a host', { 'r.io': { auth } }, 'r.io', 'me / pa:ss'],
  ['a host with its port', { 'r.io:5000': { auth } }, 'r.io:5000', 'me / pa:ss'],
  ['Docker Hub by its old URL', { 'https://index.docker.io/v1/': { auth } }, 'docker.io', 'me / pa:ss'],
  ['a URL', { 'https://r.io/v2/': { auth } }, 'r.io', 'me / pa:ss'],
  ['user and password', { 'r.io': { username: 'u', password: 'p' } }, 'r.io', 'u / p'],
  ['an identity token', { 'r.io': { auth: Buffer.from('0:').toString('base64'), identitytoken: 't' } }, 'r.io', 'token t'],
  ['another host', { 'r.io': { auth } }, 'q.io', undefined],
  ['a host with the same end', { 'evil-r.io': { auth } }, 'r.io', undefined],
  ['a host with another port', { 'r.io:5000': { auth } }, 'r.io', undefined],
  ['an empty entry', { 'r.io': {} }, 'r.io', undefined],
])('finds the credential under %s', (_name, auths, registry, expected) => {
  expect(shown({ auths }, registry)).toBe(expected);
});

test.each<[string, unknown, string]>([
  ['no JSON', 'nope', 'not valid JSON'],
  ['a list', [], 'it is not a JSON object'],
  ['an auth that is no base64', { auths: { 'r.io': { auth: 'hush hush' } } }, '"auth" of r.io is not base64'],
  ['an auth without colon', { auths: { 'r.io': { auth: Buffer.from('hush').toString('base64') } } }, '"auth" of r.io is not base64'],
  ['a helper for the host', { auths: {}, credHelpers: { 'r.io': 'ecr-login' } }, 'docker-credential-ecr-login'],
  ['a credential store', { auths: { 'r.io': {} }, credsStore: 'desktop' }, 'docker-credential-desktop'],
])('refuses %s', (_name, config, reason) => {
  expect(() => parse(config, 'r.io')).toThrow(
    expect.objectContaining({ code: 'docker-config-invalid', origin: 'input', message: expect.stringContaining(reason) }),
  );
  expect(() => parse(config, 'r.io')).not.toThrow(/hush/);
});

test('the password does not show', () => {
  expect(inspect(parse({ auths: { 'r.io': { auth } } }, 'r.io'), { depth: 9 })).not.toContain('pa:ss');
});
