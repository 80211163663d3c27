import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import { digestOf } from './artifact.ts';
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import type { Session } from './session.ts';

/** What is at a tag to which several writers add. */
export interface TaggedManifest {
  /** Of its bytes. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly manifest: Manifest;
  /** Its members as they stand, so that what is not ours is written back unchanged. */
  readonly object: JsonObject;
  readonly etag: string | undefined;
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
  return { digest: digestOf(body), sizeBytes: body.length, manifest, object, etag: headers.etag };
}
