import { parseContentDigest } from './content-digest.ts';
import type { Answer, Exchange } from './exchange.ts';
import { RegistryError } from './registry-error.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints: end-2 and end-10. */
export async function answerBlob(exchange: Exchange, repository: string, text: string): Promise<Answer> {
  const { request, store } = exchange;
  const digest = parseContentDigest(text);
  if (request.method === 'DELETE') {
    if (!(await store.deleteBlob(repository, digest))) {
      throw new RegistryError(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    }
    return { status: 202, headers: { 'content-length': '0' } };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new RegistryError(405, 'UNSUPPORTED', 'method not allowed on a blob', { allow: 'GET, HEAD, DELETE' });
  }
  const blob = await store.blob(repository, digest);
  if (blob === undefined) {
    throw new RegistryError(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  }
  const { file, sizeBytes } = blob;
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest.text,
    'accept-ranges': 'bytes',
    etag: `"${digest.text}"`,
  };
  const range = request.method === 'GET' ? toByteRange(request.headers.range, sizeBytes) : undefined;
  if (range === undefined) {
    return { status: 200, headers: { ...headers, 'content-length': String(sizeBytes) }, body: { file, start: 0, end: sizeBytes } };
  }
  const { start, end } = range;
  return {
    status: 206,
    headers: { ...headers, 'content-length': String(end - start), 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}` },
    body: { file, start, end },
  };
}

/** RFC 9110, section 14: one range is served; a list of them, or another unit, is answered with the whole. */
function toByteRange(header: string | undefined, sizeBytes: number): { readonly start: number; readonly end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) {
    return undefined;
  }
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (start >= end) {
    throw new RegistryError(416, 'SIZE_INVALID', 'range not satisfiable', { 'content-range': `bytes */${sizeBytes}` });
  }
  return { start, end };
}
