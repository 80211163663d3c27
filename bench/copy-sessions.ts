import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { peer } from '../test/e2e/peers.ts';
import { expectProgram } from '../test/e2e/step.ts';
import type { DockerDaemon } from './docker-daemon.ts';
import type { Command } from './measure.ts';
import { firstReference, otherReference, type Place, type Session } from './session.ts';

/** Title of the row that all first pushes are compared with. */
export const copyTitle = 'skopeo copy';

/** github.com/containers/image, pkg/blobinfocache/default: systemBlobInfoCacheDir. */
const rootMemory = '/var/lib/containers/cache';

/** Title of the push of the changed archive after that of `title`. */
export function changedTitle(title: string): string {
  return `${title}: second push, one line changed`;
}

/** Title of the copy from the repository where `title` has pushed to another one of the same registry. */
export function promotedTitle(title: string): string {
  return `${title}: to another repository of the registry`;
}

/** skopeo remembers on its machine which blob it made of which layer: a runner that is thrown away after its job does not have that. */
export function skopeoSession(archive: string, changedArchive: string): Session {
  const changed = changedTitle(copyTitle);
  return {
    key: 'skopeo',
    steps: [
      { title: copyTitle, reference: copyTitle, command: (place) => copyArchive(archive, place) },
      { title: `${changed}, new machine`, reference: copyTitle, command: (place) => copyArchive(changedArchive, place, 'new-machine') },
      { title: `${changed}, same machine`, reference: copyTitle, command: (place) => copyArchive(changedArchive, place) },
      {
        title: promotedTitle(copyTitle),
        reference: copyTitle,
        command: (place) => {
          const [from, to] = [`docker://${firstReference(place)}`, `docker://${otherReference(place)}`];
          return skopeo(place, 'new-machine', ['--src-tls-verify=false', from, to]);
        },
      },
    ],
  };
}

/** skopeo copies, and compresses what is not. `memory` names what it remembers of former runs. */
export function copyArchive(archive: string, place: Place, memory = 'machine'): Promise<Command> {
  return skopeo(place, memory, ['--digestfile', digestFile(place), `docker-archive:${archive}`, `docker://${firstReference(place)}`]);
}

/** Where `copyArchive` leaves the digest of what it has pushed. */
export function digestFile({ folder }: Place): string {
  return join(folder, 'digest');
}

export function craneSession(archive: string, changedArchive: string): Session {
  const title = 'crane push';
  const push = (from: string) => (place: Place) => ({ program: peer('crane'), args: ['push', from, firstReference(place)] });
  return {
    key: 'crane',
    steps: [
      { title, reference: copyTitle, command: push(archive) },
      { title: changedTitle(title), reference: title, command: push(changedArchive) },
    ],
  };
}

/** The daemon has both images before; only its pushes are timed. */
export async function dockerSession(docker: DockerDaemon, archive: string, changedArchive: string): Promise<Session> {
  const title = 'docker push';
  const env = { DOCKER_HOST: docker.dockerHost };
  const run = (...args: readonly string[]) => expectProgram('docker', args, { env: { ...process.env, ...env } });
  const load = async (path: string) => {
    const said = await run('load', '--quiet', '--input', path);
    const image = /^Loaded image(?: ID)?: (\S+)$/m.exec(said)?.[1];
    if (image === undefined) throw new Error(`docker load of ${path} said ${said}`);
    return image;
  };
  const push = (image: string) => ({
    prepare: async (place: Place) => {
      await run('tag', image, firstReference(place));
    },
    command: (place: Place) => {
      return { program: 'docker', args: ['push', '--quiet', firstReference(place)], env, serverPid: docker.pid };
    },
  });
  return {
    key: 'docker',
    steps: [
      { title, reference: copyTitle, ...push(await load(archive)) },
      { title: `${changedTitle(title)}, same machine`, reference: title, ...push(await load(changedArchive)) },
    ],
  };
}

/** What root's skopeo remembers is in one folder, whatever the environment says: here one of the session's own lies over it, for this process alone. */
async function skopeo({ folder }: Place, memory: string, args: readonly string[]): Promise<Command> {
  const own = join(folder, memory);
  await mkdir(own, { recursive: true });
  const copy = ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false', ...args];
  if (process.getuid?.() !== 0) return { program: 'skopeo', args: copy, env: { XDG_DATA_HOME: own } };
  await mkdir(rootMemory, { recursive: true });
  const script = `mount --bind "$0" ${rootMemory} && exec skopeo "$@"`;
  return { program: 'unshare', args: ['--mount', 'sh', '-c', script, own, ...copy] };
}
