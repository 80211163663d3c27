import type { TrustSettings } from '../inputs/settings.ts';
import { parseCosignIdentity } from '../sign/cosign/identity.ts';
import { parseCosignKey } from '../sign/cosign/trust.ts';
import { createCosignWitness } from './cosign-witness.ts';
import { createNotaryWitness } from './notary-witness.ts';
import { readText } from './resources.ts';
import { openSigstoreRoot } from './sigstore.ts';
import type { Witness } from './testimony.ts';
import { readTrustedCertificates } from './trusted-certificates.ts';
import type { World } from './world.ts';

/** Those whose signatures count. Rejects with a StepError of origin `input` where a file cannot be read or is not what it has to be. */
export async function openWitnesses(trust: TrustSettings, workspace: string, { now }: World): Promise<readonly Witness[]> {
  const witnesses: Witness[] = [];
  if (trust.certificate !== undefined) {
    const anchors = await readTrustedCertificates('trusted-certificate', trust.certificate, workspace);
    const rule = { kind: 'verify', policy: 'trusted-certificate', trust: { now, trusted: anchors }, anchors } as const;
    witnesses.push(createNotaryWitness(async () => rule));
  }
  if (trust.cosignKeys.length + trust.cosignIdentities.length > 0) {
    const openRoot = () => openSigstoreRoot(trust.root, workspace);
    // A file that cannot be read is told of at once.
    const root = trust.cosignIdentities.length === 0 ? undefined : await openRoot();
    const keys = await Promise.all(
      trust.cosignKeys.map(async (file) => parseCosignKey(file, await readText('cosign-key', file, workspace, true))),
    );
    witnesses.push(
      createCosignWitness({
        keys,
        identities: trust.cosignIdentities.map(parseCosignIdentity),
        openRoot: async () => root ?? (await openRoot()),
      }),
    );
  }
  return witnesses;
}
