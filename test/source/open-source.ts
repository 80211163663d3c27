import type { ImageSource } from '../../src/model/source.ts';
import { findSource } from '../../src/source/find-source.ts';
import { openFiles, openStream } from '../../src/source/found-source.ts';

/** An image of this machine, read where it was found: what the step does in two threads. */
export async function openSource(...found: Parameters<typeof findSource>): Promise<ImageSource> {
  const { found: image, give } = await findSource(...found);
  if (image.kind === 'file' || image.kind === 'folder') return openFiles(image);
  if (give === undefined) throw new Error('nobody gives its bytes');
  return openStream(image, give);
}
