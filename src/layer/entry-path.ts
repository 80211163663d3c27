/** A whiteout file's name begins so (OCI image-spec, layer.md, "Whiteouts"). */
export const whiteoutPrefix = '.wh.';

/** Hides all that lower layers have in its folder (OCI image-spec, layer.md, "Opaque Whiteout"). */
export const opaqueWhiteout = '.wh..wh..opq';

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder that `path` stands in; '' for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}
