import { isDigest } from '../model/digest.ts';
import type { BaseImage, HistoryEntry } from '../model/image.ts';
import { alignHistory, type Places } from './alignment.ts';
import { parseDockerfile } from './dockerfile.ts';

/** An image, and the Dockerfile that it is said to be built from. */
export interface BaseRequest {
  readonly history: readonly HistoryEntry[];
  /** How many layers it has. */
  readonly layers: number;
  /** Of its manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly dockerfile: string | undefined;
}

/**
 * What is known of the image that this one was built on, and which layers are its: where the builder says so (buildah, in the history), else by
 * the Dockerfile, where it is the one that the history tells of. Nothing is guessed: labels are inherited and may be about another base, and where in a
 * history one image ends and another begins, nothing else tells.
 */
export function findBaseImage({ history, layers, annotations, dockerfile }: BaseRequest): BaseImage {
  const named = annotations['org.opencontainers.image.base.name'];
  const digest = annotations['org.opencontainers.image.base.digest'];
  const known = { name: toName(named), digest: isDigest(digest) ? digest : undefined };
  const layerEntries = history.flatMap((entry, index) => (entry.emptyLayer ? [] : [index]));
  const unknown = new Array<undefined>(layers).fill(undefined);
  // A history that does not fit the layers tells of none of them.
  if (layerEntries.length !== layers) return { ...known, layers: unknown };
  const firstOwn = findNotedEntry(history, known.name);
  if (firstOwn !== undefined) return { ...known, layers: layerEntries.map((entry) => entry < firstOwn) };
  const places = dockerfile === undefined ? undefined : alignHistory(history, parseDockerfile(dockerfile));
  const from = places?.find((step) => step?.keyword === 'FROM')?.text;
  const isOfBase = places === undefined ? () => undefined : toOrigin(places, from);
  return { ...known, name: known.name ?? toName(from), layers: layerEntries.map(isOfBase) };
}

/** The first entry that buildah added to the base's: it notes there `FROM`, and the name that it gives the annotation, too. */
function findNotedEntry(history: readonly HistoryEntry[], name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const index = history.findLastIndex(({ comment = '' }) => comment === `FROM ${name}` || comment.endsWith(` FROM ${name}`));
  return index < 0 ? undefined : index;
}

/**
 * Entries on the FROM line are the base's, and those from the first instruction that was found on are not; between the two nobody knows. A Dockerfile
 * without any instruction that was found fits every image, and what lies under `scratch` is of no base.
 */
function toOrigin(places: Places, from: string | undefined): (entry: number) => boolean | undefined {
  const firstFound = places.findIndex((step) => step !== undefined && step.keyword !== 'FROM');
  if (firstFound < 0) return () => undefined;
  return (entry) => {
    if (entry >= firstFound) return false;
    return places[entry] === undefined || from === 'scratch' ? undefined : true;
  };
}

/** Names of images are no longer (distribution's `NameTotalLengthMax`), with a tag and a digest. */
const nameLimit = 255 + 128 + 72;

/** `scratch` is no image, and a variable no name. */
function toName(text: string | undefined): string | undefined {
  return text === undefined || text === 'scratch' || text.length > nameLimit || !/^[\w./:@-]+$/.test(text) ? undefined : text;
}
