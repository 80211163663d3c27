import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runProgram } from '../test/e2e/step.ts';

export interface DockerDaemon {
  /** As `DOCKER_HOST` names it. */
  readonly dockerHost: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a Docker daemon that runs no containers, as .ci/run does. It keeps its images in `dataFolder`. `more`: further options. Needs root. */
export async function startDocker(dataFolder: string, more: readonly string[] = []): Promise<DockerDaemon> {
  await mkdir(dataFolder, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'docker-'));
  const socket = join(folder, 'docker.sock');
  const log = createWriteStream(join(folder, 'log'));
  await once(log, 'open');
  const places = [
    '--data-root',
    dataFolder,
    '--exec-root',
    join(folder, 'run'),
    '--pidfile',
    join(folder, 'pid'),
    '-H',
    `unix://${socket}`,
  ];
  // vfs runs wherever CI does: it needs no support of the kernel.
  const child = spawn('dockerd', [...places, '--iptables=false', '--bridge=none', '--storage-driver=vfs', ...more], {
    stdio: ['ignore', log, log],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const dockerHost = `unix://${socket}`;
  for (let round = 0; round < 120 && child.exitCode === null && child.pid !== undefined; round++) {
    const { exitCode } = await runProgram('docker', ['version'], { env: { ...process.env, DOCKER_HOST: dockerHost } });
    if (exitCode === 0) return { dockerHost, pid: child.pid, stop };
    await wait(500);
  }
  const said = (await readFile(join(folder, 'log'), 'utf8')).trim().split('\n').slice(-5).join('\n');
  await stop();
  throw new Error(`the Docker daemon did not start: ${said}`);
}
