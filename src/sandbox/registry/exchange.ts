import type { IncomingHttpHeaders } from 'node:http';
import type { Identity } from './access.ts';
import type { ContentStore } from './content-store.ts';
import { RegistryError } from './registry-error.ts';
import type { UploadTable } from './upload-table.ts';

/** One request on its way through the registry. */
export interface Exchange {
  readonly request: RegistryRequest;
  readonly query: URLSearchParams;
  readonly identity: Identity;
  readonly store: ContentStore;
  readonly uploads: UploadTable;
  readonly limits: RegistryLimits;
}

export interface RegistryRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it arrives; to be read once. */
  readonly body: AsyncIterable<Buffer>;
}

export interface RegistryLimits {
  /** Most entries in one answer of tags, referrers and catalog. */
  readonly pageSize: number;
  /** `OCI-Chunk-Min-Length`: smallest chunk but the last; 0 says nothing of it. */
  readonly chunkMinBytes: number;
  readonly manifestMaxBytes: number;
  /** false: answers 404 to the referrers API, so that clients keep the referrers tag. */
  readonly referrersApi: boolean;
  /** false: accepts manifests that name blobs or manifests which the repository does not have ("sparse"). */
  readonly requireContent: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | FileSlice;
}

/** Bytes `start` to `end` (exclusive) of a file. */
export interface FileSlice {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export function toJsonAnswer(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(`${JSON.stringify(value)}\n`) };
}

/** The whole body of a request; throws the 413 of one that is longer than `maxBytes`. */
export async function readBody(request: RegistryRequest, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new RegistryError(413, 'SIZE_INVALID', `more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** One page of a listing, and the `Link` header (RFC 8288) to the next where there is one. */
export function toPage<T>(
  items: readonly T[],
  key: (item: T) => string,
  place: { readonly path: string; readonly query: URLSearchParams; readonly pageSize: number },
): { readonly items: readonly T[]; readonly headers: Record<string, string> } {
  const { path, query, pageSize } = place;
  const asked = query.get('n');
  if (asked !== null && !/^\d{1,9}$/.test(asked)) {
    throw new RegistryError(400, 'UNSUPPORTED', 'n is not a number');
  }
  const length = Math.min(asked === null ? pageSize : Number(asked), pageSize);
  const last = query.get('last');
  const start = last === null ? 0 : items.findIndex((item) => key(item) > last);
  const rest = start === -1 ? [] : items.slice(start);
  const page = rest.slice(0, length);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) {
    return { items: page, headers: {} };
  }
  const next = new URLSearchParams(query);
  next.set('n', String(length));
  next.set('last', key(end));
  return { items: page, headers: { link: `<${path}?${next}>; rel="next"` } };
}
