import type { TaggedLayer } from '../../src/model/signed-document.ts';

interface Manifest {
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

/** Reads what is attached in a registry on this machine, without any code of the program. */
export function openAttached(host: string, repository: string) {
  const get = async (path: string) => {
    const response = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { accept: '*/*' } });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const json = async (path: string) => JSON.parse((await get(path)).toString());
  return {
    /** The bundles that refer to a digest, newest last. */
    bundles: async (digest: string): Promise<readonly Buffer[]> => {
      const { manifests } = (await json(`referrers/${digest}`)) as {
        readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
      };
      const bundles = manifests.filter(({ artifactType }) => artifactType?.startsWith('application/vnd.dev.sigstore.bundle'));
      return Promise.all(
        bundles.map(async (listed) => {
          const { layers } = (await json(`manifests/${listed.digest}`)) as Manifest;
          return get(`blobs/${layers[0]?.digest}`);
        }),
      );
    },
    /** The layers at a tag of cosign 2. */
    layers: async (digest: string, suffix: 'sig' | 'att'): Promise<readonly TaggedLayer[]> => {
      const { layers } = (await json(`manifests/${digest.replace(':', '-')}.${suffix}`)) as Manifest;
      return Promise.all(
        layers.map(async ({ mediaType, digest: blob, annotations = {} }) => ({
          mediaType,
          annotations,
          bytes: await get(`blobs/${blob}`),
        })),
      );
    },
    manifest: (digest: string) => get(`manifests/${digest}`),
  };
}
