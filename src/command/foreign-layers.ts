import type { PublishedManifest } from '../layer/manifest.ts';
import { isRegistryError, RegistryError } from '../registry/registry-error.ts';

/**
 * The error of a manifest that was not taken, with what to do where its foreign layers may be why: CNCF Distribution answers 500, or that a blob is
 * unknown, where the addresses of one are not on its list (storage/schema2manifesthandler.go, `verifyManifest`).
 */
export function explainForeignLayers(error: unknown, { image }: PublishedManifest): unknown {
  const hasForeign = image.kind === 'kept' && image.layers.some(({ foreign }) => foreign !== undefined);
  if (!hasForeign || !isRegistryError(error, 'refused', 'blob-unknown', 'server-error')) return error;
  return new RegistryError({
    code: error.code,
    message: error.message,
    hint:
      'The image has foreign layers, and many registries take these only where the addresses in the manifest are on a list of theirs (CNCF Distribution: ' +
      'validation.manifests.urls.allow). Have them added, or build on a base image without foreign layers.',
    cause: error,
    ...(error.status === undefined ? {} : { status: error.status }),
  });
}
