import { RegistryError } from './registry-error.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints, Docker's catalog and ACR's token endpoints. */
export type Route =
  | { readonly kind: 'base' | 'catalog' | 'token' | 'exchange' }
  | { readonly kind: 'tags' | 'upload-start'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob' | 'referrers'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly session: string };

/** Longest repository name that every client takes (distribution-spec, "Pulling manifests", implementers note). */
const nameLimit = 255;
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const fixedRoutes: Readonly<Record<string, Route>> = {
  '/v2': { kind: 'base' },
  '/v2/': { kind: 'base' },
  '/v2/_catalog': { kind: 'catalog' },
  '/token': { kind: 'token' },
  '/oauth2/token': { kind: 'token' },
  '/oauth2/exchange': { kind: 'exchange' },
};

/** The endpoint that the path of a URL names; throws the registry's 404 or 400. */
export function parseRoute(pathname: string): Route {
  const path = decodePath(pathname);
  const fixed = Object.hasOwn(fixedRoutes, path) ? fixedRoutes[path] : undefined;
  if (fixed !== undefined) {
    return fixed;
  }
  const match = /^\/v2\/(.+)\/(?:(tags)\/list|(blobs)\/uploads\/([^/]*)|(manifests|blobs|referrers)\/([^/]+))$/.exec(path);
  if (match === null) {
    throw new RegistryError(404, 'UNSUPPORTED', 'no such endpoint');
  }
  const [, repository = '', tags, uploads, session = '', kind, operand = ''] = match;
  if (repository.length > nameLimit || !namePattern.test(repository)) {
    throw new RegistryError(400, 'NAME_INVALID', 'invalid repository name');
  }
  if (tags !== undefined) {
    return { kind: 'tags', repository };
  }
  if (uploads !== undefined) {
    return session === '' ? { kind: 'upload-start', repository } : { kind: 'upload', repository, session };
  }
  if (kind === 'manifests') {
    return { kind: 'manifest', repository, reference: operand };
  }
  return { kind: kind === 'blobs' ? 'blob' : 'referrers', repository, digest: operand };
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw new RegistryError(400, 'NAME_INVALID', 'the path is not well encoded');
  }
}

/** Throws the 400 of a tag that no registry takes. */
export function verifyTag(tag: string): void {
  if (!tagPattern.test(tag)) {
    throw new RegistryError(400, 'MANIFEST_INVALID', 'invalid tag');
  }
}

export function isRepositoryName(text: string): boolean {
  return text.length <= nameLimit && namePattern.test(text);
}
