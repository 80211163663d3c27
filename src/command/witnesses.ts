import type { TrustSettings } from '../inputs/settings.ts';
import { parseCosignIdentity } from '../sign/cosign/identity.ts';
import { parseCosignKey } from '../sign/cosign/trust.ts';
import { parseTrustedRoot, type TrustedRoot } from '../sign/cosign/trusted-root.ts';
import { createCosignWitness } from './cosign-witness.ts';
import { createNotaryWitness } from './notary-witness.ts';
import { readBytes, readText } from './resources.ts';
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
    const root = trust.root === undefined ? undefined : await readRoot(trust.root, workspace);
    const keys = await Promise.all(
      trust.cosignKeys.map(async (file) => parseCosignKey(file, await readText('cosign-key', file, workspace, true))),
    );
    witnesses.push(
      createCosignWitness({
        keys,
        identities: trust.cosignIdentities.map(parseCosignIdentity),
        // Without a root no identity is trusted: the inputs are refused before.
        openRoot: async () => root as TrustedRoot,
      }),
    );
  }
  return witnesses;
}

async function readRoot(file: string, workspace: string): Promise<TrustedRoot> {
  return await parseTrustedRoot(file, await readBytes('trusted-root', file, workspace, true));
}
