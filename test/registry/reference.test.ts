import { expect, test } from 'vitest';
import { parseReference, toRegistryAddress, toText } from '../../src/registry/reference.ts';

const hex = '0123456789abcdef'.repeat(4);

test.each<[string, string]>([
  ['ubuntu', 'docker.io/library/ubuntu'],
  ['ubuntu:24.04', 'docker.io/library/ubuntu:24.04'],
  ['team/app', 'docker.io/team/app'],
  ['docker.io/ubuntu', 'docker.io/library/ubuntu'],
  ['index.docker.io/library/ubuntu', 'docker.io/library/ubuntu'],
  ['library/ubuntu', 'docker.io/library/ubuntu'],
  ['localhost/app', 'localhost/app'],
  ['localhost:5000', 'docker.io/library/localhost:5000'],
  ['localhost:5000/app', 'localhost:5000/app'],
  ['shop.azurecr.io/a/b/c:v1', 'shop.azurecr.io/a/b/c:v1'],
  ['Registry.Example.com/app', 'registry.example.com/app'],
  ['REGISTRY/app', 'REGISTRY/app'],
  ['[2001:db8::1]:5000/app', '[2001:db8::1]:5000/app'],
  ['127.0.0.1:5000/app', '127.0.0.1:5000/app'],
  ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com'],
  ['a__b/c--d/e.f/g_h', 'docker.io/a__b/c--d/e.f/g_h'],
  ['app:_x.y-z', 'docker.io/library/app:_x.y-z'],
  [`app:${'t'.repeat(128)}`, `docker.io/library/app:${'t'.repeat(128)}`],
  [`app@sha256:${hex}`, `docker.io/library/app@sha256:${hex}`],
  [`r.io/app:1@sha256:${hex}`, `r.io/app:1@sha256:${hex}`],
  [`r.io/${'a'.repeat(255)}`, `r.io/${'a'.repeat(255)}`],
])('reads %s as %s', (text, normalized) => {
  expect(toText(parseReference(text))).toBe(normalized);
  expect(parseReference(normalized)).toEqual(parseReference(text));
});

test.each<[string, string]>([
  ['', 'it names no repository'],
  [':1', 'it names no repository'],
  ['r.io/', 'it names no repository'],
  ['Ubuntu', 'has upper-case letters'],
  ['r.io/Team/app', '"Team" in its repository has upper-case letters'],
  ['a//b', 'a part of its repository is empty'],
  ['r.io/a/', 'a part of its repository is empty'],
  ['r.io/../etc', '".." in its repository'],
  ['r.io/a___b', '"a___b" in its repository'],
  ['r.io/a..b', '"a..b" in its repository'],
  ['r.io/-a', '"-a" in its repository'],
  ['r.io/a b', '"a b" in its repository'],
  ['r.io/a?x=1', '"a?x=1" in its repository'],
  ['r.io/a#x', '"a#x" in its repository'],
  ['r.io/ä', '"ä" in its repository'],
  ['r.io/a:', 'its tag is not'],
  ['r.io/a:-x', 'its tag is not'],
  ['r.io/a:x/y', 'its tag is not'],
  ['r.io/a:1\n', 'its tag is not'],
  [`r.io/a:${'t'.repeat(129)}`, 'its tag is not'],
  ['r.io/a@sha256:abc', 'its digest is not'],
  [`r.io/a@sha256:${hex.toUpperCase()}`, 'its digest is not'],
  [`r.io/a@sha512:${hex}${hex}`, 'its digest is not'],
  [`r.io/a@sha256:${hex}@sha256:${hex}`, 'its digest is not'],
  ['r.io/a@', 'its digest is not'],
  ['-r.io/a', 'is not a host name'],
  ['r_.io/a', 'is not a host name'],
  ['r..io/a', 'is not a host name'],
  ['r.io:x/a', 'is not a host name'],
  ['r.io:99999/a', 'is not a host name'],
  ['user@r.io/a', 'its digest is not'],
  ['http://r.io/a', 'is not a host name'],
  ['[::1/a', 'is not a host name'],
  [hex, 'which is an image id'],
  [`r.io/${'a/'.repeat(127)}aa`, 'longer than 255 characters'],
  ['a'.repeat(513), 'longer than 512 characters'],
])('refuses %j', (text, reason) => {
  expect(() => parseReference(text)).toThrow(reason);
  expect(() => parseReference(text)).toThrow(/^cannot read the image reference "/);
});

test('speaks https but with this machine and what the user lists', () => {
  const origin = (registry: string) => toRegistryAddress(registry, ['old.example:5000']).origin.href;
  expect(origin('docker.io')).toBe('https://registry-1.docker.io/');
  expect(origin('r.io')).toBe('https://r.io/');
  expect(origin('old.example:5000')).toBe('http://old.example:5000/');
  expect(origin('old.example')).toBe('https://old.example/');
  expect(origin('localhost:5000')).toBe('http://localhost:5000/');
  expect(origin('127.0.0.9:5000')).toBe('http://127.0.0.9:5000/');
  expect(origin('[::1]:5000')).toBe('http://[::1]:5000/');
  expect(origin('localhost.example')).toBe('https://localhost.example/');
  expect(origin('127.0.0.1.example.com')).toBe('https://127.0.0.1.example.com/');
});
