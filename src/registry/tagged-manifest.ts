import type { HttpResponse } from '../lib/http.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../lib/strict-json.ts';
import type { Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { digestOf } from './artifact.ts';
import { listHint, type Manifest, maxManifestBytes, readManifest, visitManifests } from './manifest.ts';
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
  /** Whose digest the tag is made of. GitLab takes such a tag for the digest, and gives the image itself (https://github.com/oras-project/oras-go/issues/1396). */
  readonly subject?: Digest;
  readonly kind: Manifest['kind'];
  /** For errors: where it was read, and what is said where it is of another kind. */
  readonly place: string;
  readonly otherKind: string;
}

/** The manifest at a tag; undefined where there is none. */
export async function fetchAtTag(session: Session, read: TagRead): Promise<TaggedManifest | undefined> {
  const { verb, kind, place, otherKind } = read;
  const answer = await fetchBytes(session, read);
  if (answer === undefined) return undefined;
  const { headers, body } = answer;
  const manifest = readManifest(body, place, headers['content-type'], listHint);
  const object = parseStrictJson(body);
  if (manifest.kind !== kind || !isJsonObject(object)) throw session.unusable(verb, otherKind);
  return { digest: digestOf(body), sizeBytes: body.length, manifest, object, etag: headers.etag };
}

/** Gives the entries of the index at a tag to `visit`, one by one, and keeps none. Nothing where there is no such tag. */
export async function visitAtTag(session: Session, read: TagRead, visit: (entry: Descriptor) => void): Promise<void> {
  const answer = await fetchBytes(session, read);
  if (answer === undefined) return;
  if (visitManifests(answer.body, visit, read.place, answer.headers['content-type']) !== read.kind)
    throw session.unusable(read.verb, read.otherKind);
}

async function fetchBytes(session: Session, { verb, tag, accept, subject }: TagRead): Promise<HttpResponse | undefined> {
  const url = `manifests/${tag}`;
  const request = { verb, method: 'GET', url, access: 'pull', headers: { accept }, maxBodyBytes: maxManifestBytes } as const;
  const answer = await session.send(request, (code) => code === 200 || code === 404);
  return answer.status === 404 || (subject !== undefined && digestOf(answer.body) === subject) ? undefined : answer;
}
