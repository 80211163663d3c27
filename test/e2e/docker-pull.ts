import { expect } from 'vitest';
import { peer } from './peers.ts';
import { expectProgram } from './step.ts';

interface Manifest {
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly os: string } }[];
  readonly layers?: readonly { readonly mediaType: string; readonly urls?: readonly string[] }[];
}

interface Config {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/**
 * Pulls every platform of what is published with the Docker daemon that `DOCKER_HOST` names, and expects it to unpack the layers that the configuration
 * lists. Docker before 23 knows no zstd: such images are for the other readers then. What has foreign layers is left out, for no registry has these.
 */
export async function expectDockerPull(reference: string): Promise<void> {
  const repository = reference.replace(/(?:@.*|:[^:/]+)$/, '');
  const manifest = JSON.parse(await expectProgram(peer('crane'), ['manifest', reference])) as Manifest;
  const platforms = manifest.manifests?.filter(({ platform }) => platform?.os !== 'unknown');
  for (const { digest } of platforms ?? []) await expectDockerPull(`${repository}@${digest}`);
  if (platforms !== undefined) return;
  if (manifest.layers?.some(({ urls }) => urls !== undefined)) return;
  const version = Number.parseInt(await expectProgram('docker', ['version', '--format', '{{.Server.Version}}']), 10);
  if (version < 23 && manifest.layers?.some(({ mediaType }) => mediaType.endsWith('+zstd'))) return;
  const config = JSON.parse(await expectProgram(peer('crane'), ['config', reference])) as Config;
  const platform = [config.os, config.architecture, ...(config.variant ? [config.variant] : [])].join('/');
  await expectProgram('docker', ['pull', '--quiet', '--platform', platform, reference]);
  const [pulled] = JSON.parse(await expectProgram('docker', ['image', 'inspect', reference])) as { RootFS: { Layers: string[] } }[];
  expect(pulled?.RootFS.Layers ?? []).toEqual(config.rootfs.diff_ids);
  await expectProgram('docker', ['image', 'rm', reference]);
}
