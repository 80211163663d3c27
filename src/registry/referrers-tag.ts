import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { maxManifestBytes, readManifest } from './manifest.ts';
import type { Session } from './session.ts';
import { mergeAtTag, writtenOver } from './shared-tag.ts';

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

/** Adds an entry to the index at the referrers tag of a registry without referrers API, and only once, whoever else adds to it meanwhile. */
export function upsertTaggedReferrer(session: Session, subject: Digest, entry: Descriptor): Promise<void> {
  return mergeAtTag(session, {
    fetch: () => fetchTaggedIndex(session, subject),
    isComplete: ({ referrers }) => referrers.some(({ digest }) => digest === entry.digest),
    put: (index) => putTaggedIndex(session, subject, index, entry),
    lost: () => writtenOver(session, `attach ${entry.digest} to ${session.name}@${subject}`, toReferrersTag(subject)),
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
