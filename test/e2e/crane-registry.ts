import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { peer } from './peers.ts';

/** Starts crane's registry, which keeps everything in memory. */
export async function startCraneRegistry() {
  const child: ChildProcess = spawn(peer('crane'), ['registry', 'serve', '--address', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  for (let round = 0; round < 100; round++) {
    const port = /port (\d+)/.exec(text)?.[1];
    if (port !== undefined) return { host: `127.0.0.1:${port}`, stop: async () => void child.kill() };
    await wait(100);
  }
  throw new Error(`crane registry serve did not start: ${text}`);
}
