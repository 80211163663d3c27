import { type RunningStep, startBundle } from '../step.ts';
import type { ImageFile } from './fault-run.ts';
import type { PublishingPlace } from './publishing-place.ts';

/** Starts the packaged step as a program of its own, publishing through the proxy. */
export function startPublication(place: PublishingPlace, image: ImageFile, repository: string): RunningStep {
  const inputs = { ...place.inputs(image, repository), report: `${place.workspace}/${repository.replaceAll('/', '-')}.json` };
  const args = Object.entries(inputs).map(([name, value]) => `--${name}=${value}`);
  const env = { PATH: process.env.PATH, HOME: place.workspace, NODE_COMPILE_CACHE: `${place.workspace}/compiled` };
  return startBundle('cli.js', ['secure', ...args], { cwd: place.workspace, env });
}
