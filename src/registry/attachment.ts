import { forEachParallel } from '../lib/parallel.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { type Artifact, toArtifactManifest } from './artifact.ts';
import { headBlob } from './blob.ts';
import { fetchManifest, putManifest } from './manifest-exchange.ts';
import { hasReferrersApi } from './referrers.ts';
import type { ReferrerChange } from './referrers-tag.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';
import { putBlob } from './upload-commit.ts';

/**
 * Where what is attached is to be found: by the referrers API, or where the registry has none at the referrers tag (`auto`); by the API and nowhere else (`api`); by the
 * API and at the tag as well, for clients that know only that (`both`).
 */
export type ReferrersMode = 'auto' | 'api' | 'both';

const requestsAtOnce = 4;

/** Changes the index at the referrers tag of a subject, in a registry without referrers API. */
export type ChangeIndex = (subject: Digest, changes: readonly ReferrerChange[]) => Promise<void>;

/**
 * Pushes artifacts, whose blobs are pushed where they are not there, and makes them refer to their subjects. A registry with the referrers API says so by
 * OCI-Subject; with any other the tag schema is ours to keep up (distribution-spec, "Pushing Manifests with Subject"), which is done once for each subject.
 * Rejects with `referrers-api-missing` where the API is wanted and not there.
 */
export async function attachReferrers(
  session: Session,
  artifacts: readonly Artifact[],
  mode: ReferrersMode,
  changeIndex: ChangeIndex,
): Promise<readonly Descriptor[]> {
  const attached = artifacts.map((artifact) => ({ subject: artifact.subject.digest, manifest: toArtifactManifest(artifact) }));
  const blobs = new Map(attached.flatMap(({ manifest }) => manifest.blobs.map(({ digest, bytes }) => [digest, bytes] as const)));
  await forEachParallel([...blobs], requestsAtOnce, ([digest, bytes]) => putMissing(session, digest, bytes));
  const changes = new Map<Digest, ReferrerChange[]>();
  await forEachParallel(attached, requestsAtOnce, async ({ subject, manifest: { descriptor, bytes } }) => {
    const { headers } = await putManifest(session, descriptor.digest, descriptor.mediaType, bytes);
    const hasApi = headers['oci-subject'] !== undefined;
    if (mode === 'api' && !hasApi) await verifyReferrersApi(session, subject);
    if (mode === 'both' || (mode === 'auto' && !hasApi))
      changes.set(subject, [...(changes.get(subject) ?? []), { kind: 'add', entry: descriptor }]);
  });
  // All at once, for each one waits until its tag stands still.
  await forEachParallel([...changes], changes.size, ([subject, entries]) => changeIndex(subject, entries));
  return attached.map(({ manifest }) => manifest.descriptor);
}

/**
 * Deletes what refers to a subject, after a look whether it does. First it is taken out of the index at the referrers tag, where it is in one, so that nobody finds
 * what is not there any more. What is gone already is no error.
 */
export async function deleteReferrers(
  session: Session,
  subject: Digest,
  referrers: readonly Digest[],
  changeIndex: ChangeIndex,
): Promise<void> {
  const there: Digest[] = [];
  await forEachParallel(referrers, requestsAtOnce, async (referrer) => {
    if (await isReferrer(session, subject, referrer)) there.push(referrer);
  });
  await changeIndex(
    subject,
    referrers.map((digest) => ({ kind: 'remove', entry: { digest } })),
  );
  await forEachParallel(there, requestsAtOnce, async (referrer) => {
    const request = {
      verb: `delete ${session.name}@${referrer}`,
      method: 'DELETE',
      url: `manifests/${referrer}`,
      access: 'delete',
    } as const;
    await session.send(request, (status) => status === 404 || (status >= 200 && status < 300));
  });
}

/** Rejects with `referrers-api-missing` where the registry does not list what refers to a digest. */
export async function verifyReferrersApi(session: Session, subject: Digest): Promise<void> {
  if (await hasReferrersApi(session, subject)) return;
  throw new RegistryError({
    code: 'referrers-api-missing',
    message: `The input referrers is "api", and ${session.registry.name} has no referrers API for ${session.name}`,
    hint: 'Accepted: auto (the API, or a tag where there is none) and both; or a registry that has the API.',
  });
}

/** Pushes a blob that is in memory, unless it is there. */
export async function putMissing(session: Session, digest: Digest, bytes: Uint8Array): Promise<void> {
  if ((await headBlob(session, digest)) === undefined) await putBlob(session, digest, bytes);
}

/** False where it is not there; rejects where it refers to something else, or to nothing. */
async function isReferrer(session: Session, subject: Digest, referrer: Digest): Promise<boolean> {
  const found = await fetchManifest(session, referrer).catch((error: unknown) => {
    if (isRegistryError(error, 'not-found')) return undefined;
    throw error;
  });
  if (found === undefined) return false;
  if (found.manifest.subject?.digest === subject) return true;
  throw new RegistryError({
    code: 'referrer-foreign',
    message: `did not delete ${session.name}@${referrer}: it does not refer to ${subject}`,
    hint: 'Nothing was deleted. Somebody has listed among what refers to this image what does not; look at the index at its referrers tag.',
  });
}
