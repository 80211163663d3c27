import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { maxManifestBytes, readManifest } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';

const tries = 20;

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
export function toReferrersTag(subject: Digest): string {
  return subject.replace(':', '-');
}

export interface TaggedIndex {
  readonly referrers: readonly Descriptor[];
  /** The members of the index as they stand, so that what is not ours is written back unchanged. */
  readonly object: JsonObject;
  readonly etag: string | undefined;
  readonly exists: boolean;
}

/** The index at the referrers tag; empty where there is none. */
export async function fetchTaggedIndex(session: Session, subject: Digest): Promise<TaggedIndex> {
  const verb = `list what refers to ${session.name}@${subject}`;
  const url = `manifests/${toReferrersTag(subject)}`;
  const request = {
    verb,
    method: 'GET',
    url,
    access: 'pull',
    headers: { accept: mediaTypes.ociIndex },
    maxBodyBytes: maxManifestBytes,
  } as const;
  const { status, headers, body } = await session.send(request, (code) => code === 200 || code === 404);
  if (status === 404) return { referrers: [], object: {}, etag: undefined, exists: false };
  const index = readManifest(body, `at the referrers tag of ${subject}`, headers['content-type']);
  const object = parseStrictJson(body);
  if (index.kind !== 'index' || !isJsonObject(object)) throw session.unusable(verb, 'the referrers tag does not hold an index');
  return { referrers: index.manifests, object, etag: headers.etag, exists: true };
}

/**
 * Adds an entry to the index at the referrers tag of a registry without referrers API, and only once. Several writers may do so at the same
 * time, and most registries have no conditional write: the index is read again after a write, at once and when others that read before
 * have had time to write, and the entry put back where it has been lost.
 */
export async function upsertTaggedReferrer(session: Session, subject: Digest, entry: Descriptor): Promise<void> {
  let seen = 0;
  let windowMs = 0;
  for (let count = 1; count <= tries; count += 1) {
    const startMs = session.now();
    const index = await fetchTaggedIndex(session, subject);
    if (index.referrers.some(({ digest }) => digest === entry.digest)) {
      seen += 1;
      // Only who has written has to fear that an earlier reader writes over it.
      if (windowMs === 0 || seen === 3) return;
      await session.settle(windowMs);
      continue;
    }
    seen = 0;
    const isWritten = await putTaggedIndex(session, subject, index, entry);
    windowMs = Math.max(windowMs, session.now() - startMs, 1);
    if (!isWritten) await session.settle(windowMs);
  }
  throw new RegistryError({
    code: 'referrers-unavailable',
    message: `cannot attach ${entry.digest} to ${session.name}@${subject}: others kept writing over its entry at the tag ${toReferrersTag(subject)}`,
    hint: 'Run the step again when fewer writers attach to this image at once, or use a registry with the referrers API.',
  });
}

/** False where a registry that can tell says that the index has changed since it was read. */
async function putTaggedIndex(session: Session, subject: Digest, index: TaggedIndex, entry: Descriptor): Promise<boolean> {
  const { manifests } = index.object;
  const others: readonly JsonValue[] = Array.isArray(manifests) ? manifests : [];
  const next = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, ...index.object, manifests: [...others, entry] };
  const body = Buffer.from(JSON.stringify(next));
  const verb = `attach ${entry.digest} to ${session.name}@${subject}`;
  if (body.length > maxManifestBytes)
    throw session.unusable(verb, `the index at ${toReferrersTag(subject)} would be larger than ${maxManifestBytes} bytes`);
  const headers = { 'content-type': mediaTypes.ociIndex, ...(index.etag === undefined ? {} : { 'if-match': index.etag }) };
  const request = { verb, method: 'PUT', url: `manifests/${toReferrersTag(subject)}`, access: 'push', headers, body } as const;
  const { status } = await session.send(request, (code) => code === 412 || (code >= 200 && code < 300));
  return status !== 412;
}
