import { describe, expect, it } from 'vitest';
import { toFindings } from '../../src/inspect/findings.ts';
import { allInspectors } from '../../src/inspect/inspectors.ts';
import type { ImageConfig } from '../../src/model/image.ts';
import { inspectFiles, placeLayers } from './inspect-files.ts';
import { awsId, awsSecret, azureKey, githubToken, rsaPkcs8 } from './secrets/made-secrets.ts';

const bare: ImageConfig = {
  platform: { os: 'linux', architecture: 'amd64' },
  diffIds: [],
  history: [],
  user: '10001',
  env: ['PATH=/usr/bin'],
  labels: {},
};

function layer(files: Readonly<Record<string, string>>) {
  return inspectFiles(allInspectors(), files);
}

function found(config: Partial<ImageConfig>) {
  return toFindings([], { ...bare, ...config }).map(({ kind, severity, title }) => `${kind} ${severity} ${title}`);
}

describe('findings of layers', () => {
  it('tells each secret of each path once, in its lowest layer, with what to do', () => {
    const placed = placeLayers(layer({ 'a.pem': rsaPkcs8 }), layer({ 'b.pem': rsaPkcs8 }), layer({ 'a.pem': rsaPkcs8 }));
    expect(toFindings(placed, bare)).toEqual([
      {
        kind: 'secret',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        severity: 'high',
        title: 'PKCS #8 private key',
        remedy: expect.stringMatching(/new key.*\.dockerignore/),
        path: 'a.pem',
        layer: 0,
        platforms: ['linux/amd64'],
        rule: 'private-key',
        preview: 'MIIE…',
        line: 1,
        deletedLater: false,
      },
      expect.objectContaining({ path: 'b.pem', layer: 1 }),
    ]);
    const [first, second] = toFindings(placed, bare).map(({ fingerprint }) => fingerprint);
    expect(first).not.toBe(second);
  });

  it('keeps a fingerprint when lines and layers move', () => {
    const fingerprints = [placeLayers(layer({ 'a.pem': rsaPkcs8 })), placeLayers([], [], layer({ 'a.pem': `\n\n${rsaPkcs8}` }))].map(
      (placed) => toFindings(placed, bare)[0]?.fingerprint,
    );
    expect(fingerprints[0]).toBe(fingerprints[1]);
  });

  it('says that a deleted secret is still in its layer', () => {
    const placed = placeLayers(
      layer({ 'a.pem': rsaPkcs8, 'b.exe': `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$'}EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*` }),
    );
    const findings = toFindings(
      placed.map((item) => ({ ...item, survives: false })),
      bare,
    );
    expect(findings).toMatchObject([
      { kind: 'secret', deletedLater: true, remedy: expect.stringContaining('leaves it in its layer') },
      { kind: 'malware', severity: 'critical', deletedLater: true, remedy: expect.stringContaining('leaves it in its layer') },
    ]);
  });
});

describe('findings of the configuration', () => {
  it('finds secrets in the environment, labels and history, each once', () => {
    const token = githubToken('ghp_');
    expect(
      found({
        env: ['PATH=/usr/bin', `API_TOKEN=${token}`, `AWS_ACCESS_KEY_ID=${awsId}`, `AWS_SECRET_ACCESS_KEY=${awsSecret}`],
        labels: { storage: `AccountName=a;AccountKey=${azureKey}` },
        history: [
          { createdBy: `/bin/sh -c #(nop)  ENV API_TOKEN=${token}`, emptyLayer: true },
          { createdBy: `ENV AWS_ACCESS_KEY_ID=${awsId}`, emptyLayer: true },
          { createdBy: `ENV AWS_SECRET_ACCESS_KEY=${awsSecret}`, emptyLayer: true },
          { createdBy: `RUN |1 PAT=${githubToken('gho_')} /bin/sh -c make # buildkit`, emptyLayer: false },
        ],
      }),
    ).toEqual([
      'secret critical GitHub personal access token in ENV API_TOKEN',
      'secret critical AWS access key with its secret in ENV AWS_ACCESS_KEY_ID',
      'secret critical Azure Storage account key in LABEL storage',
      'secret critical GitHub OAuth token in the image’s history',
    ]);
  });

  it.each([
    'DB_PASSWORD=Tr0ub4dor&3',
    'MYSQL_ROOT_PASSWORD=s3cr3t-of-ours',
    'JWT_SECRET=uuw8aiVeiyei2ahf',
    'SECRET_KEY_BASE=9a7c1f0d2e4b6a8c0e1f3a5c7e9b1d3f',
    'STRIPE_API_KEY=rk_live_51H8aZqLkdIwHu7ix',
    'npm_config_authToken=uuw8aiVeiyei2ahf',
    'DATABASE_URL=postgres://app:uuw8aiVeiyei@db:5432/app',
  ])('tells that %s is a secret', (variable) => {
    const name = variable.split('=', 1)[0];
    expect(found({ env: [variable] })).toEqual([`misconfiguration high ENV ${name} holds what looks like a secret`]);
  });

  it.each([
    'GOSU_KEY=B42F6819007F00F88E364FD4036A9C25BF357DD4',
    'GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568',
    'PYTHON_SHA256=8e5b4e1b2f2c3d4e5f60718293a4b5c6d7e8f9',
    'NGINX_GPGKEY_PATH=/etc/apt/keyrings/nginx.gpg',
    'DB_PASSWORD_FILE=/run/secrets/db',
    'DB_PASSWORD=/run/secrets/db-password',
    'DB_PASSWORD=',
    'DB_PASSWORD=changeme',
    'API_TOKEN=${TOKEN}',
    'API_KEY=your-api-key-here',
    'TOKEN_URL=https://login.example.org/token',
    'TOKEN_TTL=3600',
    'ALLOW_EMPTY_PASSWORD=yes-please',
    'JWT_SECRET=@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/jwt)',
    'SSH_PUBLIC_KEY=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ',
    'PWD=/srv/application',
    'KEYBOARD=uuw8aiVeiyei2ahf',
    'DATABASE_URL=postgres://app:${DB_PASSWORD}@db/app',
    'DATABASE_URL=postgres://db:5432/app',
  ])('takes %s for no secret', (variable) => {
    expect(found({ env: [variable] })).toEqual([]);
  });

  it('tells of secrets that only the history has: build arguments and replaced variables', () => {
    expect(
      found({
        env: ['DB_PASSWORD='],
        history: [
          { createdBy: 'ENV DB_PASSWORD=uuw8aiVeiyei2ahf', emptyLayer: true },
          { createdBy: '|2 NPM_TOKEN=ieGh5ohx8eiF0oox MODE=production /bin/sh -c npm ci', emptyLayer: false },
          { createdBy: '/bin/sh -c echo DB_PASSWORD=not-an-instruction', emptyLayer: false },
        ],
      }),
    ).toEqual([
      'misconfiguration high ENV DB_PASSWORD of an earlier instruction holds what looks like a secret',
      'misconfiguration high the build argument NPM_TOKEN holds what looks like a secret',
    ]);
  });

  it('never tells the value', () => {
    const findings = toFindings([], { ...bare, env: ['DB_PASSWORD=uuw8aiVeiyei2ahf', `T=${githubToken('ghp_')}`] });
    expect(JSON.stringify(findings)).not.toMatch(new RegExp(`uuw8|${githubToken('ghp_').slice(4, 12)}`));
  });

  it.each(['', 'root', '0', '0:0', 'root:staff', ':1000', '00', '+0', 'toor'])('says that USER "%s" is root', (user) => {
    const placed = placeLayers(layer({ 'etc/passwd': 'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\napp:x:1000:0::/:/bin/sh\n' }));
    expect(toFindings(placed, { ...bare, user })).toMatchObject([{ kind: 'misconfiguration', rule: 'root-user', severity: 'medium' }]);
  });

  it.each(['1000', 'app', 'app:root', '1000:0', '65532'])('says that USER "%s" is not root', (user) => {
    const placed = placeLayers(layer({ 'etc/passwd': 'root:x:0:0::/root:/bin/sh\napp:x:1000:0::/:/bin/sh\n' }));
    expect(toFindings(placed, { ...bare, user })).toEqual([]);
  });

  it('does not ask a Windows image for a user', () => {
    expect(found({ user: '', platform: { os: 'windows', architecture: 'amd64' } })).toEqual([]);
  });
});
