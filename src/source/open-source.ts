import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { HttpStream } from '../lib/http.ts';
import type { Platform } from '../model/image.ts';
import type { ImageSource } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { ArchiveSource } from './archive-source.ts';
import { DockerDaemon } from './docker-daemon.ts';
import { createDaemonSource } from './docker-daemon-source.ts';
import { type DockerSettings, findDockerHost } from './docker-endpoint.ts';
import { readDockerImage, readDockerManifest, selectDockerImage } from './docker-manifest.ts';
import { type ImageArchiveOptions, openArchiveFile, openStandardInput, type StandardInput } from './image-archive.ts';
import type { LocalSourceText } from './image-source-text.ts';
import { LayoutContent } from './layout-content.ts';
import { LayoutFolder } from './layout-folder.ts';
import { readOciImage } from './oci-image.ts';
import { readLayoutRoot } from './oci-layout.ts';
import { verifyPlatform } from './platform-choice.ts';
import { failureOf, quote, type SourceFailure } from './source-error.ts';

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
 * clear, of origin `source` where it is there and cannot be read. Nothing of a layer is read yet.
 */
export async function openSource(source: LocalSourceText, environment: SourceEnvironment): Promise<ImageSource> {
  const name = source.text;
  const fail = failureOf(name);
  const { platforms } = environment;
  if (source.kind === 'docker-daemon') {
    const daemon = new DockerDaemon(await findDockerHost(environment.docker), environment.stream, fail);
    const image = await daemon.inspect(source.image);
    // Of one with a manifest of its own the daemon tells a single platform, of perhaps several.
    if (!image.keepsManifest) verifyPlatform(image.platform, platforms, fail);
    return createDaemonSource(name, daemon, image, platforms, fail);
  }
  const [piped, pipedTag] = source.kind === 'oci' ? [] : (/^-(?::(.*))?$/s.exec(source.location) ?? []);
  if (piped !== undefined) {
    verifyTag(pipedTag, fail);
    return openStandardInput(environment.standardInput, archiveOptions(source, { tag: pipedTag, platforms }, fail));
  }
  const { path, tag } = await findLocation(source.location, environment.workspace, fail);
  const options = archiveOptions(source, { tag, platforms }, fail);
  if (source.kind !== 'oci') return await openArchiveFile(path, options);
  await verifyFolder(path, fail);
  return new ArchiveSource({ name, fail, open: async () => new LayoutFolder(path, fail), describe: options.describe });
}

/** `tag` chooses one of several images, `platforms` what is taken of it. */
interface Choice {
  readonly tag: string | undefined;
  readonly platforms: readonly Platform[];
}

function archiveOptions({ kind, text: name }: LocalSourceText, { tag, platforms }: Choice, fail: SourceFailure): ImageArchiveOptions {
  if (kind === 'docker-archive') {
    const describe = async (files: ArchiveDocuments) => {
      const image = await readDockerImage(selectDockerImage(await readDockerManifest(files, fail), tag, fail), files, fail);
      verifyPlatform(image.config.platform, platforms, fail);
      return image;
    };
    return { name, fail, keepsManifest: false, describe };
  }
  const describe = async (files: ArchiveDocuments) =>
    readOciImage(await readLayoutRoot(files, tag, fail), new LayoutContent(files, fail), platforms, fail);
  return { name, fail, keepsManifest: true, describe };
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
