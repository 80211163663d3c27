import type { IncomingHttpHeaders } from 'node:http';
import type { RegistryAddress } from './reference.ts';
import { RegistryError } from './registry-error.ts';

/** Redirects that are followed for one request. */
export const maxRedirects = 5;

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where an answer sends a request on to; undefined where it is no redirect. */
export function redirectOf(answer: { readonly status: number; readonly headers: IncomingHttpHeaders }): string | undefined {
  return redirectStatuses.has(answer.status) ? answer.headers.location : undefined;
}

/**
 * Resolves a Location. It is the word of a server: https never turns into http, but for a registry that does not know it is behind a proxy
 * with TLS and gives its own host: that stays at the registry's origin. Throws where it cannot be followed.
 */
export function resolveLocation(registry: RegistryAddress, from: URL, location: string): URL {
  if (location.length > 8192 || !URL.canParse(location, from.href)) throw refused(registry, 'an address that cannot be read');
  const url = new URL(location, from);
  url.hash = '';
  if (url.username !== '' || url.password !== '') throw refused(registry, `${url.host}, with a user in its address`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && registry.origin.protocol === 'http:' && from.protocol === 'http:'))
    return url;
  if (url.protocol === 'http:' && url.hostname === registry.origin.hostname) return new URL(url.pathname + url.search, registry.origin);
  throw refused(registry, `${url.protocol}//${url.host}, which is not https`);
}

function refused(registry: RegistryAddress, to: string): RegistryError {
  return new RegistryError({
    code: 'redirect-refused',
    message: `did not follow ${registry.name} to ${to}`,
    hint: `Check that ${registry.name} is the registry that you mean; one behind a proxy has to be told its own https address.`,
  });
}

export function tooManyRedirects(registry: RegistryAddress): RegistryError {
  return refused(registry, `more than ${maxRedirects} other addresses in a row`);
}
