import { type ContentDigest, parseContentDigest, toContentDigest } from './content-digest.ts';
import type { StoredManifest } from './content-store.ts';
import { type Answer, type Exchange, readBody } from './exchange.ts';
import { parseManifest, verifyContentIsHeld } from './manifest-content.ts';
import { RegistryError } from './registry-error.ts';
import { verifyTag } from './route.ts';

/** Most tags that one push by digest may name (distribution-spec asks for 10 at least). */
const tagParameterLimit = 32;

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints: end-3, end-7 and end-9. */
export async function answerManifest(exchange: Exchange, repository: string, reference: string): Promise<Answer> {
  switch (exchange.request.method) {
    case 'GET':
    case 'HEAD':
      return toManifestAnswer(findManifest(exchange, repository, reference));
    case 'PUT':
      return await putManifest(exchange, repository, reference);
    case 'DELETE':
      return deleteManifest(exchange, repository, reference);
    default:
      throw new RegistryError(405, 'UNSUPPORTED', 'method not allowed on a manifest', { allow: 'GET, HEAD, PUT, DELETE' });
  }
}

function findManifest({ store }: Exchange, repository: string, reference: string): StoredManifest {
  const byDigest = reference.includes(':');
  if (!byDigest) {
    verifyTag(reference);
  }
  const manifest = byDigest ? store.manifest(repository, parseContentDigest(reference).text) : store.tagged(repository, reference);
  if (manifest === undefined) {
    throw new RegistryError(404, store.has(repository) ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN', 'manifest unknown');
  }
  return manifest;
}

async function putManifest(exchange: Exchange, repository: string, reference: string): Promise<Answer> {
  const { request, query, store, limits } = exchange;
  const asked = reference.includes(':') ? parseContentDigest(reference) : undefined;
  const tags = asked === undefined ? [reference] : query.getAll('tag');
  if (tags.length > tagParameterLimit) {
    throw new RegistryError(414, 'UNSUPPORTED', `more than ${tagParameterLimit} tags`);
  }
  tags.forEach(verifyTag);
  const bytes = await readBody(request, limits.manifestMaxBytes);
  const digest = toContentDigest(asked?.algorithm ?? 'sha256', bytes);
  if (asked !== undefined && asked.hex !== digest.hex) {
    throw new RegistryError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  }
  const manifest = parseManifest(bytes, request.headers['content-type'], digest);
  if (limits.requireContent) {
    verifyContentIsHeld(manifest, repository, store);
  }
  verifyCondition(exchange, repository, reference);
  store.putManifest(repository, manifest.stored, tags);
  const { subject } = manifest.stored;
  return {
    status: 201,
    headers: {
      location: `/v2/${repository}/manifests/${digest.text}`,
      'docker-content-digest': digest.text,
      'content-length': '0',
      ...(subject !== undefined && limits.referrersApi ? { 'oci-subject': subject } : {}),
      ...(asked !== undefined && tags.length > 0 ? { 'oci-tag': tags } : {}),
    },
  };
}

/** RFC 9110, section 13: a write that is bound to what the writer last saw. */
function verifyCondition({ request, store }: Exchange, repository: string, reference: string): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  const current = reference.includes(':') ? store.manifest(repository, reference) : store.tagged(repository, reference);
  if (match !== undefined && !isNamed(match, current)) {
    throw new RegistryError(412, 'DENIED', 'the manifest has changed');
  }
  if (noneMatch !== undefined && isNamed(noneMatch, current)) {
    throw new RegistryError(412, 'DENIED', 'the manifest exists');
  }
}

function isNamed(condition: string, manifest: StoredManifest | undefined): boolean {
  const names = condition.split(',').map((name) => name.trim());
  return manifest !== undefined && (names.includes('*') || names.includes(`"${manifest.digest.text}"`));
}

function deleteManifest({ store }: Exchange, repository: string, reference: string): Answer {
  const digest: ContentDigest | undefined = reference.includes(':') ? parseContentDigest(reference) : undefined;
  const deleted = digest === undefined ? store.deleteTag(repository, reference) : store.deleteManifest(repository, digest.text);
  if (!deleted) {
    throw new RegistryError(404, store.has(repository) ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN', 'manifest unknown');
  }
  return { status: 202, headers: { 'content-length': '0' } };
}

function toManifestAnswer({ bytes, mediaType, digest }: StoredManifest): Answer {
  return {
    status: 200,
    headers: {
      'content-type': mediaType,
      'content-length': String(bytes.length),
      'docker-content-digest': digest.text,
      etag: `"${digest.text}"`,
    },
    body: bytes,
  };
}
