import type { Host } from '../host/host.ts';
import type { Settings } from '../inputs/settings.ts';
import { toPublished } from '../layer/manifest.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { originOf } from '../model/source.ts';
import { decide } from '../policy/decide.ts';
import { findAdvisories } from './advisories.ts';
import { toDocuments } from './attestations.ts';
import { toCancellable, toCancellation } from './cancellation.ts';
import { openCredentials } from './credentials.ts';
import { openDestinations } from './destinations.ts';
import { beginPruning } from './evidence-pruning.ts';
import { type ExitCode, toExitCode } from './exit-code.ts';
import { exportSecrets, toExportedSecrets, verifyExport } from './exported-secrets.ts';
import { HeldLayers } from './held-layers.ts';
import { findImage, openImageThread } from './image.ts';
import { inspect } from './inspection.ts';
import { readImage } from './pass.ts';
import { publish, type Receipt } from './publish.ts';
import { type Facts, probeReport, tellFailure, tellReport, toReport } from './reporting.ts';
import { openExploitationLists, readDockerfile, readPolicy } from './resources.ts';
import { ReusableBlobs } from './reusable-blobs.ts';
import { openSigning } from './signing.ts';
import type { World } from './world.ts';

/**
 * The whole step: credentials, pass, verdict, publication, report. The report is told whatever happens. Rejects with a StepError where it could not
 * decide or not finish; then no tag was moved.
 */
export async function secure(settings: Settings, host: Host, world: World): Promise<ExitCode> {
  let facts: Facts | undefined;
  let receipt: Receipt | undefined;
  let exported: ReadonlyMap<string, SecretValue> | undefined;
  try {
    const [startedAt, startedMs] = [world.now(), world.elapsedMs()];
    await probeReport(settings, host);
    verifyExport(settings, host);
    const policy = await readPolicy(settings, host.workspace);
    const dockerfile = await readDockerfile(settings, host.workspace);
    const openAdvisories = await findAdvisories(settings, host, world);
    const http = toCancellable(world.http, world.cancelled);
    const exploitation = await openExploitationLists(settings, policy, host.workspace, { ...world, http });
    await using thread = openImageThread(settings, world);
    const openImage = await findImage(settings, thread, host, world);
    const credentials = await openCredentials(settings, host, world);
    exported = toExportedSecrets(settings, credentials, host);
    const source = await openImage(credentials);
    const signing = await openSigning(settings, host.workspace, credentials, world);
    await using advisories = await openAdvisories(credentials, signing?.signer);
    const destinations = await openDestinations(settings, credentials, world);

    await using held = new HeldLayers(destinations, source.repository);
    const log = (line: string) => host.log('info', line);
    const reusable = new ReusableBlobs({ destinations, signer: signing?.signer, now: world.now, log }, thread);
    const pass = await readImage(source, held, reusable, advisories, host, world);
    const image = toPublished(pass.image, pass.layers);
    const takenFrom = originOf(pass.image);
    if (takenFrom !== undefined)
      log(`Took ${image.manifest.descriptor.digest} out of the multi-platform image ${takenFrom}, for the input platform.`);

    const inspection = await inspect(pass, thread, { advisories, exploitation, dockerfile, policy, now: world.now() });
    const verdict = decide({ policy, findings: inspection.findings, gaps: inspection.gaps, now: world.now() });
    facts = { settings, image, takenFrom, inspection, advisories, verdict, startedAt, elapsedMs: () => world.elapsedMs() - startedMs };

    if (verdict.kind === 'pass' && destinations.length > 0) {
      const documents = await toDocuments({ settings, image, inspection, verdict, advisories, destinations }, host, world);
      const pruning = settings.pruneEvidence ? await beginPruning({ destinations, ...documents, signing, startedAt }) : undefined;
      receipt = await publish({ image, source, held, destinations, signing, ...documents }, world);
      await pruning?.(host);
    }
  } catch (cause) {
    const error = world.cancelled.aborted ? toCancellation() : cause;
    await (facts === undefined ? tellFailure(error, settings, host) : tellReport(toReport(facts, undefined, world), settings, host));
    throw error;
  }
  await tellReport(toReport(facts, receipt, world), settings, host);
  const exitCode = toExitCode(facts.verdict, settings.push.length > 0, receipt);
  if (exitCode === 0) exportSecrets(exported, host);
  return exitCode;
}
