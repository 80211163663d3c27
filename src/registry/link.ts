import type { IncomingHttpHeaders } from 'node:http';
import type { Session } from './session.ts';

/** Where a list goes on (https://www.rfc-editor.org/rfc/rfc8288): only `rel="next"`, and only at the registry itself. */
export function nextPage(session: Session, verb: string, headers: IncomingHttpHeaders): URL | undefined {
  const link = headers.link;
  const text = Array.isArray(link) ? link.join(', ') : link;
  if (text === undefined) return undefined;
  const target = /<([^<>]{1,4096})>\s*;[^<]*\brel="?next"?/i.exec(text)?.[1];
  if (target === undefined) return undefined;
  const url = session.locate(session.registry.origin, target);
  if (url.origin === session.registry.origin.origin) return url;
  throw session.unusable(verb, `the next page of the list is at another host, ${url.host}`);
}
