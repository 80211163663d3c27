import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseDockerConfig } from '../../src/registry/docker-config.ts';
import { parseReference } from '../../src/registry/reference.ts';

const auth = Buffer.from('me:pa:ss').toString('base64');

function parse(config: unknown, repository: string) {
  const bytes = Buffer.from(typeof config === 'string' ? config : JSON.stringify(config));
  return parseDockerConfig(bytes, parseReference(repository), 'config.json');
}

function shown(config: unknown, repository: string): string | undefined {
  const { credential } = parse(config, repository);
  if (credential?.kind === 'password') return `${credential.username} / ${credential.password.reveal()}`;
  return credential === undefined ? undefined : `token ${credential.token.reveal()}`;
}

test.each<[string, object, string, string | undefined]>([
  ['a host', { 'r.io': { auth } }, 'r.io/a', 'me / pa:ss'],
  ['a host with its port', { 'r.io:5000': { auth } }, 'r.io:5000/a', 'me / pa:ss'],
  ['Docker Hub by its old URL', { 'https://index.docker.io/v1/': { auth } }, 'alpine', 'me / pa:ss'],
  ['a URL', { 'https://r.io/v2/': { auth } }, 'r.io/a', 'me / pa:ss'],
  ['a host with the path of the API', { 'r.io/v1/': { auth } }, 'r.io/a', 'me / pa:ss'],
  ['user and password', { 'r.io': { username: 'u', password: 'p' } }, 'r.io/a', 'u / p'],
  ['an identity token', { 'r.io': { auth: Buffer.from('0:').toString('base64'), identitytoken: 't' } }, 'r.io/a', 'token t'],
  ['another host', { 'r.io': { auth } }, 'q.io/a', undefined],
  ['a host with the same end', { 'evil-r.io': { auth } }, 'r.io/a', undefined],
  ['a host with another port', { 'r.io:5000': { auth } }, 'r.io/a', undefined],
  ['an empty entry', { 'r.io': {} }, 'r.io/a', undefined],
  ['a part of a registry', { 'r.io/team': { auth } }, 'r.io/team/app', 'me / pa:ss'],
  [
    'the longest part that fits',
    { 'r.io': { username: 'u', password: 'p' }, 'r.io/a': {}, 'r.io/a/b': { auth } },
    'r.io/a/b/c',
    'me / pa:ss',
  ],
  ['the repository itself', { 'r.io/a/b': { auth } }, 'r.io/a/b', 'me / pa:ss'],
  ['another part of the registry', { 'r.io/team': { auth } }, 'r.io/teams/app', undefined],
  ['a part of Docker Hub', { 'docker.io/library': { auth } }, 'alpine', 'me / pa:ss'],
])('finds the credential under %s', (_name, auths, repository, expected) => {
  expect(shown({ auths }, repository)).toBe(expected);
});

test.each<[string, object, string, object | undefined]>([
  ['the host', { credHelpers: { 'r.io': 'ecr-login' } }, 'r.io/a', { name: 'ecr-login', serverAddress: 'r.io' }],
  ['another host', { credHelpers: { 'q.io': 'ecr-login' } }, 'r.io/a', undefined],
  ['all', { credsStore: 'desktop' }, 'r.io:5000/a', { name: 'desktop', serverAddress: 'r.io:5000' }],
  [
    'the host before all',
    { credHelpers: { 'r.io': 'gcloud' }, credsStore: 'desktop' },
    'r.io/a',
    { name: 'gcloud', serverAddress: 'r.io' },
  ],
  ['Docker Hub', { credsStore: 'desktop' }, 'alpine', { name: 'desktop', serverAddress: 'https://index.docker.io/v1/' }],
  ['nobody', { credsStore: '' }, 'r.io/a', undefined],
])('finds the helper of %s', (_name, config, repository, expected) => {
  expect(parse(config, repository)).toEqual({ helper: expected, credential: undefined });
});

test('a helper and what the file holds itself are both given', () => {
  expect(parse({ credsStore: 'desktop', auths: { 'r.io': { auth } } }, 'r.io/a')).toMatchObject({
    helper: { name: 'desktop' },
    credential: { kind: 'password', username: 'me' },
  });
});

test.each<[string, unknown, string]>([
  ['no JSON', 'nope', 'not valid JSON'],
  ['a list', [], 'it is not a JSON object'],
  ['an auth that is no base64', { auths: { 'r.io': { auth: 'hush hush' } } }, '"auth" of r.io is not base64'],
  ['an auth without colon', { auths: { 'r.io': { auth: Buffer.from('hush').toString('base64') } } }, '"auth" of r.io is not base64'],
  ['an entry that is none', { auths: { 'r.io': 'x' } }, 'the entry for r.io is not an object'],
  ...['../evil', '/bin/sh', 'a b', '-x', 'a;id', 'a\u0000b', 'x'.repeat(65), 7, {}, '.'].map(
    (name) =>
      [`the helper ${JSON.stringify(name)}`, { credsStore: name }, 'the name of the credential helper'] as [string, unknown, string],
  ),
])('refuses %s', (_name, config, reason) => {
  expect(() => parse(config, 'r.io/a')).toThrow(
    expect.objectContaining({ code: 'docker-config-invalid', origin: 'input', message: expect.stringContaining(reason) }),
  );
  expect(() => parse(config, 'r.io/a')).not.toThrow(/hush|evil/);
});

test('the password does not show', () => {
  expect(inspect(parse({ auths: { 'r.io': { auth } } }, 'r.io/a'), { depth: 9 })).not.toContain('pa:ss');
});
