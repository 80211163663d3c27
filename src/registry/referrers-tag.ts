import type { JsonValue } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { Session } from './session.ts';
import { fetchAtTag, mergeAtTag, putAtTag, type TaggedManifest, writtenOver } from './shared-tag.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
export function toReferrersTag(subject: Digest): string {
  return subject.replace(':', '-');
}

/** What the index at the referrers tag has; nothing where there is none. */
export async function listTaggedReferrers(session: Session, subject: Digest): Promise<readonly Descriptor[]> {
  return referrersOf(await fetchIndex(session, subject));
}

/** Adds an entry to the index at the referrers tag of a registry without referrers API, and only once, whoever else adds to it meanwhile. */
export function upsertTaggedReferrer(session: Session, subject: Digest, entry: Descriptor): Promise<void> {
  const [tag, verb] = [toReferrersTag(subject), `attach ${entry.digest} to ${session.name}@${subject}`];
  return mergeAtTag(session, {
    fetch: () => fetchIndex(session, subject),
    isComplete: (index) => referrersOf(index).some(({ digest }) => digest === entry.digest),
    put: (index) => {
      const mediaType = mediaTypes.ociIndex;
      const others = index?.object.manifests;
      const manifests: readonly JsonValue[] = Array.isArray(others) ? others : [];
      const next = { schemaVersion: 2, mediaType, ...index?.object, manifests: [...manifests, entry] };
      return putAtTag(session, { verb, tag, mediaType, next, etag: index?.etag, what: `the index at ${tag}` });
    },
    lost: () => writtenOver(session, verb, tag),
  });
}

function fetchIndex(session: Session, subject: Digest): Promise<TaggedManifest | undefined> {
  return fetchAtTag(session, {
    verb: `list what refers to ${session.name}@${subject}`,
    tag: toReferrersTag(subject),
    accept: mediaTypes.ociIndex,
    kind: 'index',
    place: `at the referrers tag of ${subject}`,
    otherKind: 'the referrers tag does not hold an index',
  });
}

function referrersOf(index: TaggedManifest | undefined): readonly Descriptor[] {
  return index?.manifest.kind === 'index' ? index.manifest.manifests : [];
}
