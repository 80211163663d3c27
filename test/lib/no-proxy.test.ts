import { describe, expect, test } from 'vitest';
import { parseNoProxy } from '../../src/lib/no-proxy.ts';

/** The tables of golang.org/x/net/http/httpproxy, proxy_test.go: whether the host is asked of the proxy. */
const list =
  'foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, ' +
  '[2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64';
const hosts: readonly (readonly [string, boolean])[] = [
  ['localhost', false],
  ['127.0.0.1', false],
  ['127.0.0.2', false],
  ['[::1]', false],
  ['[::2]', true],
  ['192.168.1.1', false],
  ['192.168.1.2', true],
  ['192.168.1.3', false],
  ['192.168.1.4', true],
  ['10.0.0.2', false],
  ['[2001:db8::52:0:1]', false],
  ['[2001:db8::52:0:2]', true],
  ['[2001:db8::52:0:3]', false],
  ['[2002:db8:a::123]', false],
  ['[fe80::424b:c8be:1643:a1b6]', true],
  ['barbaz.net', true],
  ['www.barbaz.net', false],
  ['foobar.com', false],
  ['www.foobar.com', false],
  ['foofoobar.com', true],
  ['baz.com', true],
  ['localhost.net', true],
  ['local.localhost', true],
  ['barbarbaz.net', true],
  ['wildcard.io', true],
  ['nested.wildcard.io', false],
  ['awildcard.io', true],
];

describe('NO_PROXY', () => {
  test.each(hosts)('asks the proxy for %s: %s', (host, isProxied) => {
    expect(parseNoProxy(list)(new URL(`http://${host}/`))).toBe(!isProxied);
    expect(parseNoProxy('*')(new URL(`http://${host}/`))).toBe(true);
  });

  test.each([
    ['example.com', 'https://example.com/', true],
    ['EXAMPLE.com', 'https://Example.COM/', true],
    ['example.com', 'https://example.com./', true],
    ['ample.com', 'https://example.com/', false],
    ['a.test example.com,b.test', 'https://example.com/', true],
    ['a.test,,b.test', 'https://b.test/', true],
    ['.示例.com', 'http://www.示例.com', true],
    ['xn--fsq092h.com', 'http://www.示例.com', true],
    ['示例.com', 'http://www.xn--fsq092h.com', true],
    ['example.com:443', 'https://example.com/', true],
    ['example.com:443', 'http://example.com/', false],
    ['example.com:5000', 'https://sub.example.com:5000/', true],
    ['.example.com:5000', 'https://sub.example.com/', false],
    ['example.com:', 'https://example.com:5000/', true],
    ['[2001:db8::1]', 'https://[2001:db8::1]/', true],
    [':1', 'http://example.com/', false],
    ['.', 'http://example.com/', false],
    ['*.', 'http://example.com/', false],
    ['http://example.com', 'http://example.com/', false],
    ['10.0.0.0/8', 'http://10.9.8.7/', true],
    ['10.0.0.0/8', 'http://[::ffff:10.9.8.7]/', true],
    ['10.0.0.0/8', 'http://0x0a.9.8.7/', true],
    ['10.0.0.0/33', 'http://10.9.8.7/', false],
    ['10.0.0.0/8', 'http://10.example/', false],
    ['1.2.3.4', 'http://a.1.2.3.4.example/', false],
    ['', 'http://example.com/', false],
    ['', 'http://2130706433/', true],
  ])('%j and %s: %s', (text, url, isDirect) => {
    expect(parseNoProxy(text)(new URL(url))).toBe(isDirect);
  });
});
