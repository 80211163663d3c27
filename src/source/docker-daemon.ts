import type { HttpStream } from '../lib/http.ts';
import { HttpError } from '../lib/http-error.ts';
import { type Digest, isDigest } from '../model/digest.ts';
import type { DockerHost } from './docker-host.ts';
import { Document, type Fields } from './document.ts';
import type { InspectedImage } from './found-image.ts';
import { toPlatform } from './image-config.ts';
import { quote, type SourceFailure } from './source-error.ts';

const answerMaxBytes = 32 * 1024 * 1024;
/** A daemon writes out all layers before it sends the first byte of an archive. */
const archiveIdleTimeoutMs = 30 * 60_000;

/** The read-only part of a Docker daemon that images are taken from. */
export class DockerDaemon {
  readonly #host: DockerHost;
  readonly #stream: HttpStream;
  readonly #fail: SourceFailure;

  constructor(host: DockerHost, stream: HttpStream, fail: SourceFailure) {
    this.#host = host;
    this.#stream = stream;
    this.#fail = fail;
  }

  /** Finds an image by name or id; throws `source-not-found` with the names that come near. */
  async inspect(image: string): Promise<InspectedImage> {
    const { status, body } = await this.#get(`/images/${image}/json`);
    if (status === 404) {
      throw this.#fail('source-not-found', `the Docker daemon has no image ${quote(image)}`, await this.#findSimilar(image));
    }
    const document = new Document('answer of the Docker daemon', this.#fail);
    if (status !== 200) {
      throw this.#refused(status, body);
    }
    const fields = document.fields(document.parse(body), 'it', []);
    if (!isDigest(fields.Id)) {
      throw document.invalid('Id is no sha256 digest');
    }
    const rootfs = document.optionalFields(fields.RootFS, 'RootFS', []);
    const keepsManifest = typeof fields.Descriptor === 'object' && fields.Descriptor !== null;
    const sizeBytes = typeof fields.Size === 'number' && fields.Size > 0 && !keepsManifest ? fields.Size : undefined;
    return {
      id: fields.Id,
      layers: document.list(rootfs.Layers, 'RootFS.Layers', 1024).length,
      sizeBytes,
      keepsManifest,
      platform: toPlatform({ os: fields.Os, architecture: fields.Architecture, variant: fields.Variant }, document),
    };
  }

  /** Gives the archive of an image to `consume` as the daemon sends it. */
  async save(id: Digest, consume: (archive: AsyncIterable<Buffer>) => Promise<void>): Promise<void> {
    await this.#exchange(`/images/${id}/get`, archiveIdleTimeoutMs, undefined, async (status, body) => {
      if (status !== 200) {
        throw this.#refused(status, await toBuffer(body));
      }
      await consume(body);
    });
  }

  async #get(path: string): Promise<{ readonly status: number; readonly body: Buffer }> {
    return await this.#exchange(path, undefined, answerMaxBytes, async (status, body) => ({ status, body: await toBuffer(body) }));
  }

  /** Failures of the connection are the daemon's; what `consume` rejects with for another reason is not touched. */
  async #exchange<T>(
    path: string,
    idleTimeoutMs: number | undefined,
    maxBodyBytes: number | undefined,
    consume: (status: number, body: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T> {
    const { origin, socketPath, tls } = this.#host;
    let answered = false;
    const request = {
      method: 'GET' as const,
      url: new URL(path, origin),
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(tls === undefined ? {} : { tls }),
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
    };
    try {
      return await this.#stream(request, async ({ status, body }) => {
        answered = true;
        return await consume(status, this.#body(body));
      });
    } catch (error) {
      throw answered ? error : this.#unreachable(error);
    }
  }

  async *#body(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* body;
    } catch (error) {
      throw this.#fail(
        'source-daemon',
        `the Docker daemon stopped sending: ${reasonOf(error)}`,
        'Look at the log of the daemon (disk space, memory), then try again.',
        error,
      );
    }
  }

  #unreachable(error: unknown) {
    const { description, socketPath, tls } = this.#host;
    const code = error instanceof HttpError ? error.code : undefined;
    if (code === 'EACCES' || code === 'EPERM') {
      const hint = 'Add the user of this job to the group docker (sudo usermod -aG docker USER), or use an archive: docker save.';
      return this.#fail('source-daemon', `this user may not connect to the Docker daemon at ${description}`, hint, error);
    }
    const reason = code === 'ENOENT' ? 'there is no such socket' : reasonOf(error);
    if (error instanceof HttpError && (error.kind === 'tls' || (tls !== undefined && error.kind === 'reset'))) {
      const hint =
        'Check that ca.pem is the authority of the daemon and cert.pem a client of its own authority, both not expired, and that the daemon speaks TLS there.';
      return this.#fail(
        'source-daemon',
        `the Docker daemon at ${description} and this client do not trust each other: ${reason}`,
        hint,
        error,
      );
    }
    if (error instanceof HttpError && error.kind.startsWith('proxy-')) {
      return this.#fail('source-daemon', `no Docker daemon answers at ${description}: ${reason}`, error.hint, error);
    }
    const hint =
      socketPath === undefined
        ? 'Start Docker there, or set DOCKER_HOST; an archive (docker-archive:FILE) needs no daemon.'
        : 'Start Docker, or set DOCKER_HOST to its socket (rootless Docker and Podman have their own); an archive (docker-archive:FILE) needs none.';
    return this.#fail('source-daemon', `no Docker daemon answers at ${description}: ${reason}`, hint, error);
  }

  #refused(status: number, body: Buffer) {
    // The words of Go's net/http, in which Docker and Podman are written.
    if (status === 400 && body.includes('HTTP request to an HTTPS server')) {
      const hint = 'Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or make the context with ca, cert and key (docker context create).';
      return this.#fail('source-daemon', `the Docker daemon at ${this.#host.description} speaks TLS, and was asked without`, hint);
    }
    const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body.toString('utf8', 0, 4096))?.[1];
    const reason = `the Docker daemon answered ${status}${message === undefined ? '' : ` (${quote(message)})`}`;
    return this.#fail('source-daemon', reason, 'Look at the log of the daemon, then try again.');
  }

  async #findSimilar(image: string): Promise<string> {
    const fallback = 'Build or load it first; docker images lists what there is.';
    const { status, body } = await this.#get('/images/json');
    if (status !== 200) {
      return fallback;
    }
    const document = new Document('answer of the Docker daemon', this.#fail);
    const images = document.list(document.parse(body), 'it', 100_000).map((item): Fields => document.optionalFields(item, 'an image', []));
    const names = images.flatMap(({ RepoTags }) => document.texts(RepoTags, 'RepoTags', 10_000));
    const similar = names.filter((name) => isSimilar(name, image)).slice(0, 5);
    return similar.length === 0 ? fallback : `Did you mean ${similar.map(quote).join(', ')}?`;
  }
}

/** What went wrong, without the request that the message around it already tells. */
function reasonOf(error: unknown): string {
  return error instanceof HttpError ? error.message.replace(/^.*? failed: /s, '') : 'the connection broke off';
}

async function toBuffer(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The same repository but for its tag or its registry, or one whose last word is a letter or two away. */
function isSimilar(name: string, wanted: string): boolean {
  const [a, b] = [name, wanted].map((text) => /([^/:@]+)(?:[:@][^/]*)?$/.exec(text)?.[1] ?? text);
  return a !== undefined && b !== undefined && (a === b || (b.length > 3 && (a.includes(b) || editDistance(a, b) <= 2)));
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
