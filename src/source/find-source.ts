import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { magicBytes } from '../lib/compression.ts';
import type { HttpStream } from '../lib/http.ts';
import type { Platform } from '../model/image.ts';
import { type ArchiveCompression, toArchiveCompression } from './archive-compression.ts';
import { DockerDaemon } from './docker-daemon.ts';
import { type DockerSettings, findDockerHost } from './docker-endpoint.ts';
import { openFile } from './file-access.ts';
import type { LocalImage } from './found-image.ts';
import type { LocalSourceText } from './image-source-text.ts';
import { verifyPlatform } from './platform-choice.ts';
import { failureOf, quote, type SourceFailure } from './source-error.ts';
import { openStandardInput, type StandardInput } from './standard-input.ts';

interface SourceEnvironment {
  /** Absolute; paths are relative to it. */
  readonly workspace: string;
  /** Where the Docker daemon is. */
  readonly docker: DockerSettings;
  readonly stream: HttpStream;
  /** For `-` in place of a file; undefined where the host has none. */
  readonly standardInput?: StandardInput | undefined;
  /** Those that are taken of a multi-platform image, and that one of a single platform has to be for; empty for all. */
  readonly platforms: readonly Platform[];
}

/**
 * Finds the image that the user named. Rejects with a StepError: of origin `input` where there is no such file or image or the name is not
 * clear, of origin `source` where it is there and cannot be read. Nothing is read of it yet but the first bytes of a file.
 */
export async function findSource(source: LocalSourceText, environment: SourceEnvironment): Promise<LocalImage> {
  const name = source.text;
  const fail = failureOf(name);
  const { platforms } = environment;
  if (source.kind === 'docker-daemon') {
    const daemon = new DockerDaemon(await findDockerHost(environment.docker), environment.stream, fail);
    const image = await daemon.inspect(source.image);
    // Of one with a manifest of its own the daemon tells a single platform, of perhaps several.
    if (!image.keepsManifest) verifyPlatform(image.platform, platforms, fail);
    return { found: { kind: 'daemon', name, platforms, image }, give: (use) => daemon.save(image.id, use) };
  }
  const [piped, pipedTag] = source.kind === 'oci' ? [] : (/^-(?::(.*))?$/s.exec(source.location) ?? []);
  if (piped !== undefined && source.kind !== 'oci') {
    verifyTag(pipedTag, fail);
    const give = openStandardInput(environment.standardInput, fail);
    return { found: { kind: 'pipe', name, platforms, format: source.kind, tag: pipedTag }, give };
  }
  const { path, tag } = await findLocation(source.location, environment.workspace, fail);
  if (source.kind !== 'oci') {
    const compression = await readCompression(path, fail);
    return { found: { kind: 'file', name, platforms, format: source.kind, path, compression, tag }, give: undefined };
  }
  await verifyFolder(path, fail);
  return { found: { kind: 'folder', name, platforms, path, tag }, give: undefined };
}

/** How the archive at a path is compressed as a whole. Rejects with a StepError where it cannot be read, or is compressed in a way that is not. */
export async function readCompression(path: string, fail: SourceFailure): Promise<ArchiveCompression> {
  const head = Buffer.alloc(magicBytes);
  const handle = await openFile(path, fail);
  try {
    await handle.read(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
  return toArchiveCompression(head, fail);
}

/** Tells path and tag apart by what exists: the longest path wins, so that a file whose name has a colon can be named. */
export async function findLocation(
  location: string,
  workspace: string,
  fail: SourceFailure,
): Promise<{ readonly path: string; readonly tag: string | undefined }> {
  for (let end = location.length; end > 0; end = location.lastIndexOf(':', end - 1)) {
    const path = resolve(workspace, location.slice(0, end));
    if (await isThere(path)) {
      const tag = end === location.length ? undefined : location.slice(end + 1);
      verifyTag(tag, fail);
      return { path, tag };
    }
  }
  throw fail('source-not-found', `there is no ${quote(location)}`, `Check the path; it is relative to ${workspace}.`);
}

function verifyTag(tag: string | undefined, fail: SourceFailure): void {
  if (tag === '') throw fail('source-form', 'nothing follows the last colon', 'Name the image after the colon, or leave the colon out.');
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    // What cannot be looked at is there: opening it tells why.
    (error: { code?: string }) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

async function verifyFolder(path: string, fail: SourceFailure): Promise<void> {
  if ((await stat(path)).isFile()) {
    throw fail('source-form', `${quote(path)} is a file`, 'An OCI layout in a tar is named oci-archive:FILE.');
  }
}
