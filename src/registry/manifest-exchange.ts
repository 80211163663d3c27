import type { HttpResponse } from '../lib/http.ts';
import { type Digest, isDigest } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import { digestOf } from './artifact.ts';
import { otherBytes } from './blob.ts';
import { acceptedManifests, type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import { isTag } from './reference.ts';
import { RegistryError } from './registry-error.ts';
import type { Session, SessionRequest } from './session.ts';

/** A manifest whose bytes are those of its digest. */
export interface FetchedManifest {
  readonly manifest: Manifest;
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

const accept = acceptedManifests.join(', ');

/** Reads a manifest by tag or digest; its digest is that of its bytes, whatever the registry says. */
export async function fetchManifest(
  session: Session,
  tagOrDigest: string,
  onCancel: SessionRequest['onCancel'] = 'cut',
): Promise<FetchedManifest> {
  const name = toName(session, tagOrDigest);
  const verb = `read the manifest of ${name}`;
  const url = `manifests/${tagOrDigest}`;
  const request = { verb, method: 'GET', url, access: 'pull', headers: { accept }, maxBodyBytes: maxManifestBytes, onCancel } as const;
  const { body: bytes, headers } = await session.send(request, (status) => status === 200);
  const digest = digestOf(bytes);
  if (isDigest(tagOrDigest) && digest !== tagOrDigest) throw otherBytes(verb, session);
  const manifest = readManifest(bytes, name, headers['content-type']);
  return { manifest, bytes, descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length } };
}

/** Digest that a tag has now, or a digest itself; undefined where it is not there. */
export async function headManifest(session: Session, tagOrDigest: string): Promise<Digest | undefined> {
  const name = toName(session, tagOrDigest);
  const verb = `look up ${name}`;
  const request = { verb, method: 'HEAD', url: `manifests/${tagOrDigest}`, access: 'pull', headers: { accept } } as const;
  const { status, headers } = await session.send(request, (code) => code === 200 || code === 404);
  if (status === 404) return undefined;
  if (isDigest(tagOrDigest)) return tagOrDigest;
  const stated = headers['docker-content-digest'];
  // The header is optional; without it only the bytes tell.
  return isDigest(stated) ? stated : (await fetchManifest(session, tagOrDigest)).descriptor.digest;
}

/** Puts bytes at a tag or at their own digest and gives the registry's answer; repeating it changes nothing. */
export async function putManifest(
  session: Session,
  tagOrDigest: string,
  mediaType: string,
  bytes: Uint8Array,
  onCancel: SessionRequest['onCancel'] = 'cut',
): Promise<HttpResponse> {
  const name = toName(session, tagOrDigest);
  if (bytes.length > maxManifestBytes) throw session.unusable(`push the manifest ${name}`, `it is larger than ${maxManifestBytes} bytes`);
  const verb = `push the manifest ${name}`;
  const headers = { 'content-type': mediaType };
  const request = { verb, method: 'PUT', url: `manifests/${tagOrDigest}`, access: 'push', headers, body: bytes, onCancel } as const;
  const answer = await session.send(request, (status) => status >= 200 && status < 300);
  session.verifyDigest(verb, answer, digestOf(bytes));
  const found = await fetchManifest(session, tagOrDigest, onCancel);
  if (found.descriptor.digest !== digestOf(bytes)) throw moved(name, found.descriptor.digest);
  return answer;
}

/** Moves a tag to bytes that are there by digest, where it still is what the caller has seen. Finished also where the run is cancelled meanwhile. */
export async function putTag(
  session: Session,
  tag: string,
  mediaType: string,
  bytes: Uint8Array,
  expected: Digest | 'absent' | undefined,
): Promise<void> {
  if (expected !== undefined) {
    const current = await headManifest(session, tag);
    const isOurs = current === digestOf(bytes);
    if (!isOurs && current !== (expected === 'absent' ? undefined : expected)) throw moved(toName(session, tag), current);
  }
  await putManifest(session, tag, mediaType, bytes, 'send');
}

/** What goes into a path is a tag or a digest and nothing else. */
function toName(session: Session, tagOrDigest: string): string {
  if (isDigest(tagOrDigest)) return `${session.name}@${tagOrDigest}`;
  if (isTag(tagOrDigest)) return `${session.name}:${tagOrDigest}`;
  throw new RegistryError({
    code: 'reference-invalid',
    message: `cannot look up ${JSON.stringify(tagOrDigest.slice(0, 150))} in ${session.name}: it is neither a tag nor a sha256 digest`,
    hint: 'A tag is 1 to 128 letters, digits, "_", "." and "-"; a digest is sha256: and 64 hexadecimal digits.',
  });
}

function moved(name: string, to: Digest | undefined): RegistryError {
  return new RegistryError({
    code: 'tag-moved',
    message: `did not move ${name}: someone else has ${to === undefined ? 'deleted it' : `moved it to ${to}`} during this run`,
    hint: 'Let only one job at a time publish this tag, then run the step again.',
  });
}
