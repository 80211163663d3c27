import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { openAdvisoryDirectory } from '../advisory/advisory-thread.ts';
import { openOsvService } from '../advisory/osv-service.ts';
import type { Host } from '../host/host.ts';
import type { StepSettings } from '../inputs/settings.ts';
import { StepError } from '../lib/step-error.ts';
import type { AdvisorySource } from '../model/advisory.ts';
import type { KeySigner } from '../model/signer.ts';
import { parseReference } from '../registry/reference.ts';
import { toCancellable } from './cancellation.ts';
import type { Credentials } from './credentials.ts';
import type { World } from './world.ts';

/** Opens a source once there are credentials; `signer` is the key of this run, where it has one. */
export type OpenAdvisories = (credentials: Credentials, signer: KeySigner | undefined) => Promise<AdvisorySource>;

/**
 * Finds the source of the input `advisories`. Rejects with a StepError where it is on this machine and not there, or of no form; a service or a registry
 * is not asked before it is opened.
 */
export async function findAdvisories(settings: StepSettings, host: Host, world: World): Promise<OpenAdvisories> {
  const { advisories } = settings;
  if (advisories.kind === 'service') {
    const { now, random, sleep } = world;
    const { url } = advisories;
    const http = toCancellable(world.http, world.cancelled);
    return async () => openOsvService({ url: new URL(url), http, retry: { now, random, sleep } });
  }
  if (advisories.kind === 'registry') {
    const reference = parseReference(advisories.reference);
    const { openRegistrySnapshot } = await import('./registry-snapshot.ts');
    return (credentials, signer) => openRegistrySnapshot(reference, { settings, host, world, credentials, signer });
  }
  const path = resolve(host.workspace, advisories.path);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return async () => openAdvisoryDirectory(path);
  if (found?.isFile()) {
    const { openSnapshotFile } = await import('../advisory/snapshot/snapshot-source.ts');
    return async () => openSnapshotFile(path);
  }
  throw noDatabase(advisories.path, host.workspace);
}

function noDatabase(path: string, workspace: string): StepError {
  return new StepError({
    code: 'input-invalid',
    origin: 'input',
    message: `The input advisories is ${JSON.stringify(path)}, and there is no such directory or file`,
    hint: `Accepted: osv.dev, the https URL of a service with its API, a directory of OSV records (ECOSYSTEM/all.zip) or the file of a snapshot, relative to ${workspace}, or registry:REFERENCE.`,
  });
}
