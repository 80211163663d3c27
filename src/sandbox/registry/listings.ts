import { mediaTypes } from '../../model/image.ts';
import { parseContentDigest } from './content-digest.ts';
import type { StoredManifest } from './content-store.ts';
import { type Answer, type Exchange, toJsonAnswer, toPage } from './exchange.ts';
import { RegistryError } from './registry-error.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
export function answerTags({ request, store, query, limits }: Exchange, repository: string): Answer {
  verifyRead(request.method);
  if (!store.has(repository)) {
    throw new RegistryError(404, 'NAME_UNKNOWN', 'repository name not known to registry');
  }
  const names = store.tags(repository).map(([tag]) => tag);
  const page = toPage(names, (tag) => tag, { path: `/v2/${repository}/tags/list`, query, pageSize: limits.pageSize });
  return toJsonAnswer(200, { name: repository, tags: page.items }, page.headers);
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function answerReferrers({ request, store, query, limits }: Exchange, repository: string, text: string): Answer {
  verifyRead(request.method);
  if (!limits.referrersApi) {
    throw new RegistryError(404, 'UNSUPPORTED', 'the referrers API is off');
  }
  const subject = parseContentDigest(text);
  const wanted = query.get('artifactType');
  const referrers = store
    .manifests(repository)
    .filter((manifest) => manifest.subject === subject.text && (wanted === null || manifest.artifactType === wanted))
    .sort((a, b) => (a.digest.text < b.digest.text ? -1 : 1));
  const place = { path: `/v2/${repository}/referrers/${subject.text}`, query, pageSize: limits.pageSize };
  const page = toPage(referrers, (manifest) => manifest.digest.text, place);
  return toJsonAnswer(
    200,
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: page.items.map(toReferrer) },
    { ...page.headers, 'content-type': mediaTypes.ociIndex, ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }) },
  );
}

/** https://distribution.github.io/distribution/spec/api/#listing-repositories; only what the caller may pull. */
export function answerCatalog({ request, store, query, limits, identity }: Exchange): Answer {
  verifyRead(request.method);
  const names = store.repositories().filter((name) => identity.may(name, 'pull'));
  const page = toPage(names, (name) => name, { path: '/v2/_catalog', query, pageSize: limits.pageSize });
  return toJsonAnswer(200, { repositories: page.items }, page.headers);
}

function toReferrer({ mediaType, digest, bytes, artifactType, annotations }: StoredManifest): object {
  return {
    mediaType,
    digest: digest.text,
    size: bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function verifyRead(method: string | undefined): void {
  if (method !== 'GET' && method !== 'HEAD') {
    throw new RegistryError(405, 'UNSUPPORTED', 'method not allowed on a listing', { allow: 'GET, HEAD' });
  }
}
