import { describe, expect, it } from 'vitest';
import { platformText } from '../../src/model/image.ts';
import { isSamePlatform, parsePlatform } from '../../src/model/platform.ts';

/** The names and normal forms of containerd's own tests (`platforms_test.go`), for what is written with both parts. */
describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v2', 'linux/amd64/v2'],
    ['Linux/x86_64', 'linux/amd64'],
    ['linux/i386', 'linux/386'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['macOS/aarch64', 'darwin/arm64'],
    ['windows/amd64', 'windows/amd64'],
    ['linux/s390x', 'linux/s390x'],
    ['linux/riscv64', 'linux/riscv64'],
  ])('reads %s as %s', (text, normal) => {
    const platform = parsePlatform(text);
    expect(platform && platformText(platform)).toBe(normal);
  });

  it.each([
    '',
    'linux',
    'amd64',
    'linux/',
    '/amd64',
    'linux//v7',
    'linux/arm/v7/x',
    'linux/amd64,linux/arm64',
    'linux/a b',
    '../x',
    'linux/arm/',
  ])('refuses %j', (text) => expect(parsePlatform(text)).toBeUndefined());
});

it('takes no variant for another one, though it may run it', () => {
  const arm = (variant?: string) => ({ os: 'linux', architecture: 'arm', ...(variant === undefined ? {} : { variant }) });
  expect(isSamePlatform(arm(), arm('v7'))).toBe(true);
  expect(isSamePlatform(arm('v6'), arm('v7'))).toBe(false);
  expect(isSamePlatform({ os: 'linux', architecture: 'amd64' }, { os: 'windows', architecture: 'amd64' })).toBe(false);
});
