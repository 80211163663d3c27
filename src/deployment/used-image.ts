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

/** Another file that decides which images are run: all of whose services run (`included`), or which is referred to (`extended`). */
export interface NeededFile {
  /** In the workspace, with `/`; begins with `../` where it is outside. */
  readonly path: string;
  readonly as: 'included' | 'extended';
  /** The file that needs it. */
  readonly by: string;
}
