import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKey } from '../../src/command/signing.ts';
import type { SigningSettings } from '../../src/inputs/settings.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { http, serve } from '../registry/loopback.ts';
import { authorityExtensions, leafExtensions, makeCertificate, makeChain, makeKeys, toPem } from '../sign/chain.ts';
import { openWorld } from './silent-world.ts';

let workspace: string;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'signing-'));
});
afterAll(() => rm(workspace, { recursive: true }));

const { chain, keys } = makeChain('P-256');
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

function open(key: string, systems: SigningSettings['systems'] = ['notation'], secrets = new Map<string, SecretValue>()) {
  const settings: SigningSettings = {
    key,
    systems,
    password: undefined,
    format: 'jws',
    lifetimeMs: undefined,
    metadata: new Map(),
    cosignFormat: 'bundle',
    timestamp: undefined,
    sigstore: { services: { kind: 'urls', fulcioUrl: '', rekorUrl: '' }, trustedRoot: undefined, serviceConnection: undefined },
  };
  const openVault = () => {
    throw new Error('no vault');
  };
  return openKey(settings, workspace, { openVault, secrets }, openWorld(http));
}

test('the chain is that of a file, of a secret, or in the input itself', async () => {
  await writeFile(join(workspace, 'key.pem'), privateKey);
  await writeFile(join(workspace, 'chain.pem'), toPem(...chain));
  const expected = chain.map((der) => Uint8Array.from(der));
  for (const text of ['file:key.pem,chain.pem', 'file:key.pem,secret:CHAIN', `file:key.pem,${toPem(...chain)}`]) {
    const signer = await open(text, ['notation'], new Map([['CHAIN', new SecretValue(toPem(...chain))]]));
    expect(signer.certificateChain.map((der) => Uint8Array.from(der))).toEqual(expected);
  }
});

test('a secret that nobody named, a file that is not there, and a key without certificate are told', async () => {
  await writeFile(join(workspace, 'key.pem'), privateKey);
  await expect(open('file:key.pem,secret:CHAIN')).rejects.toMatchObject({
    code: 'bad-signing-key',
    message: expect.stringContaining('names no "CHAIN"'),
  });
  await expect(open('file:key.pem,absent.pem')).rejects.toMatchObject({ code: 'file-unreadable' });
  await expect(open('https://v.vault.azure.net/keys/release')).rejects.toMatchObject({
    code: 'bad-signing-key',
    message: expect.stringContaining('chain'),
  });
});

test('an issuer that is nowhere else is fetched from where the certificate says, for the Notary Project alone', async () => {
  const [leafKeys, rootKeys] = [makeKeys('P-256'), makeKeys('P-256')];
  const rootRecipe = { name: 'Fetched root', keys: rootKeys };
  const root = makeCertificate({ ...rootRecipe, extensions: authorityExtensions });
  const authority = await serve((request, response) => response.writeHead(request.path === '/root.der' ? 200 : 404).end(root));
  const naming = (path: string) => {
    const location = new asn.GeneralName({ uniformResourceIdentifier: `http://${authority.host}${path}` });
    const access = new asn.AuthorityInfoAccessSyntax([
      new asn.AccessDescription({ accessMethod: asn.id_ad_caIssuers, accessLocation: location }),
    ]);
    return new asn.Extension({ extnID: asn.id_pe_authorityInfoAccess, extnValue: new OctetString(AsnConvert.serialize(access)) });
  };
  const write = async (name: string, path: string) => {
    const leaf = makeCertificate({ name: 'Fetching leaf', keys: leafKeys, extensions: [...leafExtensions, naming(path)] }, rootRecipe);
    await writeFile(join(workspace, name), leafKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() + toPem(leaf));
    return leaf;
  };
  const leaf = await write('found.pem', '/root.der');
  await write('lost.pem', '/gone.der');
  const signer = await open('file:found.pem');
  expect(signer.certificateChain.map((der) => Buffer.from(der))).toEqual([leaf, root]);
  await expect(open('file:lost.pem')).rejects.toMatchObject({
    code: 'incomplete-chain',
    message: expect.stringMatching(/gone\.der, which the certificate names for it: the server answered 404/),
  });
  const asked = authority.seen.length;
  expect((await open('file:lost.pem', ['cosign'])).certificateChain).toHaveLength(1);
  expect(authority.seen).toHaveLength(asked);
});
