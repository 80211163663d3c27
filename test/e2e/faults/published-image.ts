import { createHash } from 'node:crypto';
import { cycloneDxMediaType } from '../../../src/evidence/cyclonedx.ts';
import { type Descriptor, mediaTypes } from '../../../src/model/image.ts';
import { notaryArtifactType } from '../../../src/sign/notary/signature.ts';
import { verifyNotary } from '../../../src/sign/notary/verification.ts';

/** What stands under a tag in a real registry. */
export type Published =
  | { readonly kind: 'untagged' }
  /** `problems`: what is not as it has to be, if anything. `attached`: artifact types of what refers to it. */
  | { readonly kind: 'tagged'; readonly digest: string; readonly problems: readonly string[]; readonly attached: readonly string[] };

/** Asks the registry itself, not the proxy before it. */
export interface RegistryView {
  readonly host: string;
  /** Value of the Authorization header for a repository. */
  authorization(repository: string): string;
  /** DER of the root that signatures have to lead to. */
  readonly root: Uint8Array;
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
}

/** Reads everything that belongs to the tag: each blob and manifest by its digest, signature and bill of materials, once each listed. */
export async function readPublished(view: RegistryView, repository: string, tag: string): Promise<Published> {
  const answer = await get(view, repository, `manifests/${tag}`);
  if (answer.status === 404) return { kind: 'untagged' };
  const bytes = Buffer.from(await answer.arrayBuffer());
  const digest = digestOf(bytes);
  const mediaType = answer.headers.get('content-type') ?? '';
  const problems: string[] = [];
  const check = async (what: string, act: () => Promise<void>): Promise<void> =>
    act().catch((error: unknown) => {
      problems.push(`${what}: ${error instanceof Error ? error.message : error}`);
    });
  const { config, layers } = JSON.parse(bytes.toString()) as Manifest;
  await Promise.all(
    [...new Set([config, ...layers])].map((blob) => check('blob', async () => void (await readBlob(view, repository, blob)))),
  );
  const subject = { mediaType, digest, size: bytes.length } as Descriptor;
  const attached: string[] = [];
  await check('referrers', async () => {
    for (const referrer of await listReferrers(view, repository, digest)) {
      attached.push(referrer.artifactType ?? '');
      await check(referrer.artifactType ?? '', () => verifyAttached(view, repository, referrer, subject));
    }
  });
  for (const type of [notaryArtifactType, cycloneDxMediaType]) {
    if (!attached.includes(type)) problems.push(`nothing of the type ${type} is attached`);
  }
  return { kind: 'tagged', digest, problems, attached: attached.sort() };
}

/** The digest that a tag has, as cheaply as that can be had. */
export async function headTag(view: RegistryView, repository: string, tag: string): Promise<string | undefined> {
  const answer = await get(view, repository, `manifests/${tag}`, 'HEAD');
  return answer.status === 404 ? undefined : (answer.headers.get('docker-content-digest') ?? '');
}

async function listReferrers(view: RegistryView, repository: string, digest: string): Promise<readonly Descriptor[]> {
  const tag = digest.replace(':', '-');
  // CNCF Distribution has no referrers API: the list is at the tag of the referrers tag schema.
  const answer = await get(view, repository, `manifests/${tag}`);
  if (answer.status === 404) return [];
  const { manifests } = (await answer.json()) as { manifests: Descriptor[] };
  const twice = manifests.filter((one, at) => manifests.findIndex((other) => other.digest === one.digest) !== at);
  if (twice.length > 0) throw new Error(`${twice[0]?.digest} is listed twice`);
  return manifests;
}

async function verifyAttached(view: RegistryView, repository: string, referrer: Descriptor, subject: Descriptor): Promise<void> {
  const answer = await get(view, repository, `manifests/${referrer.digest}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (digestOf(bytes) !== referrer.digest) throw new Error(`the manifest is not there: ${answer.status}`);
  const manifest = JSON.parse(bytes.toString()) as Manifest;
  if (manifest.subject?.digest !== subject.digest) throw new Error('its subject is something else');
  const [content] = await Promise.all([...manifest.layers, manifest.config].map((blob) => readBlob(view, repository, blob)));
  // By a clock that waits for nobody the signing time may be a while ahead.
  const now = () => new Date(Date.now() + 3_600_000);
  if (referrer.artifactType !== notaryArtifactType) return;
  const mediaType = manifest.layers[0]?.mediaType ?? '';
  await verifyNotary({ bytes: content ?? Buffer.alloc(0), mediaType }, subject, { now, trusted: [view.root] });
}

async function readBlob(view: RegistryView, repository: string, { digest, size }: Descriptor): Promise<Buffer> {
  const answer = await get(view, repository, `blobs/${digest}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200 || bytes.length !== size || digestOf(bytes) !== digest)
    throw new Error(`${digest} is not there: ${answer.status}`);
  return bytes;
}

function get({ host, authorization }: RegistryView, repository: string, path: string, method = 'GET'): Promise<Response> {
  const accept = [mediaTypes.ociManifest, mediaTypes.ociIndex, mediaTypes.dockerManifest].join(', ');
  const headers = { accept, authorization: authorization(repository) };
  return fetch(`http://${host}/v2/${repository}/${path}`, { method, headers });
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
