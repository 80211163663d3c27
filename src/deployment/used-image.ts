/** A file of a deployment; `path` in the workspace, with `/`. */
export interface DeploymentFile {
  readonly path: string;
  readonly text: string;
}

/** Where something stands: 1-based, columns in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An image that a deployment runs. */
export interface UsedImage extends Place {
  /** As it is written, with the variables filled in. May be no reference at all. */
  readonly reference: string;
  /** Who runs it, e.g. `Deployment web, container app`. Text of the file: hostile. */
  readonly user: string;
  readonly pin: PinPlace;
}

/** How a digest is written into the file: by inserting `before`, the digest and `after`. Nothing that is there is taken away. */
export type PinPlace =
  | { readonly kind: 'insertion'; readonly offset: number; readonly before: string; readonly after: string }
  | { readonly kind: 'none'; readonly reason: string };

/** `error`: an image that would be run may have been missed. `notice`: something that was left out knowingly. */
export interface Remark extends Place {
  readonly level: 'error' | 'notice';
  readonly reason: string;
}

/** What one resource or file gives. */
export interface Findings {
  readonly images: readonly UsedImage[];
  readonly remarks: readonly Remark[];
}

/** How a Compose file is read. */
export interface ComposeScope {
  readonly variables: ReadonlyMap<string, string>;
  /** Folder in the workspace that its paths start from. */
  readonly folder: string;
}

/** Another file that decides which images are run: one that a service extends, or one that is included, all of whose services run. Paths begin with `../` where they lead outside. */
export type NeededFile = ExtendedFile | IncludedFile;

interface ExtendedFile {
  readonly as: 'extended';
  readonly path: string;
  /** The file that needs it. */
  readonly by: string;
}

export interface IncludedFile {
  readonly as: 'included';
  readonly path: string;
  readonly by: string;
  readonly folder: string;
  /** Files of variables that stand in the place of `.env` in its folder. */
  readonly variableFiles: readonly string[] | undefined;
  /** Variables of who includes it, which go before those of files. */
  readonly given: ReadonlyMap<string, string>;
}
