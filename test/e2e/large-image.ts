import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { endBlocks, tarMember } from '../layer/tar-writer.ts';

const chunkBytes = 1024 * 1024;
/** Of so many chunks one has content that does not compress; the others are holes in the file, which need no room on a disk. */
const dense = 24;

/** Writes what `docker save` writes of an image of that many layers of `layerBytes` each, a multiple of 1 MiB. Most of it is zeros, and no two layers are alike. */
export async function writeLargeImage(file: string, layers: number, layerBytes: number): Promise<void> {
  const handle = await open(file, 'w');
  try {
    const writer = new SparseWriter(handle);
    const diffIds: string[] = [];
    for (let layer = 0; layer < layers; layer += 1) {
      const inner = header('data.bin', layerBytes);
      await writer.write(header(`${layer}/layer.tar`, inner.length + layerBytes + endBlocks.length));
      const hash = createHash('sha256').update(inner);
      await writer.write(inner);
      for (let chunk = 0; chunk < layerBytes / chunkBytes; chunk += 1) {
        const bytes = chunk % dense === 0 ? noise(layer * 100_000 + chunk) : zeros;
        hash.update(bytes);
        await writer.write(bytes);
      }
      await writer.write(endBlocks);
      // A tar of 512 + n MiB + 1024 bytes needs no padding.
      diffIds.push(`sha256:${hash.update(endBlocks).digest('hex')}`);
    }
    await writer.write(documents(diffIds));
    await writer.end();
  } finally {
    await handle.close();
  }
}

const zeros = Buffer.alloc(chunkBytes);

/** Leaves holes where there are zeros. */
class SparseWriter {
  readonly #handle: FileHandle;
  #position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Buffer): Promise<void> {
    if (bytes !== zeros) await this.#handle.write(bytes, 0, bytes.length, this.#position);
    this.#position += bytes.length;
  }

  end(): Promise<void> {
    return this.#handle.truncate(this.#position);
  }
}

/** Header of a file of more bytes than are in memory. */
function header(name: string, sizeBytes: number): Buffer {
  // Eleven octal digits are 8 GiB.
  return tarMember({ name, size: sizeBytes }).subarray(0, 512);
}

function documents(diffIds: readonly string[]): Buffer {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map((_, layer) => ({ created_by: `COPY ${layer} /` })),
  });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  const manifest = JSON.stringify([{ Config: name, RepoTags: [], Layers: diffIds.map((_, layer) => `${layer}/layer.tar`) }]);
  return Buffer.concat([tarMember({ name, content: config }), tarMember({ name: 'manifest.json', content: manifest }), endBlocks]);
}

/** 1 MiB that does not compress, and is the same for the same seed. */
function noise(seed: number): Buffer {
  const blocks = Array.from({ length: chunkBytes / 64 }, (_, at) => createHash('sha512').update(`${seed} ${at}`).digest());
  return Buffer.concat(blocks);
}
