import { type ContentDigest, parseContentDigest } from './content-digest.ts';
import type { Answer, Exchange, RegistryRequest } from './exchange.ts';
import { RegistryError } from './registry-error.ts';
import { isRepositoryName } from './route.ts';
import type { UploadSession } from './upload-session.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs: end-4a, 4b, 4c and 11. */
export async function answerUploadStart(exchange: Exchange, repository: string): Promise<Answer> {
  const { query, uploads, request } = exchange;
  if (request.method !== 'POST') {
    throw new RegistryError(405, 'UNSUPPORTED', 'an upload is begun with POST', { allow: 'POST' });
  }
  const algorithm = query.get('digest-algorithm');
  if (algorithm !== null && algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new RegistryError(400, 'DIGEST_INVALID', 'unsupported digest algorithm');
  }
  const mounted = mountBlob(exchange, repository);
  if (mounted !== undefined) {
    return toCreatedBlob(repository, mounted);
  }
  const wanted = query.get('digest');
  const digest = wanted === null ? undefined : parseContentDigest(wanted);
  const session = await uploads.begin(repository);
  if (digest === undefined) {
    const minimum = exchange.limits.chunkMinBytes;
    return toUploadAnswer(202, session, minimum > 0 ? { 'oci-chunk-min-length': String(minimum) } : {});
  }
  try {
    await session.append(request.body);
  } catch (error) {
    await uploads.cancel(session);
    throw error;
  }
  await uploads.finish(session, digest, exchange.store);
  return toCreatedBlob(repository, digest);
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks: end-5, 6, 13 and 14. */
export async function answerUpload(exchange: Exchange, repository: string, id: string): Promise<Answer> {
  const { request, query, uploads } = exchange;
  const session = uploads.find(repository, id, query);
  switch (request.method) {
    case 'GET':
      return toUploadAnswer(204, session);
    case 'DELETE':
      await uploads.cancel(session);
      return { status: 204, headers: {} };
    case 'PATCH':
      verifyContentRange(request, session);
      await session.append(request.body);
      return toUploadAnswer(202, session);
    case 'PUT': {
      const digest = parseContentDigest(query.get('digest') ?? '');
      verifyContentRange(request, session);
      await session.append(request.body);
      await uploads.finish(session, digest, exchange.store);
      return toCreatedBlob(repository, digest);
    }
    default:
      throw new RegistryError(405, 'UNSUPPORTED', 'method not allowed on an upload', { allow: 'GET, PATCH, PUT, DELETE' });
  }
}

/** The blob that was asked for, where it can be had from a repository that the caller may pull. */
function mountBlob({ query, store, identity }: Exchange, repository: string): ContentDigest | undefined {
  const wanted = query.get('mount');
  if (wanted === null) {
    return undefined;
  }
  const digest = parseContentDigest(wanted);
  const from = query.get('from');
  const candidates = from === null ? store.repositories() : isRepositoryName(from) ? [from] : [];
  if (!candidates.some((name) => identity.may(name, 'pull') && store.hasBlob(name, digest))) {
    return undefined;
  }
  store.linkBlob(repository, digest);
  return digest;
}

/** A chunk begins where the last one ended, and is as long as it says. */
function verifyContentRange(request: RegistryRequest, session: UploadSession): void {
  const range = request.headers['content-range'];
  if (range === undefined) {
    return;
  }
  const match = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(range);
  const start = Number(match?.[1] ?? Number.NaN);
  const end = Number(match?.[2] ?? Number.NaN);
  if (start !== session.sizeBytes || end < start) {
    const { location, range: held } = uploadHeaders(session);
    throw new RegistryError(416, 'BLOB_UPLOAD_INVALID', 'chunk is not the next one', { location, range: held });
  }
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) !== end - start + 1) {
    throw new RegistryError(400, 'SIZE_INVALID', 'Content-Length is not that of Content-Range');
  }
}

function uploadHeaders(session: UploadSession): { readonly location: string; readonly range: string } {
  return {
    location: `/v2/${session.repository}/blobs/uploads/${session.id}?_state=${session.state}`,
    range: `0-${Math.max(0, session.sizeBytes - 1)}`,
  };
}

function toUploadAnswer(status: number, session: UploadSession, headers: Record<string, string> = {}): Answer {
  return { status, headers: { ...uploadHeaders(session), 'docker-upload-uuid': session.id, 'content-length': '0', ...headers } };
}

function toCreatedBlob(repository: string, digest: ContentDigest): Answer {
  return {
    status: 201,
    headers: {
      location: `/v2/${repository}/blobs/${digest.text}`,
      'docker-content-digest': digest.text,
      'content-length': '0',
    },
  };
}
