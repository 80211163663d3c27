/** What a name stands for. Files, devices and fifos are the number of their entry, counted over all layers from the bottom. */
export type FileNode = number | Folder | Symlink | HardLink | Whiteout;

export interface Folder {
  readonly kind: 'folder';
  readonly name: string;
  /** The root is its own. */
  parent: Folder;
  readonly children: Map<string, FileNode>;
  /** The last layer that has an entry for it or in it. */
  layer: number;
  /** While a layer is unpacked apart: hides what lower layers have here. */
  opaque?: boolean;
}

/** Only while a layer is unpacked apart: hides what lower layers have under its name. */
interface Whiteout {
  readonly kind: 'whiteout';
}

interface Symlink {
  readonly kind: 'symlink';
  readonly target: string;
  readonly entry: number;
}

interface HardLink {
  readonly kind: 'hardlink';
  readonly entry: number;
  /** Entry of the file that it names; undefined where there was none, and no runtime could unpack the layer. */
  readonly content: number | undefined;
}

export function isFolder(node: FileNode | undefined): node is Folder {
  return typeof node === 'object' && node.kind === 'folder';
}

/** The entry whose content a name gives; undefined for a folder, a symlink, and a hard link to nothing. */
export function toContent(node: FileNode | undefined): number | undefined {
  if (typeof node === 'number') return node;
  return node?.kind === 'hardlink' ? node.content : undefined;
}

/** Without a parent: a root. */
export function newFolder(name: string, parent?: Folder): Folder {
  const folder: Folder = { kind: 'folder', name, parent: undefined as unknown as Folder, children: new Map(), layer: -1 };
  folder.parent = parent ?? folder;
  return folder;
}
