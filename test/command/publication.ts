import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { secure } from '../../src/command/secure.ts';
import type { World } from '../../src/command/world.ts';
import type { Host } from '../../src/host/host.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { Digest } from '../../src/model/digest.ts';
import { toTar } from '../../src/sandbox/demo/tar-archive.ts';
import type { Place } from '../main/place.ts';
import { emptyEnvironment } from './silent-world.ts';

/** What a run did, as its report and its log tell it. */
export interface PublicationRun {
  readonly exitCode: number;
  readonly digest: string;
  readonly publication: {
    readonly kind: string;
    readonly bytesSent: number;
    readonly bytesReused: number;
    readonly uploadsSentAgain: number;
  };
  /** The JSON report. */
  readonly report: {
    readonly takenFrom: string | null;
    readonly gaps: readonly { readonly code: string; readonly layer: number | null; readonly reason: string }[];
    readonly platforms: readonly { readonly platform: string; readonly layers: readonly { readonly diffId: string }[] }[];
    readonly verdict: { readonly kind: string };
  };
  readonly log: readonly string[];
}

/** Runs the step in this process, without waits between tries. */
export async function runPublication(
  place: Place,
  http: HttpClient,
  inputs: Readonly<Record<string, string>>,
  environment: Partial<World['environment']> = {},
  cancelled?: AbortSignal,
): Promise<PublicationRun> {
  const settings = parseSettings(new Map(Object.entries(inputs)), (name) => name);
  const log: string[] = [];
  const outputs = new Map<string, string>();
  const host = recordingHost(place.workspace, await place.newFolder('runner'), log, outputs);
  const exitCode = await secure(settings, host, toWorld(http, environment, cancelled)).catch((error: unknown) => {
    if (!(error instanceof StepError)) throw error;
    log.push(error.message);
    return exitCodeOf(error);
  });
  const path = outputs.get('report');
  const report = path === undefined ? {} : JSON.parse(await readFile(path, 'utf8'));
  return { exitCode, digest: outputs.get('digest') ?? '', publication: report.publication, report, log };
}

export async function openHttp(place: Place): Promise<HttpClient> {
  return createHttp({ userAgent: 'image-custody/test', ca: [await readFile(place.sandbox.caFile, 'utf8')] });
}

/** Writes `docker save` of an image with these layers into the workspace. */
export async function writeArchive(place: Pick<Place, 'workspace'>, name: string, layers: readonly Buffer[]): Promise<void> {
  const tars = layers.map((layer) => ({ layer, path: `${sha256(layer)}/layer.tar` }));
  await writeFile(join(place.workspace, name), toArchive(tars, layers));
}

/** The same, with layers that are compressed in the archive. */
export async function writeCompressedArchive(
  place: Pick<Place, 'workspace'>,
  name: string,
  layers: readonly Buffer[],
): Promise<readonly Digest[]> {
  const packed = layers.map((layer) => gzipSync(layer, { level: 9 }));
  const files = packed.map((layer) => ({ layer, path: `${sha256(layer)}.tar.gz` }));
  await writeFile(join(place.workspace, name), toArchive(files, layers));
  return packed.map((layer) => digestOf(layer));
}

/** A layer of one file, and of as many packages as a Debian has that nobody knows. */
export function layerOf(path: string, content: Buffer | string): Buffer {
  return toTar([{ path, content }]);
}

export const baseLayer = toTar([
  { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' },
  { path: 'var/lib/dpkg/status', content: 'Package: base-files\nStatus: install ok installed\nVersion: 12.4\n' },
]);

function toArchive(files: readonly { readonly layer: Buffer; readonly path: string }[], tars: readonly Buffer[]): Buffer {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    history: tars.map(() => ({ created_by: 'COPY . /' })),
  });
  const configFile = `${sha256(config)}.json`;
  return toTar([
    ...files.map(({ layer, path }) => ({ path, content: layer })),
    { path: configFile, content: config },
    { path: 'manifest.json', content: JSON.stringify([{ Config: configFile, RepoTags: [], Layers: files.map(({ path }) => path) }]) },
  ]);
}

export function digestOf(bytes: Buffer | string): Digest {
  return `sha256:${sha256(bytes)}`;
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of a run in this process, without waits between tries. */
export function toWorld(http: HttpClient, given: Partial<World['environment']>, cancelled = new AbortController().signal): World {
  const environment = { ...emptyEnvironment, ...given };
  return {
    http,
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    sleep: async () => {},
    random: () => 0,
    proxies: { servers: [], choose: () => undefined },
    nodeVersion: process.versions.node,
    environment,
    runProgram: async () => ({ kind: 'absent' }),
    version: '0.0.0',
    cancelled,
  };
}

export function recordingHost(workspace: string, temporaryFolder: string, log: string[], outputs: Map<string, string>): Host {
  return {
    kind: 'github',
    workspace,
    temporaryFolder,
    summaryFormat: { kind: 'markdown', maxBytes: 65_536, commentMaxCharacters: 65_536 },
    mask() {},
    log: (_level, line) => void log.push(line),
    progress() {},
    async annotate() {},
    async summarise() {},
    async comment() {},
    secretOutputs: 'any',
    output: (name, value) => void outputs.set(name, typeof value === 'string' ? value : value.reveal()),
    fail() {},
  };
}
