import type { ImageSource, SourceImage } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { ArchiveSource } from './archive-source.ts';
import { createDaemonSource } from './docker-daemon-source.ts';
import { readDockerImage, readDockerManifest, selectDockerImage } from './docker-manifest.ts';
import { openFile, readRange, toFileIdentity } from './file-access.ts';
import type { ArchiveFormat, FoundDaemonImage, FoundFile, FoundFolder, FoundPipe, GiveBytes } from './found-image.ts';
import { LayoutContent } from './layout-content.ts';
import { LayoutFolder } from './layout-folder.ts';
import { readOciImage } from './oci-image.ts';
import { readLayoutRoot } from './oci-layout.ts';
import { verifyPlatform } from './platform-choice.ts';
import { failureOf, hints, type SourceFailure } from './source-error.ts';
import { StreamedSource } from './streamed-source.ts';
import { openTarFile } from './tar-file.ts';
import { unpackStream } from './unpacked-stream.ts';

/** Opens what lies in files. An archive that is a plain tar is read at several places, a compressed one from its start, once. */
export function openFiles(found: FoundFile | FoundFolder): ImageSource {
  const { name, path } = found;
  const fail = failureOf(name);
  const format = found.kind === 'folder' ? 'oci-archive' : found.format;
  const describe = (files: ArchiveDocuments) => describeArchive(files, format, found, fail);
  if (found.kind === 'folder') return new ArchiveSource({ name, fail, open: async () => new LayoutFolder(path, fail), describe });
  if (found.compression === 'none') return new ArchiveSource({ name, fail, open: () => openTarFile(path, fail), describe });
  return openPacked(found, packedFile(path, fail), fail);
}

/** Opens an image whose bytes `give` has. */
export function openStream(found: FoundPipe | FoundDaemonImage, give: GiveBytes): ImageSource {
  const { name, platforms } = found;
  const fail = failureOf(name);
  return found.kind === 'daemon' ? createDaemonSource(name, found.image, platforms, give, fail) : openPacked(found, give, fail);
}

function openPacked(found: FoundFile | FoundPipe, give: GiveBytes, fail: SourceFailure): ImageSource {
  return new StreamedSource({
    name: found.name,
    fail,
    keepsManifest: found.format === 'oci-archive',
    open: (use) => give((bytes) => use(unpackStream(bytes, fail))),
    describe: (files) => describeArchive(files, found.format, found, fail),
  });
}

async function describeArchive(
  files: ArchiveDocuments,
  format: ArchiveFormat,
  { tag, platforms }: FoundFile | FoundFolder | FoundPipe,
  fail: SourceFailure,
): Promise<SourceImage> {
  if (format === 'oci-archive')
    return readOciImage(await readLayoutRoot(files, tag, fail), new LayoutContent(files, fail), platforms, fail);
  const image = await readDockerImage(selectDockerImage(await readDockerManifest(files, fail), tag, fail), files, fail);
  verifyPlatform(image.config.platform, platforms, fail);
  return image;
}

/** Reads the file from its start each time, and only as long as it is the same. */
function packedFile(path: string, fail: SourceFailure): GiveBytes {
  let identity: string | undefined;
  return async (use) => {
    const handle = await openFile(path, fail);
    try {
      const stats = await handle.stat();
      identity ??= toFileIdentity(stats);
      if (identity !== toFileIdentity(stats)) throw fail('source-changed', 'it was written to in the meantime', hints.leaveAlone);
      const ended = (cause?: unknown) => fail('source-changed', 'the file ended early', hints.leaveAlone, cause);
      await use(readRange(handle, 0, stats.size, ended));
    } finally {
      await handle.close();
    }
  };
}
