import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { shared } from '../test/e2e/peers.ts';
import { expectProgram } from '../test/e2e/step.ts';
import { startDocker } from './docker-daemon.ts';

/** Path of the shop image's archive: `SHOP_ARCHIVE`, else where CI keeps it, and there it is built where it is not yet. That takes minutes. */
export async function takeShopArchive(tell: (line: string) => void): Promise<string> {
  if (process.env.SHOP_ARCHIVE) return process.env.SHOP_ARCHIVE;
  const cache = process.env.IMAGE_CUSTODY_CACHE ?? join(homedir(), '.cache/image-custody');
  const archive = join(cache, 'shop/shop.tar');
  if (existsSync(archive)) return archive;
  tell(`building the shop image in ${join(cache, 'shop')}`);
  await expectProgram(shared('peers/install'), ['docker.io', 'debootstrap', 'crane']);
  const docker = await startDocker(join(cache, 'docker'));
  try {
    const env = { ...process.env, DOCKER_HOST: docker.dockerHost };
    await expectProgram(shared('testdata/build-shop-image'), [join(cache, 'shop')], { env });
  } finally {
    await docker.stop();
  }
  return archive;
}
