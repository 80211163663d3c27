import { describe, expect, it } from 'vitest';
import { findSecrets, rulesIn } from './find-secrets.ts';
import { awsId, awsSecret, azureKey, fineGrainedToken, githubToken, made, sharedAccessKey } from './made-secrets.ts';

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

describe('GitHub tokens', () => {
  it.each(['ghp_', 'gho_', 'ghu_', 'ghs_'])('finds %s with its checksum', (prefix) => {
    const token = githubToken(prefix);
    expect(token).toHaveLength(40);
    for (const text of [`TOKEN=${token}`, `"token": "${token}",`, `https://x:${token}@github.com/a/b`, `a\\n${token}\\n`]) {
      expect(findSecrets(`PATH=/usr/bin:/usr/local/bin:/usr/sbin\n${text}\n`)).toMatchObject([
        { rule: 'github-token', severity: 'critical', line: 2, preview: `${prefix}…` },
      ]);
    }
  });

  it('finds refresh, fine-grained and stateless tokens', () => {
    expect(findSecrets(githubToken('ghr_', 70))).toMatchObject([{ title: 'GitHub refresh token', severity: 'critical' }]);
    expect(findSecrets(`TOKEN = ${fineGrainedToken}`)).toMatchObject([{ severity: 'critical', preview: 'gith…' }]);
    const stateless = `ghs_12345_eyJ${made('header', 40, alphanumeric)}.${made('payload', 300, alphanumeric)}.${made('signature', 86, alphanumeric)}`;
    expect(rulesIn(`TOKEN=${stateless}`)).toEqual(['github-token']);
  });

  it('knows the checksum of GitHub’s announcement from one that does not fit', () => {
    expect(findSecrets('TOKEN="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"')).toMatchObject([{ severity: 'critical' }]);
    expect(findSecrets('TOKEN="ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"')).toMatchObject([
      { severity: 'high', title: expect.stringContaining('checksum does not fit') },
    ]);
  });

  it.each([
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and more to fill the line',
    'ghp_1234567890abcdefghijklmnopqrstuvwxyz and more to fill the line',
    `ghp_${made('short', 30, alphanumeric)} is too short for any token`,
    `length_ghp_like_names_${made('name', 10, alphanumeric)}_in_code_are_no_tokens`,
    `xghp_${made('word', 36, alphanumeric)} part of a word`,
    'github_pat_XXXXXXXXXXXXXXXXXXXXXX_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX',
  ])('passes over %s', (text) => {
    expect(rulesIn(text)).toEqual([]);
  });
});

describe('AWS keys', () => {
  it.each([
    `AWS_ACCESS_KEY_ID=${awsId}\nAWS_SECRET_ACCESS_KEY=${awsSecret}\n`,
    `[default]\naws_secret_access_key = ${awsSecret}\naws_access_key_id = ${awsId}\n`,
    `{"AccessKeyId": "${awsId}", "SecretAccessKey": "${awsSecret}"}`,
    `new S3({accessKeyId: '${awsId}', secretAccessKey: '${awsSecret}'})`,
    `id,key\n${awsId},${awsSecret}\n`,
  ])('finds an id with its secret once: %s', (text) => {
    expect(findSecrets(text)).toMatchObject([{ rule: 'aws-access-key', severity: 'critical', preview: 'AKIA…' }]);
  });

  it('tells of an id without its secret, and of a named secret without an id', () => {
    expect(findSecrets(`the id of the key is ${awsId}, says the log`)).toMatchObject([{ rule: 'aws-access-key-id', severity: 'medium' }]);
    expect(findSecrets(`aws_secret_access_key = "${awsSecret}"`)).toMatchObject([{ rule: 'aws-access-key', severity: 'critical' }]);
  });

  it.each([
    'AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'AWS_ACCESS_KEY_ID=AKIAI44QH8DHBEXAMPLE\nAWS_SECRET_ACCESS_KEY=je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY',
    'AWS_ACCESS_KEY_ID=AKIAXXXXXXXXXXXXXXXX and some more text',
    `https://bucket.s3.amazonaws.com/x?AWSAccessKeyId=${awsId}&Signature=x&Expires=1`,
    `https://bucket.s3.amazonaws.com/x?X-Amz-Credential=${awsId}%2F20240101%2Fus-east-1`,
    'TODAYINASIAASACKOFRICEFELLOVERINTHEPORT',
    `base64 text ${made('b64', 50, alphanumeric)}${awsId}${made('b65', 50, alphanumeric)}`,
    `aws_secret_access_key = "${'0123456789abcdef'.repeat(3).slice(0, 40)}"`,
  ])('passes over %s', (text) => {
    expect(rulesIn(text)).toEqual([]);
  });

  it('takes neither a digest nor a path for the secret of an id', () => {
    const text = `${awsId}\n${made('sha1', 40, '0123456789abcdef')}\n/usr/local/lib/node_modules/npm/bin/cli.js\n`;
    expect(rulesIn(text)).toEqual(['aws-access-key-id']);
  });
});

describe('Azure keys', () => {
  it.each([
    `DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${azureKey};EndpointSuffix=core.windows.net`,
    `AZURE_STORAGE_KEY=${azureKey}`,
    `AZURE_STORAGE_ACCESS_KEY="${azureKey}"`,
    `storage_account_key: ${azureKey}`,
    `{"accountName": "shop", "accountKey": "${azureKey}"}`,
    `azure:\n  storage:\n    account-key: '${azureKey}'`,
  ])('finds %s', (text) => {
    expect(findSecrets(`# settings\n${text}\n`)).toMatchObject([
      { rule: 'azure-storage-key', severity: 'critical', preview: `${azureKey.slice(0, 4)}…` },
    ]);
  });

  it('names Cosmos DB and shared access keys', () => {
    expect(findSecrets(`AccountEndpoint=https://a.documents.azure.com:443/;AccountKey=${azureKey};`)).toMatchObject([
      { title: 'Azure Cosmos DB account key' },
    ]);
    const bus = `Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${sharedAccessKey}`;
    expect(rulesIn(bus)).toEqual(['azure-shared-access-key']);
  });

  it('finds shared access signatures', () => {
    const signature = encodeURIComponent(sharedAccessKey);
    const url = `https://shop.blob.core.windows.net/c?sv=2022-11-02&ss=b&srt=sco&sp=rwd&se=2030-01-01T00:00:00Z&sig=${signature}`;
    expect(findSecrets(`URL=${url}`)).toMatchObject([{ rule: 'azure-shared-access-signature', severity: 'high' }]);
    expect(rulesIn(`https://example.org/callback?code=1&sig=${signature}`)).toEqual([]);
  });

  it.each([
    'AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;',
    'AccountEndpoint=https://localhost:8081/;AccountKey=C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==',
    `AccountName=a;AccountKey=${'A'.repeat(86)}==`,
    'AccountName=a;AccountKey=<your account key here>;EndpointSuffix=core.windows.net',
    `jwt_key: ${azureKey}`,
    `integrity: sha512-${azureKey}`,
  ])('passes over %s', (text) => {
    expect(rulesIn(text)).toEqual([]);
  });
});
