import type { IncomingHttpHeaders } from 'node:http';

/** One exchange of a run, as the proxy sees it before anything is done. */
export interface ProxyExchange {
  /** Of the repository, which is the run's own: `/v2/NAME/…`. */
  readonly repository: string;
  /** Method and endpoint, e.g. `PATCH upload`. */
  readonly kind: string;
  /** How many of its kind, and how many of the run, came before it. */
  readonly occurrence: number;
  readonly index: number;
  readonly headers: IncomingHttpHeaders;
}

const endpoints: readonly (readonly [RegExp, string])[] = [
  [/^\/v2\/(.+)\/blobs\/uploads\/$/, 'uploads'],
  [/^\/v2\/(.+)\/blobs\/uploads\/.+$/, 'upload'],
  [/^\/v2\/(.+)\/blobs\/sha256:.+$/, 'blob'],
  [/^\/v2\/(.+)\/manifests\/sha256:.+$/, 'manifest'],
  [/^\/v2\/(.+)\/manifests\/.+$/, 'tag'],
  [/^\/v2\/(.+)\/referrers\/.+$/, 'referrers'],
];

/** Repository and kind of a request to the registry or its token service; undefined for what concerns no repository. */
export function toKind(method: string, target: string): { readonly repository: string; readonly kind: string } | undefined {
  const { pathname, searchParams } = new URL(target, 'http://registry');
  if (pathname === '/token') {
    const repository = searchParams.get('scope')?.split(':')[1];
    return repository === undefined ? undefined : { repository, kind: `${method} token` };
  }
  for (const [pattern, name] of endpoints) {
    const repository = pattern.exec(pathname)?.[1];
    if (repository !== undefined) return { repository, kind: `${method} ${name}` };
  }
  return undefined;
}
