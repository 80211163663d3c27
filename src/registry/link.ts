import type { IncomingHttpHeaders } from 'node:http';
import type { Session } from './session.ts';

/** One link of the header, its target and its parameters (https://www.rfc-editor.org/rfc/rfc8288#section-3). */
const linkForm = /[\s,]*<([^<>]*)>((?:\s*;\s*[^\s=;,"<>]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,<>]*))?)*)\s*(?:,|$)/y;
const parameterForm = /;\s*([^\s=;]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*)))?/g;

/** Where a list goes on: only `rel="next"`, and only at the registry itself. Throws where that cannot be told, for the list would seem to end there. */
export function nextPage(session: Session, verb: string, headers: IncomingHttpHeaders): URL | undefined {
  const header = headers.link ?? '';
  const text = (Array.isArray(header) ? header.join(', ') : header).trimEnd();
  for (let at = 0; at < text.length; at = linkForm.lastIndex) {
    linkForm.lastIndex = at;
    const [, target = '', parameters = ''] = linkForm.exec(text) ?? [];
    if (linkForm.lastIndex === 0)
      throw session.unusable(verb, 'its Link header, which says where the list goes on, is not of the form of RFC 8288');
    if (!isNext(parameters)) continue;
    const url = session.locate(session.registry.origin, target);
    if (url.origin === session.registry.origin.origin) return url;
    throw session.unusable(verb, `the next page of the list is at another host, ${url.host}`);
  }
  return undefined;
}

/** `rel` may name several relations; of several `rel` the first counts. */
function isNext(parameters: string): boolean {
  const relation = [...parameters.matchAll(parameterForm)].find(([, name]) => name?.toLowerCase() === 'rel');
  const names = relation?.[2] ?? relation?.[3] ?? '';
  return names.toLowerCase().split(/\s+/).includes('next');
}
