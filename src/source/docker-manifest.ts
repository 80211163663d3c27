import { createHash } from 'node:crypto';
import { cleanPath } from '../lib/clean-path.ts';
import type { Digest } from '../model/digest.ts';
import type { MadeManifest, SourceLayer } from '../model/source.ts';
import type { ArchiveDocuments } from './archive.ts';
import { configMaxBytes, Document, manifestMaxBytes } from './document.ts';
import { parseImageConfig } from './image-config.ts';
import { hints, quote, type SourceFailure } from './source-error.ts';

/** An entry of the manifest.json of `docker save`: https://github.com/moby/docker-image-spec/blob/main/spec.md ("combined image JSON"). */
interface DockerManifestEntry {
  readonly config: string;
  readonly repoTags: readonly string[];
  readonly layers: readonly string[];
}

const dockerManifestPath = 'manifest.json';

/** What manifest.json says is in the archive; throws where it has none. */
export async function readDockerManifest(files: ArchiveDocuments, fail: SourceFailure): Promise<readonly DockerManifestEntry[]> {
  if ((await files.find(dockerManifestPath)) === undefined) {
    const isLayout = (await files.find('index.json')) !== undefined;
    throw isLayout
      ? fail('source-unsupported', 'it has an index.json, but no manifest.json', 'It is an OCI layout: name it oci-archive:FILE.')
      : fail(
          'source-unsupported',
          'it has neither a manifest.json nor an index.json, so it is no image archive',
          'Give an archive of docker save or docker buildx build --output type=docker,dest=FILE; a single layer or a root file system is none.',
        );
  }
  const document = new Document(dockerManifestPath, fail);
  return document.list(document.parse(await files.read(dockerManifestPath, manifestMaxBytes)), 'it', 10_000).map((value) => {
    const entry = document.fields(value, 'an entry', ['Config', 'RepoTags', 'Layers']);
    return {
      config: document.text(entry.Config, 'Config'),
      repoTags: document.texts(entry.RepoTags, 'RepoTags', 10_000),
      layers: document.texts(entry.Layers, 'Layers', 1024),
    };
  });
}

/** The image that `selection` (`REPO:TAG`, or `@` and its place) names, or the only one. */
export function selectDockerImage(
  entries: readonly DockerManifestEntry[],
  selection: string | undefined,
  fail: SourceFailure,
): DockerManifestEntry {
  const [first] = entries;
  if (first === undefined) {
    throw fail('source-damaged', 'its manifest.json lists no image', hints.writeAgain);
  }
  const names = entries.flatMap(({ repoTags }, place) => (repoTags.length === 0 ? [`@${place}`] : repoTags)).map(quote);
  if (selection === undefined && entries.length > 1) {
    throw fail(
      'source-ambiguous',
      `it holds ${entries.length} images`,
      `Add one of these to the file name, after a colon: ${names.join(', ')}.`,
    );
  }
  const chosen = selection === undefined ? first : entries.find((entry, place) => isSelected(entry, place, selection));
  if (chosen === undefined) {
    throw fail('source-not-found', `it holds no image ${quote(selection ?? '')}`, `It holds ${names.join(', ')}.`);
  }
  return chosen;
}

/** The image of an entry, after a check that everything it names is there, with the archive's name of each distinct layer. */
export async function readDockerImage(
  { config, layers }: DockerManifestEntry,
  files: ArchiveDocuments,
  fail: SourceFailure,
): Promise<MadeManifest> {
  const configPath = toPath(config, fail);
  if (configPath === '' || (await files.find(configPath)) === undefined) {
    throw fail('source-incomplete', `it lacks the configuration ${quote(config)}`, hints.writeAgain);
  }
  const configBytes = await files.read(configPath, configMaxBytes);
  const hex = createHash('sha256').update(configBytes).digest('hex');
  const stated = /^(?:blobs\/sha256\/|sha256:)?([0-9a-f]{64})(?:\.json)?$/.exec(configPath)?.[1];
  if (stated !== undefined && stated !== hex) {
    throw fail(
      'source-damaged',
      `the configuration ${quote(config)} has the digest sha256:${hex}, which its name denies`,
      hints.writeAgain,
    );
  }
  const parsed = parseImageConfig(configBytes, `configuration ${quote(config)}`, fail);
  if (parsed.diffIds.length !== layers.length) {
    throw fail(
      'source-damaged',
      `its manifest.json lists ${count(layers.length, 'layer')}, but the image's configuration ${parsed.diffIds.length}`,
      hints.writeAgain,
    );
  }
  const distinct = new Map<string, SourceLayer>();
  const sourceLayers: SourceLayer[] = [];
  for (const [at, layer] of layers.entries()) {
    const found = await files.find(toPath(layer, fail));
    if (found === undefined) {
      throw fail('source-incomplete', `it lacks the layer ${quote(layer)}`, hints.writeAgain);
    }
    const known: SourceLayer = distinct.get(found.path) ?? {
      key: found.path,
      kind: 'layer',
      descriptor: undefined,
      sizeBytes: found.sizeBytes,
      diffId: parsed.diffIds[at],
    };
    distinct.set(found.path, known);
    sourceLayers.push(known);
  }
  const configDigest: Digest = `sha256:${hex}`;
  return { kind: 'made', config: parsed, configBytes, configDigest, layers: sourceLayers };
}

function isSelected(entry: DockerManifestEntry, place: number, selection: string): boolean {
  if (selection === `@${place}`) {
    return true;
  }
  const wanted = toFullTag(selection);
  return entry.repoTags.some((tag) => toFullTag(tag) === wanted);
}

/** `app` is short for `docker.io/library/app:latest`. */
function toFullTag(reference: string): string {
  const tagged = /:[^/:]+$/.test(reference) ? reference : `${reference}:latest`;
  const [first = ''] = tagged.split('/', 1);
  const hasHost = tagged.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const named = hasHost ? tagged : `docker.io/${tagged}`;
  return named.replace(/^(?:index\.)?docker\.io\/(?=[^/]+$)/, 'docker.io/library/');
}

function toPath(name: string, fail: SourceFailure): string {
  const path = cleanPath(name);
  if (path === undefined) {
    throw fail('source-damaged', `its manifest.json names ${quote(name)}, which lies outside of the archive`, hints.writeAgain);
  }
  return path;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
