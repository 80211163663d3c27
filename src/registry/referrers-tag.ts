import type { JsonValue } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { Session } from './session.ts';
import type { TagContent } from './shared-tag.ts';
import { type TaggedManifest, type TagRead, visitAtTag } from './tagged-manifest.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
export function toReferrersTag(subject: Digest): string {
  return subject.replace(':', '-');
}

/** Gives what the index at the referrers tag has to `visit`; nothing where there is none. */
export function visitTaggedReferrers(session: Session, subject: Digest, visit: (referrer: Descriptor) => void): Promise<void> {
  return visitAtTag(session, toRead(session, subject), visit);
}

/** Whether an entry has to be there, or must not. Of two for one digest the later counts. */
export type ReferrerChange =
  | { readonly kind: 'add'; readonly entry: Descriptor }
  | { readonly kind: 'remove'; readonly entry: Pick<Descriptor, 'digest'> };

/** The index at the referrers tag of a registry without referrers API. */
export function toReferrersContent(session: Session, subject: Digest): TagContent<ReferrerChange> {
  const tag = toReferrersTag(subject);
  return {
    read: toRead(session, subject),
    verb: `change what refers to ${session.name}@${subject}`,
    what: `the index at ${tag}`,
    toMissing: (index, changes) => {
      const listed = new Set(referrersOf(index).map(({ digest }) => digest));
      const last = new Map(changes.map((change) => [change.entry.digest, change]));
      return [...last.values()].filter(({ kind, entry }) => listed.has(entry.digest) !== (kind === 'add'));
    },
    toNext: async (index, changes) => {
      const removed = new Set(changes.filter(({ kind }) => kind === 'remove').map(({ entry }) => entry.digest));
      const added = changes.flatMap((change) => (change.kind === 'add' ? [change.entry] : []));
      const listed = referrersOf(index);
      const others: readonly JsonValue[] = Array.isArray(index?.object.manifests) ? index.object.manifests : [];
      const kept = others.filter((_other, at) => !removed.has(listed[at]?.digest as Digest));
      const mediaType = mediaTypes.ociIndex;
      return { mediaType, object: { schemaVersion: 2, mediaType, ...index?.object, manifests: [...kept, ...added] } };
    },
  };
}

function toRead(session: Session, subject: Digest): TagRead {
  return {
    verb: `list what refers to ${session.name}@${subject}`,
    tag: toReferrersTag(subject),
    accept: mediaTypes.ociIndex,
    subject,
    kind: 'index',
    place: `at the referrers tag of ${subject}`,
    otherKind: 'the referrers tag does not hold an index',
  };
}

function referrersOf(index: TaggedManifest | undefined): readonly Descriptor[] {
  return index?.manifest.kind === 'index' ? index.manifest.manifests : [];
}
