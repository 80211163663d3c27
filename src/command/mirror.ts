import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { openBucketFeeds, osvBucket } from '../advisory/snapshot/bucket-feed.ts';
import { openDirectoryFeeds } from '../advisory/snapshot/directory-feed.ts';
import { openSnapshotBytes } from '../advisory/snapshot/snapshot-bytes.ts';
import { SnapshotReader } from '../advisory/snapshot/snapshot-reader.ts';
import { type WrittenSnapshot, writeSnapshot } from '../advisory/snapshot/snapshot-writer.ts';
import type { Host } from '../host/host.ts';
import type { MirrorSettings } from '../inputs/settings.ts';
import type { OutputName } from '../inputs/table.ts';
import { firstFew } from '../lib/first-few.ts';
import { StepError } from '../lib/step-error.ts';
import { toCancellable, toCancellation } from './cancellation.ts';
import { openCredentials } from './credentials.ts';
import { openDestinations } from './destinations.ts';
import type { ExitCode } from './exit-code.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { openSigning } from './signing.ts';
import type { World } from './world.ts';

/**
 * Puts a snapshot of the advisories into a file and into registries: credentials, records, snapshot, read back, publication. Rejects with a StepError
 * where it could not finish; then no tag was moved.
 */
export async function mirror(settings: MirrorSettings, host: Host, world: World): Promise<ExitCode> {
  const temporary = await mkdtemp(join(host.temporaryFolder, 'image-custody-mirror-'));
  try {
    const credentials = await openCredentials(settings, host, world);
    const signing = settings.push.length === 0 ? undefined : await openSigning(settings, host.workspace, credentials, world);
    const destinations = await openDestinations(settings, credentials, world);

    const path = settings.snapshot === undefined ? join(temporary, 'advisories.snapshot') : resolve(host.workspace, settings.snapshot);
    const snapshot = await buildSnapshot(path, temporary, settings, host, world);
    tell(snapshot, host);
    if (destinations.length === 0) return 0;

    if (signing === undefined) host.log('warning', 'Nobody signs the snapshot (input signing-key): runs can use it by its digest alone.');
    const receipt = await publishSnapshot({ path, snapshot, destinations, signing }, world);
    const outputs: readonly (readonly [OutputName, readonly string[]])[] = [
      ['digest', [receipt.digest]],
      ['references', receipt.references],
      ['signatures', receipt.signatures],
    ];
    for (const [name, values] of outputs) host.output(name, values.join('\n'));
    for (const reference of receipt.references) host.log('info', `Published ${reference}.`);
    return 0;
  } catch (error) {
    throw world.cancelled.aborted ? toCancellation() : error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function buildSnapshot(path: string, folder: string, settings: MirrorSettings, host: Host, world: World): Promise<WrittenSnapshot> {
  const { advisories, ecosystems } = settings;
  const { now, random, sleep } = world;
  const origin = { created: now(), program: `image-custody/${world.version}` };
  await prepareFolder(path, settings.snapshot, host.workspace);
  if (advisories.kind === 'path') {
    const feeds = openDirectoryFeeds(resolve(host.workspace, advisories.path), ecosystems);
    return verifyWritten(path, await writeSnapshot(path, { ...origin, source: 'directory', isCurrent: false }, feeds));
  }
  const url = new URL(advisories.url ?? osvBucket);
  const http = toCancellable(world.http, world.cancelled);
  const log = (line: string) => host.log('info', line);
  const feeds = openBucketFeeds({ url, ecosystems, http, retry: { now, random, sleep }, folder, log });
  const source = advisories.url === undefined ? 'osv.dev' : url.origin;
  return verifyWritten(path, await writeSnapshot(path, { ...origin, source, isCurrent: advisories.url === undefined }, feeds));
}

/** Reads all of it once, as a run would. */
async function verifyWritten(path: string, written: WrittenSnapshot): Promise<WrittenSnapshot> {
  const bytes = await openSnapshotBytes(path);
  try {
    const reader = await SnapshotReader.open(bytes, path);
    for (const ecosystem of reader.header.ecosystems) {
      for (const block of await reader.readIndex(ecosystem)) await reader.readPackages(block, new Set(block.keys));
    }
    return written;
  } finally {
    await bytes.close();
  }
}

async function prepareFolder(path: string, given: string | undefined, workspace: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw new StepError({
      code: 'snapshot-unwritable',
      origin: 'input',
      message: `Cannot write to ${JSON.stringify(given)}, the file of the input snapshot: ${(error as NodeJS.ErrnoException).code}`,
      hint: `Give the path of a file that this job may write, relative to ${workspace}.`,
    });
  }
}

function tell({ header, sizeBytes, digest }: WrittenSnapshot, host: Host): void {
  const records = header.ecosystems.reduce((sum, ecosystem) => sum + ecosystem.records, 0);
  host.log(
    'info',
    `Snapshot ${digest}: ${records} advisories of ${header.ecosystems.length} ecosystems, ${(sizeBytes / 1e6).toFixed(1)} MB, known up to ${header.asOf ?? 'an unknown time'}.`,
  );
  const damaged = header.ecosystems.flatMap(({ name, damaged: files }) => files.map(({ file }) => `${name}/${file}`));
  if (damaged.length === 0) return;
  host.log('warning', `Records that are not in OSV format are gaps of the packages that they name: ${firstFew(damaged, 5)}.`);
}
