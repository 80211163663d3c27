import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ImageFile } from './fault-run.ts';
import type { PublishingPlace } from './publishing-place.ts';

/** The Node that runs the bundle: CI names the machine's own, which is older than that of the tests. */
const node = process.env.IMAGE_CUSTODY_NODE ?? process.execPath;
const program = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

export interface BundleRun {
  readonly child: ChildProcess;
  /** Undefined where it was killed. */
  readonly ended: Promise<{ readonly exitCode: number | undefined; readonly output: string }>;
}

/** Starts the packaged step as a program of its own, publishing through the proxy. */
export function startBundle(place: PublishingPlace, image: ImageFile, repository: string): BundleRun {
  const inputs = { ...place.inputs(image, repository), report: `${place.workspace}/${repository.replaceAll('/', '-')}.json` };
  const args = Object.entries(inputs).map(([name, value]) => `--${name}=${value}`);
  const env = { PATH: process.env.PATH ?? '', HOME: place.workspace, NODE_COMPILE_CACHE: `${place.workspace}/compiled` };
  const child = spawn(node, [program, 'secure', ...args], { cwd: place.workspace, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<{ exitCode: number | undefined; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? undefined, output }));
  });
  return { child, ended };
}
