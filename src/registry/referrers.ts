import type { Digest } from '../model/digest.ts';
import { type Descriptor, mediaTypes } from '../model/image.ts';
import { nextPage } from './link.ts';
import { maxManifestBytes, visitManifests } from './manifest.ts';
import { visitTaggedReferrers } from './referrers-tag.ts';
import type { Session } from './session.ts';

const maxPages = 10_000;
const maxReferrers = 1_000_000;

/** What registries without the API answer; 406 is Artifactory's (https://github.com/google/go-containerregistry/issues/1962). */
const noApi: ReadonlySet<number> = new Set([404, 405, 406, 501]);

/** What is looked for among all that refers to a manifest. */
export interface ReferrerFilter {
  readonly artifactType?: string;
  /** Asked of each of the artifact type, while the list is read; of what is listed twice perhaps twice. Default: all are wanted. */
  readonly isWanted?: (referrer: Descriptor) => boolean;
}

/**
 * What refers to a digest and is wanted, each once: by the referrers API, page by page, or where the registry has none by the tag schema. Of the others nothing is
 * kept, however many there are. A list that cannot be had in full is an error, never a shorter list.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function findReferrers(session: Session, subject: Digest, filter: ReferrerFilter): Promise<readonly Descriptor[]> {
  const { artifactType, isWanted = () => true } = filter;
  const found = new Map<Digest, Descriptor>();
  const keep = (referrer: Descriptor): void => {
    // The registry's filter is a courtesy, which it may not have.
    if (artifactType !== undefined && referrer.artifactType !== artifactType) return;
    if (!found.has(referrer.digest) && isWanted(referrer)) found.set(referrer.digest, referrer);
  };
  if (!(await visitPages(session, subject, artifactType, keep))) await visitTaggedReferrers(session, subject, keep);
  return [...found.values()];
}

/** Whether the registry has the referrers API: it has to answer with an index, be it empty, also for a digest that it does not know. */
export function hasReferrersApi(session: Session, subject: Digest): Promise<boolean> {
  return visitPages(session, subject, undefined, () => undefined, 1);
}

/** Gives what is on page after page to `visit`, of `enough` pages at the most; false where the registry has no such API. */
async function visitPages(
  session: Session,
  subject: Digest,
  artifactType: string | undefined,
  visit: (referrer: Descriptor) => void,
  enough = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const verb = `list what refers to ${session.name}@${subject}`;
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  let count = 0;
  const visitOne = (referrer: Descriptor): void => {
    count += 1;
    visit(referrer);
  };
  const seen = new Set<string>();
  let url: URL | string = `referrers/${subject}${query}`;
  for (let page = 0; page < maxPages; page += 1) {
    const isExpected = (status: number): boolean => status === 200 || (page === 0 && noApi.has(status));
    const headers = { accept: mediaTypes.ociIndex };
    const request = { verb, method: 'GET', url, access: 'pull', headers, maxBodyBytes: maxManifestBytes } as const;
    const response = await session.send(request, isExpected);
    if (response.status !== 200) return false;
    const kind = visitManifests(response.body, visitOne, `that lists the referrers of ${subject}`, response.headers['content-type']);
    if (kind !== 'index') throw session.unusable(verb, 'its answer is not an index');
    const next = nextPage(session, verb, response.headers);
    if (next === undefined || page + 1 === enough) return true;
    if (seen.has(next.href)) throw session.unusable(verb, 'a page of the list says that the list goes on at one that came before it');
    seen.add(next.href);
    if (count > maxReferrers) break;
    url = next;
  }
  throw session.unusable(verb, `the list has no end within ${maxReferrers} entries and ${maxPages} pages`);
}
