import { describe, expect, it } from 'vitest';
import { toCamelCase } from '../../src/inputs/input.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import { inputs } from '../../src/inputs/table.ts';
import { StepError } from '../../src/lib/step-error.ts';

function parse(fields: Record<string, string>) {
  return parseSettings(new Map(Object.entries(fields)), (name) => name);
}

function refusal(fields: Record<string, string>): StepError {
  try {
    parse(fields);
  } catch (error) {
    if (error instanceof StepError) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('parseSettings', () => {
  it('gives the documented defaults', () => {
    expect(parse({ image: 'app:ci' })).toMatchObject({
      image: 'app:ci',
      push: [],
      platforms: [],
      failOn: 'high',
      advisories: { kind: 'service', url: 'https://api.osv.dev' },
      sbom: ['cyclonedx'],
      compression: 'gzip',
      annotations: true,
      comment: true,
      summary: true,
    });
  });

  it('takes empty texts as absent, as both hosts give them', () => {
    const empty = Object.fromEntries(inputs.map((input) => [input.name, '']));
    expect(parse({ ...empty, image: 'app:ci' })).toEqual(parse({ image: 'app:ci' }));
  });

  it('takes the lists of exploited vulnerabilities from files or by https', () => {
    const settings = parse({ image: 'a', 'known-exploited': 'lists/kev.json', epss: 'https://epss.example/current.csv.gz' });
    expect(settings.knownExploited).toEqual({ kind: 'path', path: 'lists/kev.json' });
    expect(settings.epss).toEqual({ kind: 'service', url: 'https://epss.example/current.csv.gz' });
  });

  it('takes each platform once, in its normal form', () => {
    const { platforms } = parse({ image: 'a', platform: 'linux/x86_64\nlinux/arm64/v8\nlinux/amd64\nlinux/arm' });
    expect(platforms).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]);
  });

  it('reads a list one item a line, whatever ends the line', () => {
    expect(parse({ image: 'a', push: ' r.io/a:1 \r\n\n r.io/a:2\r' }).push).toEqual(['r.io/a:1', 'r.io/a:2']);
  });

  it.each([
    ['spdx', ['spdx']],
    ['SPDX\ncyclonedx\nspdx', ['cyclonedx', 'spdx']],
    ['none', []],
  ])('takes the bills of materials %j', (sbom, formats) => {
    expect(parse({ image: 'a', sbom }).sbom).toEqual(formats);
  });

  it('reads secrets and what refers to them', () => {
    const settings = parse({
      image: 'a',
      'key-vault': 'v',
      secrets: 'PASSWORD = registry-password\nUSER=registry-user/0123456789abcdef0123456789abcdef',
      'registry-username': 'secret:USER',
      'registry-password': 'secret:PASSWORD',
    });
    expect(settings.secrets).toEqual([
      { name: 'PASSWORD', secretName: 'registry-password' },
      { name: 'USER', secretName: 'registry-user/0123456789abcdef0123456789abcdef' },
    ]);
    expect(settings.registryPassword).toEqual({ kind: 'secret', name: 'PASSWORD' });
  });

  it('keeps a password given in clear out of everything that prints settings', () => {
    const settings = parse({ image: 'a', 'registry-username': 'u', 'registry-password': 'hunter2-hunter2' });
    expect(JSON.stringify(settings)).not.toContain('hunter2');
  });

  it.each([
    [{}, 'input-missing', 'image', 'docker-archive:FILE'],
    [{ image: '  ' }, 'input-missing', 'image', 'docker-archive:FILE'],
    [{ image: 'a', 'fial-on': 'high' }, 'input-unknown', 'fial-on', 'Did you mean fail-on?'],
    [{ image: 'a', bananas: 'high' }, 'input-unknown', 'bananas', 'Accepted inputs: image'],
    [{ image: 'a', 'fail-on': 'severe' }, 'input-invalid', '"severe"', 'critical, high, medium, low, none'],
    [{ image: 'a', comment: 'maybe' }, 'input-invalid', '"maybe"', 'true, false'],
    [{ image: 'a', compression: 'xz' }, 'input-invalid', '"xz"', 'gzip, zstd, keep'],
    [{ image: 'a', sign: 'notation' }, 'input-missing', 'signing-key', 'Key Vault'],
    [{ image: 'a', secrets: 'A = b' }, 'input-conflict', 'key-vault', 'key-vault'],
    [{ image: 'a', 'key-vault': 'v', secrets: 'A = b\nno equals sign' }, 'input-invalid', 'line 2', 'NAME = secret-name'],
    [{ image: 'a', 'key-vault': 'v', secrets: 'A = b\nA = c' }, 'input-conflict', 'A twice', 'name of its own'],
    [{ image: 'a', 'registry-username': 'u', 'registry-password': 'secret:NOPE' }, 'input-conflict', 'secret:NOPE', 'secrets'],
    [{ image: 'a', 'registry-username': 'u' }, 'input-conflict', 'registry-password', 'Give both'],
    [{ image: 'a', platform: 'linux/amd64,linux/arm64' }, 'input-invalid', 'linux/amd64,linux/arm64', 'linux/arm/v7, one a line'],
    [{ image: 'a', sbom: 'cyclonedx, spdx' }, 'input-invalid', '"cyclonedx, spdx"', 'cyclonedx, spdx, one a line'],
    [{ image: 'a', sbom: 'none\nspdx' }, 'input-invalid', '"none"', 'none alone'],
    [{ image: 'a', epss: 'http://x/y' }, 'input-invalid', 'http://x/y', 'a file or its https URL'],
    [{ image: 'a', 'insecure-registry': 'http://r' }, 'input-invalid', 'http://r', 'registry.local:5000'],
    [{ image: 'a'.repeat(70_000) }, 'input-invalid', '70000 characters', '65536'],
    [{ image: 'a', push: 'r/a:1\n'.repeat(101) }, 'input-invalid', '101 items', '100'],
  ])('refuses %j', (fields, code, inMessage, inHint) => {
    const error = refusal(fields as Record<string, string>);
    expect(error.code).toBe(code);
    expect(error.message).toContain(inMessage);
    expect(error.hint).toContain(inHint);
    expect(error.message).not.toContain('\n');
  });
});

describe('credentials', () => {
  const credentials = inputs.filter(({ type }) => type === 'credential').map(({ name }) => name);

  it('are all inputs that take a user name, a password or a token', () => {
    const meant = inputs.map(({ name }) => name).filter((name) => /(?:password|token|username|client-secret)$/.test(name));
    expect(meant.filter((name) => !credentials.includes(name as never))).toEqual([]);
    expect(credentials).toContain('github-token');
  });

  it.each(credentials)('%s takes one of the named secrets, and no other', (name) => {
    const vault = { image: 'a', 'key-vault': 'v', secrets: 'HAS = b', 'registry-username': 'u', 'registry-password': 'p' };
    expect(() => parse({ ...vault, [name]: 'secret:HAS' })).not.toThrow();
    const error = refusal({ ...vault, [name]: 'secret:HAS-NOT' });
    expect(error).toMatchObject({ code: 'input-conflict', message: expect.stringContaining(`${name} refers to secret:HAS-NOT`) });
    expect(error.hint).toContain('Named now: HAS.');
  });
});

describe('export-secrets', () => {
  const vault = { image: 'a', 'key-vault': 'v', secrets: 'A = b\nSHOP_DB = c\nPATH = d\nDIGEST = e\ndb-url = f' };

  it('names some of the secrets, and none unless it is given', () => {
    expect(parse(vault).exportSecrets).toEqual([]);
    expect(parse({ ...vault, 'export-secrets': 'SHOP_DB\nA' }).exportSecrets).toEqual(['SHOP_DB', 'A']);
  });

  it.each([
    ['NOPE', 'input-conflict', 'secret:NOPE', 'Add a line'],
    ['PATH', 'input-invalid', '"PATH"', 'SHOP_PATH'],
    ['path', 'input-invalid', '"path"', 'SHOP_PATH'],
    ['NODE_OPTIONS', 'input-invalid', 'NODE_OPTIONS', 'no program acts on'],
    ['LD_PRELOAD', 'input-invalid', 'LD_PRELOAD', 'no program acts on'],
    ['BASH_ENV', 'input-invalid', 'BASH_ENV', 'no program acts on'],
    ['GITHUB_TOKEN', 'input-invalid', 'GITHUB_TOKEN', 'no program acts on'],
    ['SYSTEM_UNSAFEALLOWMULTILINESECRET', 'input-invalid', 'SYSTEM_', 'no program acts on'],
    ['https_proxy', 'input-invalid', 'https_proxy', 'no program acts on'],
    ['DIGEST', 'input-invalid', '"DIGEST"', "this step's outputs"],
    ['deniedby', 'input-invalid', '"deniedby"', "this step's outputs"],
    ['db-url', 'input-invalid', '"db-url"', 'underscores'],
    ['9LIVES', 'input-invalid', '"9LIVES"', 'no digit first'],
    ['A\na', 'input-invalid', '"a" twice', 'case does not count'],
  ])('refuses %j', (names, code, inMessage, inHint) => {
    const error = refusal({ ...vault, 'export-secrets': names });
    expect(error).toMatchObject({
      code,
      origin: 'input',
      message: expect.stringContaining(inMessage),
      hint: expect.stringContaining(inHint),
    });
  });
});

describe('toCamelCase', () => {
  it('spells inputs as Azure Pipelines does', () => {
    expect(['fail-on', 'azure-tenant-id', 'image'].map(toCamelCase)).toEqual(['failOn', 'azureTenantId', 'image']);
  });
});
