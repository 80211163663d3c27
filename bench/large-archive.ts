import { createCipheriv, createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { endBlocks, file, tarMember } from '../test/layer/tar-writer.ts';

const layers = 10;
const filesPerLayer = 950;
const fileBytes = 1 << 20;
const poolBytes = 32 << 20;

/** What docker save would write of an image of 10 GB: ten layers of files of 1 MiB, half of which compress well and half not at all. Gives its path in `folder`. */
export async function makeLargeArchive(folder: string): Promise<string> {
  const path = join(folder, 'large.tar');
  await using archive = await open(path, 'w');
  const pool = makePool();
  const layerBytes = filesPerLayer * (512 + fileBytes) + endBlocks.length;
  const diffIds: string[] = [];
  for (let index = 0; index < layers; index++) {
    await write(archive, tarMember({ name: `${index}/layer.tar`, size: layerBytes }));
    diffIds.push(await writeLayer(archive, index, pool));
  }
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } };
  const manifest = { Config: 'config.json', RepoTags: ['bench-large:1'], Layers: diffIds.map((_, index) => `${index}/layer.tar`) };
  for (const [name, value] of [
    ['config.json', config],
    ['manifest.json', [manifest]],
  ] as const) {
    await write(archive, tarMember(file(name, JSON.stringify(value))));
  }
  await write(archive, endBlocks);
  return path;
}

/** Gives the layer's diff id. Each file is another piece of the pool, marked, so that no two are the same. */
async function writeLayer(archive: FileHandle, layer: number, pool: Buffer): Promise<string> {
  const hash = createHash('sha256');
  const put = async (bytes: Buffer) => {
    hash.update(bytes);
    await write(archive, bytes);
  };
  for (let index = 0; index < filesPerLayer; index++) {
    const name = `srv/data/${layer}/${index}`;
    const start = ((layer * filesPerLayer + index) * 7_919 * 512) % (poolBytes - fileBytes);
    const content = Buffer.from(pool.subarray(start, start + fileBytes));
    content.write(`${name}\n`);
    await put(tarMember({ name, size: fileBytes }));
    await put(content);
  }
  await put(endBlocks);
  return `sha256:${hash.digest('hex')}`;
}

/** Alternately 256 KiB without any pattern and 256 KiB of lines of text; the same each time. */
function makePool(): Buffer {
  const pool = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(poolBytes));
  const stretch = 256 << 10;
  for (let start = 0; start < poolBytes; start += 2 * stretch) {
    let text = '';
    for (let line = 0; text.length < stretch; line++) {
      text += `${line} GET /shop/articles/${pool.readUInt32LE(start + line * 4).toString(36)} HTTP/1.1 200 in ${pool[start + line]} ms\n`;
    }
    pool.write(text.slice(0, stretch), start, 'latin1');
  }
  return pool;
}

async function write(archive: FileHandle, bytes: Buffer): Promise<void> {
  await archive.writeFile(bytes);
}
