import { isJsonObject, type JsonValue, parseStrictJson, StrictJsonError } from '../lib/strict-json.ts';
import { nextPage } from './link.ts';
import { isTag } from './reference.ts';
import type { Session } from './session.ts';

const maxPages = 10;
const pageTags = 1_000;
const maxPageBytes = 1024 * 1024;

/**
 * Tags of the repository in the registry's order, none where there is no such repository. Not all of them where they are many: at most 10
 * pages are asked for. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function listTags(session: Session): Promise<readonly string[]> {
  const verb = `list the tags of ${session.name}`;
  const tags: string[] = [];
  let url: URL | string | undefined = `tags/list?n=${pageTags}`;
  for (let page = 0; page < maxPages && url !== undefined; page += 1) {
    const request = { verb, method: 'GET', url, access: 'pull', maxBodyBytes: maxPageBytes } as const;
    const { status, headers, body } = await session.send(request, (code) => code === 200 || code === 404);
    if (status === 404) break;
    tags.push(...readTags(session, verb, body));
    url = nextPage(session, verb, headers);
  }
  return tags;
}

function readTags(session: Session, verb: string, body: Buffer): readonly string[] {
  const answer = readJson(body);
  const tags = isJsonObject(answer) ? answer.tags : undefined;
  // Go's empty list.
  if (tags === null) return [];
  if (Array.isArray(tags)) return tags.filter((tag) => typeof tag === 'string' && isTag(tag)) as string[];
  throw session.unusable(verb, 'its answer is not a list of tags');
}

function readJson(body: Buffer): JsonValue | undefined {
  try {
    return parseStrictJson(body, { maxBytes: maxPageBytes });
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}
