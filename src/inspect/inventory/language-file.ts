const nodePackage = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/;
const pythonMetadata = /(?:\.dist-info\/METADATA|\.egg-info\/PKG-INFO|\.egg-info|(?:^|\/)EGG-INFO\/PKG-INFO)$/;
const gemSpecification = /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/;
const pearPackage = /(?:^|\/)\.registry\/(?:\.channel\.[^/]+\/)?[^/]+\.reg$/;
const condaPackage = /(?:^|\/)conda-meta\/[^/]+\.json$/;

/** Whether a path is that of the metadata of an installed Python package. */
export function isPythonMetadata(path: string): boolean {
  return (path.endsWith('METADATA') || path.endsWith('PKG-INFO') || path.endsWith('.egg-info')) && pythonMetadata.test(path);
}

export function isGemSpecification(path: string): boolean {
  return path.endsWith('.gemspec') && gemSpecification.test(path);
}

export function isComposerInstalled(path: string): boolean {
  return path.endsWith('/composer/installed.json');
}

export function isPearPackage(path: string): boolean {
  return path.endsWith('.reg') && pearPackage.test(path);
}

export function isDotnetDependencies(path: string): boolean {
  return path.endsWith('.deps.json');
}

export function isCondaPackage(path: string): boolean {
  return path.endsWith('.json') && condaPackage.test(path);
}

/** Whether a path states installed language packages: the files that an OS package's file list is searched for. */
export function isLanguageFile(path: string): boolean {
  return (
    isPythonMetadata(path) ||
    (path.endsWith('/package.json') && nodePackage.test(path)) ||
    isGemSpecification(path) ||
    isComposerInstalled(path) ||
    isPearPackage(path) ||
    isDotnetDependencies(path) ||
    isCondaPackage(path)
  );
}
