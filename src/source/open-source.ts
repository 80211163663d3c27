import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { HttpStream } from '../lib/http.ts';
import type { ImageSource } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { ArchiveSource } from './archive-source.ts';
import { DockerDaemon } from './docker-daemon.ts';
import { createDaemonSource } from './docker-daemon-source.ts';
import { type DockerSettings, findDockerHost } from './docker-endpoint.ts';
import { readDockerImage, readDockerManifest, selectDockerImage } from './docker-manifest.ts';
import { type ImageArchiveOptions, openArchiveFile, openStandardInput, type StandardInput } from './image-archive.ts';
import type { ImageSourceText } from './image-source-text.ts';
import { LayoutFolder } from './layout-folder.ts';
import { readOciImage } from './oci-image.ts';
import { readLayoutRoot } from './oci-layout.ts';
import { failureOf, quote, type SourceFailure } from './source-error.ts';

interface SourceEnvironment {
  /** Absolute; paths are relative to it. */
  readonly workspace: string;
  /** Where the Docker daemon is. */
  readonly docker: DockerSettings;
  readonly stream: HttpStream;
  /** For `-` in place of a file; undefined where the host has none. */
  readonly standardInput?: StandardInput | undefined;
}

/**
 * Finds the image that the user named. Rejects with a StepError: of origin `input` where there is no such file or image or the name is not
 * clear, of origin `source` where it is there and cannot be read. Nothing of a layer is read yet.
 */
export async function openSource(source: ImageSourceText, environment: SourceEnvironment): Promise<ImageSource> {
  const name = source.text;
  const fail = failureOf(name);
  if (source.kind === 'docker-daemon') {
    const daemon = new DockerDaemon(await findDockerHost(environment.docker), environment.stream, fail);
    return createDaemonSource(name, daemon, await daemon.inspect(source.image), fail);
  }
  const [piped, pipedTag] = source.kind === 'oci' ? [] : (/^-(?::(.*))?$/s.exec(source.location) ?? []);
  if (piped !== undefined) {
    verifyTag(pipedTag, fail);
    return openStandardInput(environment.standardInput, archiveOptions(source, pipedTag, fail));
  }
  const { path, tag } = await findLocation(source.location, environment.workspace, fail);
  const options = archiveOptions(source, tag, fail);
  if (source.kind !== 'oci') return await openArchiveFile(path, options);
  await verifyFolder(path, fail);
  return new ArchiveSource({ name, fail, open: async () => new LayoutFolder(path, fail), describe: options.describe });
}

/** `tag` chooses one of several images. */
function archiveOptions({ kind, text: name }: ImageSourceText, tag: string | undefined, fail: SourceFailure): ImageArchiveOptions {
  if (kind === 'docker-archive') {
    const describe = async (files: ArchiveDocuments) =>
      readDockerImage(selectDockerImage(await readDockerManifest(files, fail), tag, fail), files, fail);
    return { name, fail, keepsManifest: false, describe };
  }
  return { name, fail, keepsManifest: true, describe: async (files) => readOciImage(await readLayoutRoot(files, tag, fail), files, fail) };
}

/** Tells path and tag apart by what exists: the longest path wins, so that a file whose name has a colon can be named. */
async function findLocation(
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
