import { expect, test } from 'vitest';
import { type LogVersion, parseSigningConfig } from '../../../src/sign/sigstore/signing-config.ts';

const now = new Date('2026-06-01T00:00:00Z');
const since = (start: string, end?: string) => ({ start, ...(end && { end }) });
const service = (name: string, changes: object = {}) => ({
  url: `https://${name}.example.com/`,
  majorApiVersion: 1,
  validFor: since('2020-01-01T00:00:00Z'),
  operator: 'example.com',
  ...changes,
});
const config = {
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: [service('fulcio')],
  oidcUrls: [service('oauth')],
  rekorTlogUrls: [service('rekor')],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [service('timestamp', { url: 'https://timestamp.example.com/api/v1/timestamp' })],
  tsaConfig: { selector: 'EXACT', count: 1 },
};

function parse(changes: object, versions: readonly LogVersion[] = [1, 2]) {
  return parseSigningConfig('"signing.json"', Buffer.from(JSON.stringify({ ...config, ...changes })), now, versions);
}
const log = (name: string, version: LogVersion = 1) => ({ url: `https://${name}.example.com`, version });

test('the services of a configuration as the public instance has it', () => {
  expect(parse({})).toEqual({
    fulcioUrl: 'https://fulcio.example.com',
    logs: [log('rekor')],
    timestampUrls: ['https://timestamp.example.com/api/v1/timestamp'],
  });
});

const tiled = (name: string, changes: object = {}) => service(name, { majorApiVersion: 2, ...changes });
const of = (operator: string, changes: object = {}) => ({ operator, ...changes });
const all = { rekorTlogConfig: { selector: 'ALL' } };

test.each([
  ['the highest version that is known', { rekorTlogUrls: [service('a'), tiled('b'), tiled('c', { majorApiVersion: 3 })] }, [log('b', 2)]],
  ['the newest', { rekorTlogUrls: [tiled('a'), tiled('b', { validFor: since('2025-01-01T00:00:00Z') })] }, [log('b', 2)]],
  ['none that begins later', { rekorTlogUrls: [tiled('a'), tiled('b', { validFor: since('2027-01-01T00:00:00Z') })] }, [log('a', 2)]],
  [
    'none that has ended',
    { rekorTlogUrls: [tiled('a', { validFor: since('2020-01-01T00:00:00Z', '2026-05-31T23:59:59Z') }), service('b')] },
    [log('b')],
  ],
  [
    'one that ends now',
    { rekorTlogUrls: [tiled('a', { validFor: since('2020-01-01T00:00:00Z', '2026-06-01T00:00:00Z') })] },
    [log('a', 2)],
  ],
  [
    'of all one for each operator',
    { ...all, rekorTlogUrls: [tiled('a'), tiled('b'), tiled('c', of('other'))] },
    [log('a', 2), log('c', 2)],
  ],
  [
    'as many as are asked for',
    { rekorTlogConfig: { selector: 'EXACT', count: 2 }, rekorTlogUrls: [tiled('a'), tiled('b', of('b')), tiled('c', of('c'))] },
    [log('a', 2), log('b', 2)],
  ],
  ['no log, where none is named', { rekorTlogUrls: [] }, []],
])('of logs %s', (_, changes, logs) => {
  expect(parse(changes).logs).toEqual(logs);
});

test('a log of the first version is taken where only that can be used', () => {
  expect(parse({ rekorTlogUrls: [tiled('a'), service('b')] }, [1]).logs).toEqual([log('b')]);
});

test.each([
  ['no JSON', '{', 'JSON'],
  ['the first version of the form', { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }, 'mediaType'],
  ['no certificate authority', { caUrls: [] }, 'caUrls'],
  ['a certificate authority of another version', { caUrls: [service('a', { majorApiVersion: 2 })] }, 'caUrls'],
  ['a certificate authority over http', { caUrls: [service('a', { url: 'http://fulcio.example.com' })] }, 'https'],
  ['no word on how many', { rekorTlogConfig: undefined }, 'how many of its rekorTlogUrls'],
  ['a choice that nobody knows', { tsaConfig: { selector: 'SOME' } }, 'tsaConfig.selector'],
  ['fewer than it asks for', { tsaConfig: { selector: 'EXACT', count: 2 } }, 'of its tsaUrls 1 are in use'],
  ['a count of none', { tsaConfig: { selector: 'EXACT' } }, 'tsaUrls'],
  [
    'logs that have all ended',
    { rekorTlogUrls: [service('a', { validFor: since('2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z') })] },
    'rekorTlogUrls 0',
  ],
  ['nobody who says the time', { tsaUrls: [], rekorTlogUrls: [tiled('a')] }, 'when something was signed'],
  ['a time that is none', { caUrls: [service('a', { validFor: since('yesterday') })] }, 'validFor.start'],
])('a configuration with %s is refused', (_, changes, reason) => {
  const bytes = typeof changes === 'string' ? Buffer.from(changes) : undefined;
  const read = () => (bytes === undefined ? parse(changes as object) : parseSigningConfig('"signing.json"', bytes, now, [1, 2]));
  expect(read).toThrow(
    expect.objectContaining({
      code: 'signing-config',
      origin: 'input',
      message: expect.stringContaining(reason),
      hint: expect.stringContaining('signing_config'),
    }),
  );
});
