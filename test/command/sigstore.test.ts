import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openIdentitySigner } from '../../src/command/sigstore.ts';
import type { Environment } from '../../src/command/world.ts';
import type { SigningSettings, SigstoreSettings } from '../../src/inputs/settings.ts';
import type { CredentialChoice } from '../../src/lib/credential-choice.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { attestBundle } from '../../src/sign/cosign/attestation.ts';
import { http } from '../registry/loopback.ts';
import { type SigstoreInstance, startSigstore, toToken } from '../sign/sigstore-instance.ts';
import { openWorld } from './silent-world.ts';

let workspace: string;
let sigstore: SigstoreInstance;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'sigstore-'));
  sigstore = await startSigstore();
  await writeFile(join(workspace, 'root.json'), sigstore.trustedRoot);
  const service = { url: sigstore.url, majorApiVersion: 1, operator: 'test' };
  const config = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service],
    rekorTlogUrls: [{ ...service, majorApiVersion: 2 }],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [{ ...service, url: sigstore.timestampUrl }],
    tsaConfig: { selector: 'ANY' },
  };
  await writeFile(join(workspace, 'config.json'), JSON.stringify(config));
});
afterAll(async () => {
  await sigstore.close();
  await rm(workspace, { recursive: true });
});

const publicServices = { kind: 'urls', fulcioUrl: 'https://fulcio.sigstore.dev', rekorUrl: 'https://rekor.sigstore.dev' } as const;
const ownServices = { kind: 'signing-config', file: 'config.json' } as const;
const own: SigstoreSettings = { services: ownServices, trustedRoot: 'root.json', serviceConnection: 'connection' };

function open(settings: Partial<SigstoreSettings>, environment: Partial<Environment>, format: SigningSettings['cosignFormat'] = 'bundle') {
  const world = openWorld(http);
  const given = { sigstore: { ...own, ...settings }, cosignFormat: format };
  return openIdentitySigner(given, workspace, { ...world, environment: { ...world.environment, ...environment } });
}

const token = new SecretValue(toToken({ iss: 'https://vstoken.dev.azure.com/organization', sub: 'sc://contoso/shop/connection' }));
const ids = { tenantId: 'tenant', clientId: 'client' };
const federated: CredentialChoice = { kind: 'federated', ...ids, fetchAssertion: async () => token };
const withConnection = (choice: CredentialChoice): Partial<Environment> => ({
  openServiceConnection: () => ({ choice, authorityHost: undefined, secrets: [] }),
});

test('on Azure Pipelines an instance of its own certifies the service connection', async () => {
  const signer = await open({}, withConnection(federated));
  const predicateType = 'https://example.com/tested/v1';
  const statement = Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: [], predicateType, predicate: {} }));
  const { bytes } = await attestBundle({ signer, statement, predicateType }, () => new Date());
  const { verificationMaterial } = JSON.parse(Buffer.from(bytes).toString());
  expect(Buffer.from(verificationMaterial.certificate.rawBytes, 'base64').toString('latin1')).toContain('sc://contoso/shop/connection');
  expect(verificationMaterial.tlogEntries[0].kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
});

const secret: CredentialChoice = { kind: 'client-secret', ...ids, clientSecret: new SecretValue('a') };
test.each<readonly [string, Partial<SigstoreSettings>, Partial<Environment>, RegExp, RegExp]>([
  ['a host without tokens', {}, {}, /no identity token/, /permissions: id-token: write/],
  [
    'Azure Pipelines at the public instance',
    { services: publicServices },
    withConnection(federated),
    /public instance/,
    /fulcioUrl or signingConfig/,
  ],
  [
    'Azure Pipelines without a service connection',
    { serviceConnection: undefined },
    withConnection(federated),
    /no service connection/,
    /azureServiceConnection/,
  ],
  ['a service connection with a secret', {}, withConnection(secret), /workload identity federation/, /azureServiceConnection/],
])('nobody signs without a key for %s', async (_, settings, environment, message, hint) => {
  await expect(open(settings, environment)).rejects.toMatchObject({
    code: 'no-identity-token',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test('a token that is refused ends the run before its work', async () => {
  const fetchIdentityToken = () => Promise.reject(new Error('no token today'));
  await expect(open({}, { fetchIdentityToken })).rejects.toThrow('no token today');
});

test.each<readonly [string, Partial<SigstoreSettings>, SigningSettings['cosignFormat'], string]>([
  ['no trusted root', { trustedRoot: undefined }, 'bundle', 'trusted-root'],
  ['layers, for which there is no log', {}, 'legacy', 'signing-config'],
  ['bundles and layers, for which there is no log', {}, 'both', 'signing-config'],
])('an instance of its own with %s is refused', async (_, settings, format, code) => {
  await expect(open(settings, { fetchIdentityToken: async () => token }, format)).rejects.toMatchObject({ code, origin: 'input' });
});
