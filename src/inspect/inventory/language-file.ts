const nodePackage = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/;
const pythonMetadata = /(?:\.dist-info\/METADATA|\.egg-info\/PKG-INFO|\.egg-info|(?:^|\/)EGG-INFO\/PKG-INFO)$/;

/** Whether a path is that of the metadata of an installed Python package. */
export function isPythonMetadata(path: string): boolean {
  return (path.endsWith('METADATA') || path.endsWith('PKG-INFO') || path.endsWith('.egg-info')) && pythonMetadata.test(path);
}

/** Whether a path states a language package: the files that an OS package's file list is searched for. */
export function isLanguageFile(path: string): boolean {
  return isPythonMetadata(path) || (path.endsWith('/package.json') && nodePackage.test(path));
}
