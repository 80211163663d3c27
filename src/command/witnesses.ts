import { dirname, join, resolve } from 'node:path';
import type { TrustSettings } from '../inputs/settings.ts';
import type { Digest } from '../model/digest.ts';
import { parseCosignIdentity } from '../sign/cosign/identity.ts';
import { parseCosignKey } from '../sign/cosign/trust.ts';
import { parseTrustPolicy, statementFor } from '../sign/notary/trust-policy.ts';
import { openTrustStores } from '../sign/notary/trust-store.ts';
import { openRevocation } from '../sign/revocation/check.ts';
import { createCosignWitness } from './cosign-witness.ts';
import { createNotaryWitness } from './notary-witness.ts';
import { readReceipts } from './receipt.ts';
import { readBytes, readText } from './resources.ts';
import { openSigstoreRoot } from './sigstore.ts';
import type { Witness } from './testimony.ts';
import { readTrustedCertificates } from './trusted-certificates.ts';
import type { World } from './world.ts';

/** Those whose signatures count. Rejects with a StepError of origin `input` where a file cannot be read or is not what it has to be. */
export async function openWitnesses(trust: TrustSettings, workspace: string, world: World): Promise<readonly Witness[]> {
  const witnesses: Witness[] = [];
  const receipts = await readReceipts(trust.receipts, workspace);
  if (trust.certificate !== undefined) {
    const anchors = await readTrustedCertificates('trusted-certificate', trust.certificate, workspace);
    const rule = { kind: 'verify', policy: 'trusted-certificate', trust: { now: world.now, trusted: anchors }, anchors } as const;
    witnesses.push(createNotaryWitness(receipts, async () => rule));
  }
  if (trust.policy !== undefined) witnesses.push(await openPolicy(trust.policy, trust.store, receipts, workspace, world));
  if (trust.cosignKeys.length + trust.cosignIdentities.length > 0) {
    const openRoot = () => openSigstoreRoot(trust.root, workspace);
    // A file that cannot be read is told of at once.
    const root = trust.cosignIdentities.length === 0 ? undefined : await openRoot();
    const keys = await Promise.all(
      trust.cosignKeys.map(async (file) => parseCosignKey(file, await readText('cosign-key', file, workspace, true))),
    );
    witnesses.push(
      createCosignWitness(receipts, {
        keys,
        identities: trust.cosignIdentities.map(parseCosignIdentity),
        openRoot: async () => root ?? (await openRoot()),
      }),
    );
  }
  return witnesses;
}

/** The Notary Project's trust policy. Its stores are read when a statement needs them, as notation does. */
async function openPolicy(
  file: string,
  store: string | undefined,
  receipts: ReadonlySet<Digest>,
  workspace: string,
  { http, now, cancelled }: World,
): Promise<Witness> {
  const policy = parseTrustPolicy(await readBytes('trust-policy', file, workspace, true));
  const stores = openTrustStores(resolve(workspace, store ?? join(dirname(file), 'truststore')));
  const checkRevocation = openRevocation({ http, now, cancelled });
  return createNotaryWitness(receipts, async (repository) => {
    const statement = statementFor(policy, repository);
    const name = `trust policy ${JSON.stringify(statement.name)}`;
    if (statement.kind === 'skip') return { kind: 'skip', policy: name };
    const named = statement.trustStores.filter(({ type }) => type !== 'tsa');
    // What is wrong with a store, verification tells, where it counts.
    const anchors = (await Promise.all(named.map(({ type, name: of }) => stores.read(type, of).catch(() => [])))).flat();
    return { kind: 'verify', policy: name, trust: { now, statement, stores, checkRevocation }, anchors };
  });
}
