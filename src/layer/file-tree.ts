import { posix } from 'node:path';
import { StepError } from '../lib/step-error.ts';
import { opaqueWhiteout, whiteoutPrefix } from './entry-path.ts';
import { type FileNode, type Folder, isFolder, newFolder, toContent } from './file-node.ts';
import { type LayerTree, treeKinds } from './layer-tree.ts';
import type { LayerErrorCode } from './refusal.ts';

/**
 * How a layer is laid over those below it. `merged`: into one folder, so that a path follows the symlinks of lower layers (umoci, containerd
 * without overlayfs). `apart`: each layer unpacked by itself and joined by overlayfs (containerd and Docker as they come), where the folders
 * of a path replace a lower layer's symlink. They differ only for layers that no build tool writes.
 */
export type LayerReading = 'merged' | 'apart';

/** The file system that layers make, by the rules of the OCI image-spec (layer.md, "Applying Changesets"). In memory only. */
export class FileTree {
  readonly root = newFolder('');
  /** Entries whose folder is a loop of symlinks. */
  readonly unplaced: number[] = [];
  readonly #reading: LayerReading;
  /** What entries are placed in: the root, or the folder of the layer in hand. */
  #landing = this.root;
  #layer = 0;
  /** Number of the first entry of the layer in hand. */
  #base = 0;
  /** By number: where the layer's folders are found to be, until something moves them. */
  #folders: (Folder | undefined)[] = [];
  #steps = 0;

  constructor(reading: LayerReading) {
    this.#reading = reading;
  }

  /** Lays the next layer over those before. Gives the number of the layer's first entry. */
  apply(tree: LayerTree): number {
    if (this.#reading === 'apart') this.#landing = newFolder('');
    this.#folders = [];
    for (let index = 0; index < tree.names.length; index++) this.#applyEntry(tree, index);
    if (this.#reading === 'apart') this.#join(this.#landing);
    const base = this.#base;
    this.#base += tree.names.length;
    this.#layer += 1;
    return base;
  }

  /** What `path` leads to, symlinks followed as the kernel does; a loop leads to 'loop'. */
  resolve(path: string): FileNode | 'loop' | undefined {
    return this.#walk(this.root, path, false);
  }

  #applyEntry(tree: LayerTree, index: number): void {
    const folder = this.#folder(tree, tree.folders[index] as number);
    if (folder === undefined) {
      this.unplaced.push(this.#base + index);
      return;
    }
    this.#touch(folder);
    const name = tree.nameTexts[tree.names[index] as number] as string;
    if (name === opaqueWhiteout) this.#hideAll(folder);
    else if (name.startsWith(whiteoutPrefix)) this.#hide(folder, name.slice(whiteoutPrefix.length));
    else if (treeKinds[tree.kinds[index] as number] === 'directory') this.#placeFolder(folder, name);
    else this.#place(folder, name, this.#toNode(tree, index));
  }

  #toNode(tree: LayerTree, index: number): FileNode {
    const entry = this.#base + index;
    const kind = treeKinds[tree.kinds[index] as number];
    const target = tree.targets.get(index) ?? '';
    if (kind === 'symlink') return { kind, target, entry };
    if (kind !== 'hardlink') return entry;
    const slash = target.lastIndexOf('/');
    const folder = this.#walk(this.#landing, slash === -1 ? '' : target.slice(0, slash), false);
    const linked = folder !== 'loop' && isFolder(folder) ? folder.children.get(target.slice(slash + 1)) : undefined;
    if (typeof linked === 'object' && linked.kind === 'symlink') return { ...linked, entry };
    if (typeof linked === 'object' && linked.kind === 'whiteout') return linked;
    return { kind, entry, content: toContent(linked) };
  }

  /** The folder of that number, made where it is missing; undefined where symlinks lead in a circle. */
  #folder(tree: LayerTree, number: number): Folder | undefined {
    const known = number === 0 ? this.#landing : this.#folders[number];
    const found = known ?? this.#enterNumbered(tree, number);
    this.#folders[number] = found;
    return found;
  }

  #enterNumbered(tree: LayerTree, number: number): Folder | undefined {
    const parent = this.#folder(tree, tree.folderParents[number] as number);
    if (parent === undefined) return undefined;
    const name = tree.folderNames[number] as string;
    const child = parent.children.get(name);
    if (typeof child === 'object' && child.kind === 'symlink') {
      const target = this.#walk(parent, posix.normalize(child.target), true);
      return target !== 'loop' && isFolder(target) ? target : undefined;
    }
    return isFolder(child) ? child : this.#placeFolder(parent, name);
  }

  /** Follows `path` from `start`; with `make`, whatever is missing on the way becomes a folder. */
  #walk(start: Folder, path: string, make: boolean): FileNode | 'loop' | undefined {
    const root = make ? this.#landing : start;
    let at = path.startsWith('/') ? root : start;
    let links = 0;
    const parts = path.split('/').reverse();
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      this.#countStep();
      if (part === '' || part === '.') continue;
      let child: FileNode | undefined = part === '..' ? at.parent : at.children.get(part);
      if (typeof child === 'object' && child.kind === 'symlink') {
        links += 1;
        if (links > maxLinks) return 'loop';
        parts.push(...child.target.split('/').reverse());
        if (child.target.startsWith('/')) at = root;
        continue;
      }
      if (make && !isFolder(child)) child = this.#placeFolder(at, part);
      if (!isFolder(child)) return parts.every((rest) => rest === '' || rest === '.') ? child : undefined;
      at = child;
    }
    return at;
  }

  #placeFolder(folder: Folder, name: string): Folder {
    const existing = folder.children.get(name);
    if (isFolder(existing)) {
      this.#touch(existing);
      return existing;
    }
    const placed = newFolder(name, folder);
    this.#place(folder, name, placed);
    this.#touch(placed);
    return placed;
  }

  /** Notes that the layer in hand has something here, so that its own whiteouts spare it. */
  #touch(folder: Folder): void {
    for (let at = folder; at.layer !== this.#layer; at = at.parent) at.layer = this.#layer;
  }

  #place(folder: Folder, name: string, node: FileNode): void {
    this.#countStep();
    if (typeof folder.children.get(name) === 'object') this.#folders = [];
    folder.children.set(name, node);
  }

  #hide(folder: Folder, name: string): void {
    const hidden = folder.children.get(name);
    if (this.#reading === 'apart') {
      if (isFolder(hidden)) hidden.opaque = true;
      else if (hidden === undefined) folder.children.set(name, { kind: 'whiteout' });
    } else if (hidden !== undefined && this.#isLower(hidden)) {
      folder.children.delete(name);
      this.#folders = [];
    } else if (isFolder(hidden)) {
      this.#removeLower(hidden);
    }
  }

  /** overlayfs does not look at whether the root of a layer is opaque. */
  #hideAll(folder: Folder): void {
    if (this.#reading === 'merged') this.#removeLower(folder);
    else if (folder !== this.#landing) folder.opaque = true;
  }

  /** Whiteouts hide what lower layers have; what their own layer has stays, wherever in the tar it stands. */
  #removeLower(opaque: Folder): void {
    const folders = [opaque];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const [name, node] of folder.children) {
        this.#countStep();
        if (this.#isLower(node)) folder.children.delete(name);
        else if (isFolder(node)) folders.push(node);
      }
    }
    this.#folders = [];
  }

  #isLower(node: FileNode): boolean {
    if (typeof node === 'number') return node < this.#base;
    return isFolder(node) ? node.layer < this.#layer : node.kind !== 'whiteout' && node.entry < this.#base;
  }

  /** Joins what a layer has to what those below have, as overlayfs does: folders of one name become one, unless the upper is opaque. */
  #join(layer: Folder): void {
    const pairs = [{ lower: this.root, upper: layer }];
    for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
      for (const [name, node] of pair.upper.children) {
        this.#countStep();
        if (isFolder(node)) {
          const existing = pair.lower.children.get(name);
          const lower = isFolder(existing) && !node.opaque ? existing : newFolder(name, pair.lower);
          pair.lower.children.set(name, lower);
          pairs.push({ lower, upper: node });
        } else if (typeof node === 'object' && node.kind === 'whiteout') {
          pair.lower.children.delete(name);
        } else {
          pair.lower.children.set(name, node);
        }
      }
    }
  }

  #countStep(): void {
    this.#steps += 1;
    if (this.#steps > maxSteps) {
      throw new StepError<LayerErrorCode>({
        code: 'limit',
        origin: 'source',
        message: 'cannot lay the layers of the image over each other: their links and folders change too often',
        hint: 'No build tool writes such layers; treat the image as hostile.',
      });
    }
  }
}

/** As containerd's continuity/fs RootPath. */
const maxLinks = 255;
/** Some 10 seconds; an image of 500,000 files takes 2 million. */
const maxSteps = 50_000_000;
