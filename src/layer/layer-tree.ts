import { StepError } from '../lib/step-error.ts';
import { baseName, folderOf } from './entry-path.ts';
import type { LayerEntry } from './inspector.ts';

/**
 * The entries of one layer in the order of its tar, for the overlay. Compact: names and folders are kept once; about 40 bytes an entry.
 * Folders are numbered from 0, the root; a folder that no entry names but a path implies is numbered too.
 */
export interface LayerTree {
  readonly folderParents: readonly number[];
  readonly folderNames: readonly string[];
  /** For each entry: number of its folder, number of its name in `nameTexts`, its kind (index of `treeKinds`). */
  readonly folders: readonly number[];
  readonly names: readonly number[];
  readonly kinds: readonly number[];
  readonly nameTexts: readonly string[];
  /** By entry: target of a symlink, or path of a hard link's target. */
  readonly targets: ReadonlyMap<number, string>;
}

export const treeKinds = ['file', 'directory', 'symlink', 'hardlink', 'device', 'fifo'] as const;

/** Path of the entry `index`, as its inspectors saw it. */
export function entryPath(tree: LayerTree, index: number): string {
  let path = tree.nameTexts[tree.names[index] as number] as string;
  for (let folder = tree.folders[index] as number; folder !== 0; folder = tree.folderParents[folder] as number) {
    path = `${tree.folderNames[folder]}/${path}`;
  }
  return path;
}

/** The last file of each of these paths, by path: the one that is unpacked. */
export function lastFiles(tree: LayerTree, paths: ReadonlySet<string>): ReadonlyMap<string, number> {
  const names = new Set([...paths].map(baseName));
  const candidates = new Set(tree.nameTexts.flatMap((text, number) => (names.has(text) ? [number] : [])));
  const found = new Map<string, number>();
  tree.names.forEach((name, index) => {
    if (!candidates.has(name) || treeKinds[tree.kinds[index] as number] !== 'file') return;
    const path = entryPath(tree, index);
    if (paths.has(path)) found.set(path, index);
  });
  return found;
}

/** Of a layer of which nothing was seen. */
export const emptyTree: LayerTree = {
  folderParents: [0],
  folderNames: [''],
  folders: [],
  names: [],
  kinds: [],
  nameTexts: [],
  targets: new Map(),
};

/** Entries that the layers of one image may have together; shared by their passes, which may run at once. */
export interface EntryBudget {
  remaining: number;
}

/** 2 million entries take about 200 MB at the most; an image of 600 MB has some 25,000. */
export function entryBudget(entries = 2_000_000): EntryBudget {
  return { remaining: entries };
}

/** Collects a LayerTree while a layer is read. */
export class LayerTreeRecorder {
  readonly #layer: string;
  readonly #budget: EntryBudget;
  readonly #folderNumbers = new Map<string, number>([['', 0]]);
  readonly #nameNumbers = new Map<string, number>();
  readonly #nameTexts: string[] = [];
  readonly #files = new Set<number>();
  readonly #folderParents: number[] = [0];
  readonly #folderNames: string[] = [''];
  readonly #folders: number[] = [];
  readonly #names: number[] = [];
  readonly #kinds: number[] = [];
  readonly #targets = new Map<number, string>();
  #lastFolder = '';
  #lastNumber = 0;
  #taken = 0;

  constructor(layer: string, budget: EntryBudget) {
    this.#layer = layer;
    this.#budget = budget;
  }

  /** Whether a file of the same path came before in this layer, which the entry replaces. */
  add(entry: LayerEntry): boolean {
    this.#spend();
    const folder = folderOf(entry.path);
    if (folder !== this.#lastFolder) {
      this.#lastNumber = this.#folderNumber(folder);
      this.#lastFolder = folder;
    }
    const name = this.#nameNumber(baseName(entry.path));
    if (entry.linkName !== '') this.#targets.set(this.#names.length, entry.linkName);
    this.#folders.push(this.#lastNumber);
    this.#names.push(name);
    this.#kinds.push(treeKinds.indexOf(entry.type));
    const place = this.#lastNumber * 2 ** 26 + name;
    const repeated = this.#files.has(place);
    if (entry.type === 'file') this.#files.add(place);
    return repeated;
  }

  finish(): LayerTree {
    return {
      folderParents: this.#folderParents,
      folderNames: this.#folderNames,
      folders: this.#folders,
      names: this.#names,
      kinds: this.#kinds,
      nameTexts: this.#nameTexts,
      targets: this.#targets,
    };
  }

  /** Gives back what was taken from the budget, where the reading failed. */
  discard(): void {
    this.#budget.remaining += this.#taken;
    this.#taken = 0;
  }

  #folderNumber(path: string): number {
    const missing: string[] = [];
    let known = path;
    let number = this.#folderNumbers.get(known);
    while (number === undefined) {
      missing.push(known);
      known = folderOf(known);
      number = this.#folderNumbers.get(known);
    }
    for (const folder of missing.reverse()) {
      this.#spend();
      this.#folderParents.push(number);
      this.#folderNames.push(this.#nameTexts[this.#nameNumber(baseName(folder))] as string);
      number = this.#folderNames.length - 1;
      this.#folderNumbers.set(folder, number);
    }
    return number;
  }

  #spend(): void {
    this.#taken += 1;
    this.#budget.remaining -= 1;
    if (this.#budget.remaining < 0) {
      throw new StepError({
        code: 'limit',
        origin: 'source',
        message: `cannot read layer ${this.#layer}: the image has more files than are read`,
        hint: 'If the image is meant to be like this, split it; otherwise treat it as hostile.',
      });
    }
  }

  /** Each name is kept once, cut loose from the path that it came in. */
  #nameNumber(name: string): number {
    const known = this.#nameNumbers.get(name);
    if (known !== undefined) return known;
    const copy = Buffer.from(name, 'utf16le').toString('utf16le');
    this.#nameNumbers.set(copy, this.#nameTexts.length);
    return this.#nameTexts.push(copy) - 1;
  }
}
