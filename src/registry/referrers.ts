import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import type { ArtifactManifest } from './artifact.ts';
import { nextPage } from './link.ts';
import { maxManifestBytes, readManifest } from './manifest.ts';
import { putManifest } from './manifest-exchange.ts';
import { listTaggedReferrers, upsertTaggedReferrer } from './referrers-tag.ts';
import type { Session } from './session.ts';

const maxPages = 1_000;
const maxReferrers = 100_000;

/**
 * What refers to a digest: by the referrers API, page by page, or where the registry has none by the tag schema. A list that cannot be had
 * in full is an error, never a shorter list. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(session: Session, subject: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
  const all = (await listByApi(session, subject, artifactType)) ?? (await listTaggedReferrers(session, subject));
  // The registry's filter is a courtesy, which it may not have.
  return artifactType === undefined ? all : all.filter((descriptor) => descriptor.artifactType === artifactType);
}

/** Whether the registry has the referrers API: it has to answer with an index, be it empty, also for a digest that it does not know. */
export async function hasReferrersApi(session: Session, subject: Digest): Promise<boolean> {
  return (await listByApi(session, subject, undefined)) !== undefined;
}

/**
 * Makes an artifact whose blobs are there refer to its subject. A registry with the referrers API says so by OCI-Subject; with any other
 * the tag schema is ours to keep up (distribution-spec, "Pushing Manifests with Subject").
 */
export async function putReferrer(session: Session, { bytes, descriptor }: ArtifactManifest, subject: Digest): Promise<void> {
  const answer = await putManifest(session, descriptor.digest, descriptor.mediaType, bytes);
  if (answer.headers['oci-subject'] === undefined) await upsertTaggedReferrer(session, subject, descriptor);
}

/** Undefined where the registry has no such API. */
async function listByApi(session: Session, subject: Digest, artifactType: string | undefined): Promise<readonly Descriptor[] | undefined> {
  const verb = `list what refers to ${session.name}@${subject}`;
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const referrers: Descriptor[] = [];
  let url: URL | string = `referrers/${subject}${query}`;
  for (let page = 0; page < maxPages; page += 1) {
    const isExpected = (status: number): boolean => status === 200 || (page === 0 && (status === 404 || status === 405 || status === 501));
    const request = {
      verb,
      method: 'GET',
      url,
      access: 'pull',
      headers: { accept: mediaTypes.ociIndex },
      maxBodyBytes: maxManifestBytes,
    } as const;
    const response = await session.send(request, isExpected);
    if (response.status !== 200) return undefined;
    const index = readManifest(response.body, `that lists the referrers of ${subject}`, response.headers['content-type']);
    if (index.kind !== 'index') throw session.unusable(verb, 'its answer is not an index');
    referrers.push(...index.manifests);
    const next = nextPage(session, verb, response.headers);
    if (next === undefined) return referrers;
    if (referrers.length > maxReferrers) break;
    url = next;
  }
  throw session.unusable(verb, `the list has no end within ${maxReferrers} entries and ${maxPages} pages`);
}
