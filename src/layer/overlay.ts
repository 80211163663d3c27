import type { GapObservation, Observation, PlacedObservation } from '../model/observation.ts';
import { folderOf } from './entry-path.ts';
import { type FileNode, type Folder, isFolder, toContent } from './file-node.ts';
import { FileTree, type LayerReading } from './file-tree.ts';
import { entryPath, type LayerTree, lastFiles, treeKinds } from './layer-tree.ts';

interface OverlayOptions {
  /** Paths, without a leading slash, at which programs look for package databases or the release, or for a folder of them. */
  readonly databases: readonly string[];
  /** Whether inspectors take a file of that path for a database; by default those of `databases` and the files in them. */
  readonly isDatabase?: (path: string) => boolean;
}

/** A file of the image's final file system: the entry that it comes from, under the path that an inspector saw. */
interface ResolvedFile {
  readonly layer: number;
  readonly path: string;
}

export interface Overlay {
  /** The observations of all layers, bottom first, and gaps for databases that no inspector could see. */
  readonly placed: readonly PlacedObservation[];
  /** Where a program in the image gets to by `path`, symlinks followed; undefined where there is no file. */
  resolve(path: string): ResolvedFile | undefined;
}

/** Layers as `readLayer` gives them. */
interface ReadLayer {
  readonly tree: LayerTree;
  readonly observations: readonly Observation[];
}

/**
 * Lays the layers, bottom first, over each other. Databases of packages and releases survive if the very entry that was read is in the final
 * file system under its own name, or as a hard link at a database's path; programs, archives, secrets and malware if its content is there under any name. Where runtimes
 * may differ (see LayerReading), what survives in either reading survives, with a gap.
 */
export function overlay(layers: readonly ReadLayer[], options: OverlayOptions): Overlay {
  const apart = toOutcome(new ReadTree('apart', layers, options), layers, options);
  const tree = new ReadTree('merged', layers, options);
  const merged = toOutcome(tree, layers, options);
  const gaps = [...merged.gaps, ...apart.gaps];
  const placed = layers.flatMap(({ observations }, layer) =>
    observations.map((observation, at): PlacedObservation => {
      const survives = merged.survives[layer]?.[at] === true;
      const survivesApart = apart.survives[layer]?.[at] === true;
      if (survives !== survivesApart && isOfImage(observation)) gaps.push(toGap(layer, observation.path, runtimesDiffer));
      return { layer, survives: survives || survivesApart, observation };
    }),
  );
  options.databases.forEach((path, at) => {
    const found = merged.databases[at];
    const other = apart.databases[at];
    if (found?.layer !== other?.layer || found?.path !== other?.path) gaps.push(toGap((found ?? other)?.layer ?? 0, path, runtimesDiffer));
  });
  return { placed: [...placed, ...distinct(gaps)], resolve: (path) => tree.resolve(path) };
}

/** What one reading says, without its tree, so that only one tree is in memory at a time. */
interface Outcome {
  readonly gaps: readonly PlacedGap[];
  /** By layer and place in its observations. */
  readonly survives: readonly (readonly boolean[])[];
  readonly databases: readonly (ResolvedFile | undefined)[];
}

function toOutcome(tree: ReadTree, layers: readonly ReadLayer[], { databases }: OverlayOptions): Outcome {
  return {
    gaps: tree.gaps,
    survives: layers.map(({ observations }, layer) => observations.map((observation) => tree.survives(layer, observation))),
    databases: databases.map((path) => tree.resolve(path)),
  };
}

type PlacedGap = PlacedObservation<GapObservation>;

const runtimesDiffer = 'a layer writes through a symlink of a lower layer, and runtimes differ in where that leads';
const notRead = 'a database or release file leads to a file that was not read as one';
const circle = 'symlinks lead in a circle';

function toGap(layer: number, path: string, reason: string): PlacedGap {
  return { layer, survives: true, observation: { kind: 'gap', path, code: 'linked', reason } };
}

function distinct(gaps: readonly PlacedGap[]): readonly PlacedGap[] {
  return [...new Map(gaps.map((gap) => [`${gap.layer} ${gap.observation.path}`, gap])).values()];
}

/** Whether it says what the image consists of. */
function isOfImage(observation: Observation): boolean {
  return observation.kind === 'packages' || observation.kind === 'os-release';
}

/** Whether it counts by where its file is. */
function isOfPlace(observation: Observation): boolean {
  return observation.kind === 'packages' ? observation.isSoftware !== true : observation.kind === 'os-release';
}

function isOfDatabase(observation: Observation): boolean {
  return isOfImage(observation) || observation.kind === 'gap';
}

/** The layers in one reading, and what became of the files that were observed in them. */
class ReadTree {
  readonly gaps: PlacedGap[] = [];
  readonly #tree: FileTree;
  readonly #layers: readonly ReadLayer[];
  readonly #isDatabase: (path: string) => boolean;
  /** By layer: number of its first entry; its observed files; those of them that were read as databases. */
  readonly #bases: readonly number[];
  readonly #observed: readonly ReadonlyMap<string, number>[];
  readonly #read: readonly ReadonlySet<string>[];
  /** Numbers of the observed entries that are in their place, and of those that are there as a hard link (at a database's path). */
  readonly #present = new Set<number>();
  readonly #linked = new Set<number>();
  readonly #databaseLinked = new Set<number>();

  constructor(reading: LayerReading, layers: readonly ReadLayer[], options: OverlayOptions) {
    const paths = new Set(options.databases);
    this.#tree = new FileTree(reading);
    this.#layers = layers;
    this.#isDatabase = options.isDatabase ?? ((path) => paths.has(path) || paths.has(folderOf(path)));
    this.#bases = layers.map(({ tree }) => this.#tree.apply(tree));
    this.#observed = layers.map(({ tree, observations }) => lastFiles(tree, new Set(observations.map(({ path }) => path))));
    this.#read = layers.map(({ observations }) => new Set(observations.filter(isOfDatabase).map(({ path }) => path)));
    this.#visit();
    for (const path of options.databases) this.#checkDatabase(path);
    const [unplaced] = this.#tree.unplaced;
    if (unplaced !== undefined) this.#gap(this.#locate(unplaced), circle);
  }

  survives(layer: number, observation: Observation): boolean {
    const index = this.#observed[layer]?.get(observation.path);
    if (index === undefined) return observation.kind === 'gap';
    const entry = (this.#bases[layer] as number) + index;
    return this.#present.has(entry) || (isOfPlace(observation) ? this.#databaseLinked : this.#linked).has(entry);
  }

  resolve(path: string): ResolvedFile | undefined {
    const node = this.#tree.resolve(path);
    const content = node === 'loop' || isFolder(node) ? undefined : toContent(node);
    return content === undefined ? undefined : this.#locate(content);
  }

  #visit(): void {
    const wanted = new Set(
      this.#observed.flatMap((files, layer) => [...files.values()].map((index) => (this.#bases[layer] as number) + index)),
    );
    const folders = [this.#tree.root];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const [name, node] of folder.children) {
        if (isFolder(node)) folders.push(node);
        else if (typeof node !== 'number') this.#visitLink(`${pathOf(folder)}${name}`, node, wanted);
        else if (wanted.has(node)) this.#present.add(node);
      }
    }
  }

  #visitLink(path: string, node: FileNode, wanted: ReadonlySet<number>): void {
    const isDatabase = this.#isDatabase(path);
    if (isDatabase) this.#checkDatabase(path);
    const content = toContent(node);
    if (content === undefined || !wanted.has(content)) return;
    this.#linked.add(content);
    if (isDatabase) this.#databaseLinked.add(content);
  }

  /** What a database's path leads to must have been read as a database; in a folder, each of its files. */
  #checkDatabase(path: string): void {
    const node = this.#tree.resolve(path);
    if (node === 'loop') this.gaps.push(toGap(this.#layers.length - 1, path, circle));
    else if (!isFolder(node)) this.#checkFile(path, node);
    else for (const name of node.children.keys()) this.#checkFile(`${path}/${name}`, this.#tree.resolve(`${path}/${name}`));
  }

  #checkFile(path: string, node: FileNode | 'loop' | undefined): void {
    if (node === undefined || node === 'loop' || isFolder(node)) return;
    const content = toContent(node);
    if (content === undefined) {
      if (typeof node === 'object' && node.kind === 'hardlink') this.#gap({ ...this.#locate(node.entry), path }, notRead);
      return;
    }
    const { layer, path: entryPath } = this.#locate(content);
    const index = content - (this.#bases[layer] as number);
    const { tree } = this.#layers[layer] as ReadLayer;
    if (treeKinds[tree.kinds[index] as number] !== 'file' || this.#isDatabase(entryPath)) return;
    if (!this.#read[layer]?.has(entryPath)) this.#gap({ layer, path }, notRead);
  }

  #gap({ layer, path }: ResolvedFile, reason: string): void {
    this.gaps.push(toGap(layer, path, reason));
  }

  #locate(entry: number): ResolvedFile {
    let layer = this.#bases.length - 1;
    while ((this.#bases[layer] as number) > entry) layer -= 1;
    const { tree } = this.#layers[layer] as ReadLayer;
    return { layer, path: entryPath(tree, entry - (this.#bases[layer] as number)) };
  }
}

/** With a slash at its end; '' for the root. */
function pathOf(folder: Folder): string {
  let path = '';
  for (let at = folder; at.parent !== at; at = at.parent) path = `${at.name}/${path}`;
  return path;
}
