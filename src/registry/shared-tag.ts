import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { digestOf } from './artifact.ts';
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';

const tries = 20;

/** What is at a tag to which several writers add. */
export interface TaggedManifest {
  /** Of its bytes. */
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** Its members as they stand, so that what is not ours is written back unchanged. */
  readonly object: JsonObject;
  readonly etag: string | undefined;
}

/** What is added to a tag at which others may add at the same time. */
export interface Addition {
  readonly fetch: () => Promise<TaggedManifest | undefined>;
  /** Whether all that is to be added is there. */
  readonly isComplete: (found: TaggedManifest | undefined) => boolean;
  /** Puts what was found with what is missing. False where a registry that can tell says that it has changed since it was read. */
  readonly put: (found: TaggedManifest | undefined) => Promise<boolean>;
  /** The error where others keep writing over it. */
  readonly lost: () => Error;
}

/**
 * Adds to what is at a tag, and only once. Most registries have no conditional write: the content is read again after a write, at once and when others that read
 * before have had time to write, until it has stood still meanwhile; what is missing is put back.
 */
export async function mergeAtTag(session: Session, { fetch, isComplete, put, lost }: Addition): Promise<void> {
  let last: Digest | undefined;
  let seen = 0;
  let windowMs = 0;
  for (let count = 1; count <= tries; count += 1) {
    const startMs = session.now();
    const found = await fetch();
    if (isComplete(found)) {
      // Where others still write, one of them may have read before this entry was there.
      seen = seen > 0 && found?.digest === last ? seen + 1 : 1;
      last = found?.digest;
      // Only who has written has to fear that an earlier reader writes over it.
      if (windowMs === 0 || seen === 3) return;
      await session.settle(windowMs);
      continue;
    }
    seen = 0;
    const isWritten = await put(found);
    windowMs = Math.max(windowMs, session.now() - startMs, 1);
    if (!isWritten) await session.settle(windowMs);
  }
  // Others have not left off, and it has stayed.
  if (seen === 0) throw lost();
}

export interface TagRead {
  readonly verb: string;
  readonly tag: string;
  readonly accept: string;
  readonly kind: Manifest['kind'];
  /** For errors: where it was read, and what is said where it is of another kind. */
  readonly place: string;
  readonly otherKind: string;
}

/** The manifest at a tag; undefined where there is none. */
export async function fetchAtTag(session: Session, read: TagRead): Promise<TaggedManifest | undefined> {
  const { verb, tag, accept, kind, place, otherKind } = read;
  const url = `manifests/${tag}`;
  const request = { verb, method: 'GET', url, access: 'pull', headers: { accept }, maxBodyBytes: maxManifestBytes } as const;
  const { status, headers, body } = await session.send(request, (code) => code === 200 || code === 404);
  if (status === 404) return undefined;
  const manifest = readManifest(body, place, headers['content-type']);
  const object = parseStrictJson(body);
  if (manifest.kind !== kind || !isJsonObject(object)) throw session.unusable(verb, otherKind);
  return { digest: digestOf(body), manifest, object, etag: headers.etag };
}

export interface TagWrite {
  readonly verb: string;
  readonly tag: string;
  readonly mediaType: string;
  readonly next: object;
  readonly etag: string | undefined;
  /** For errors: what would be too large. */
  readonly what: string;
}

/** False where a registry that can tell says that what is there has changed since it was read. */
export async function putAtTag(session: Session, { verb, tag, mediaType, next, etag, what }: TagWrite): Promise<boolean> {
  const body = Buffer.from(JSON.stringify(next));
  if (body.length > maxManifestBytes) throw session.unusable(verb, `${what} would be larger than ${maxManifestBytes} bytes`);
  const headers = { 'content-type': mediaType, ...(etag === undefined ? {} : { 'if-match': etag }) };
  const request = { verb, method: 'PUT', url: `manifests/${tag}`, access: 'push', headers, body } as const;
  const { status } = await session.send(request, (code) => code === 412 || (code >= 200 && code < 300));
  return status !== 412;
}

/** The error of who could not `verb` because of others. */
export function writtenOver(session: Session, verb: string, tag: string): RegistryError {
  return new RegistryError({
    code: 'referrers-unavailable',
    message: `cannot ${verb}: others kept writing over it at the tag ${session.name}:${tag}`,
    hint: 'Run the step again when fewer writers attach to this image at once, or use a registry with the referrers API.',
  });
}
