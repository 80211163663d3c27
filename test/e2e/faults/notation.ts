import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { peer } from '../peers.ts';
import { expectProgram } from '../step.ts';
import type { PublishingPlace } from './publishing-place.ts';

/** notation, which trusts the place's root and nobody else. */
export interface Notation {
  /** Rejects where it finds no signature of `reference` that it trusts. */
  verify(reference: string): Promise<void>;
}

export async function createNotation({ workspace, rootPem }: PublishingPlace): Promise<Notation> {
  const config = join(workspace, 'notation');
  const store = join(config, 'notation/truststore/x509/ca/place');
  await mkdir(store, { recursive: true });
  await writeFile(join(store, 'root.pem'), rootPem);
  const policy = {
    name: 'all',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustStores: ['ca:place'],
    trustedIdentities: ['*'],
  };
  await writeFile(join(config, 'notation/trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [policy] }));
  const env = { ...process.env, XDG_CONFIG_HOME: config };
  const login = ['--username', 'robot', '--password', 'password'];
  return {
    async verify(reference) {
      await expectProgram(peer('notation'), ['verify', '--insecure-registry', ...login, reference], { env });
    },
  };
}
