import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { file, folder, symlink, type TarMember, tar } from '../layer/tar-writer.ts';

/** Two layers, of which the empty one is used twice, as builders that make no difference between instructions do. */
export const layers = [tar(file('bin/app', 'x'.repeat(3_000_000)), file('etc/os-release', 'ID=debian\n')), Buffer.alloc(1024)] as const;
export const layerOrder = [0, 1, 1] as const;

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface ConfigFields {
  readonly diffIds?: readonly string[];
  readonly os?: string;
  readonly architecture?: string;
}

export function configOf({ diffIds = layerOrder.map((index) => sha256(layers[index])), ...platform }: ConfigFields = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      ...platform,
      config: { User: '1000', Env: ['PATH=/bin', 'TOKEN=x'], Labels: { a: 'b' } },
      rootfs: { type: 'layers', diff_ids: diffIds.map((hex) => `sha256:${hex}`) },
      history: [{ created_by: 'COPY app' }, { created_by: 'ENV a=b', empty_layer: true }, { created_by: 'RUN a' }, { created_by: 'RUN b' }],
    }),
  );
}

export const config = configOf();
export const configHex = sha256(config);

/** What classic `docker save` writes: a folder for each layer, a repeated one as a link. */
export function legacyMembers(
  changes: { readonly manifest?: unknown; readonly config?: Buffer; readonly tags?: readonly string[] } = {},
): TarMember[] {
  const { tags = ['app:ci'] } = changes;
  const manifest = changes.manifest ?? [
    { Config: `${configHex}.json`, RepoTags: tags, Layers: ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar'] },
  ];
  return [
    folder('aa'),
    file('aa/VERSION', '1.0'),
    file('aa/json', '{"id":"aa"}'),
    file('aa/layer.tar', layers[0]),
    file('bb/layer.tar', layers[1]),
    symlink('cc/layer.tar', '../bb/layer.tar'),
    file(`${configHex}.json`, changes.config ?? config),
    file('manifest.json', JSON.stringify(manifest)),
    file('repositories', '{}'),
  ];
}

export interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface DescriptorFields {
  readonly platform?: object;
  readonly annotations?: object;
  readonly size?: number;
  readonly mediaType?: string;
}

export const ociManifestType = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndexType = 'application/vnd.oci.image.index.v1+json';
export const ociConfigType = 'application/vnd.oci.image.config.v1+json';
export const gzipLayerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const tarLayerType = 'application/vnd.oci.image.layer.v1.tar';

export function digestOf(bytes: Buffer): string {
  return `sha256:${sha256(bytes)}`;
}

export function describe({ mediaType, bytes }: Blob, fields: DescriptorFields = {}): object {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...fields };
}

/** The files of an OCI layout under construction. */
export class LayoutFixture {
  readonly files = new Map<string, Buffer>([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);

  put(blob: Blob): Blob {
    this.files.set(`blobs/sha256/${sha256(blob.bytes)}`, blob.bytes);
    return blob;
  }

  json(mediaType: string, value: object): Blob {
    return this.put({ mediaType, bytes: Buffer.from(JSON.stringify(value)) });
  }

  /** An image manifest over layers that are stored as `layerBlobs` gives them. */
  image(fields: { readonly config?: Buffer; readonly layers?: readonly Blob[]; readonly configType?: string } = {}): Blob {
    const stored = (fields.layers ?? layerOrder.map((index) => gzipLayer(layers[index]))).map((blob) => this.put(blob));
    const configBlob = this.put({ mediaType: fields.configType ?? ociConfigType, bytes: fields.config ?? config });
    return this.json(ociManifestType, {
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: describe(configBlob),
      layers: stored.map((blob) => describe(blob)),
    });
  }

  /** An image of Docker's schema 2 whose lower layer is a foreign one, which the layout holds or not. */
  foreignImage(isHeld: boolean, urls: readonly string[] = ['https://example.invalid/base.tar.gz']): Blob {
    const docker = (type: string) => `application/vnd.docker.${type}`;
    const [base, app] = layers.map((bytes, at) => ({
      mediaType: docker(`image.rootfs.${at === 0 ? 'foreign.' : ''}diff.tar.gzip`),
      bytes: gzipLayer(bytes).bytes,
    }));
    if (base === undefined || app === undefined) throw new Error('no layers');
    if (isHeld) this.put(base);
    const bytes = configOf({ diffIds: [sha256(layers[0]), sha256(layers[1])] });
    const configBlob = this.put({ mediaType: docker('container.image.v1+json'), bytes });
    const mediaType = docker('distribution.manifest.v2+json');
    const listed = [{ ...describe(base), urls }, describe(this.put(app))];
    return this.json(mediaType, { schemaVersion: 2, mediaType, config: describe(configBlob), layers: listed });
  }

  index(manifests: readonly object[]): Blob {
    return this.json(ociIndexType, { schemaVersion: 2, mediaType: ociIndexType, manifests });
  }

  root(...manifests: readonly object[]): this {
    this.files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
    return this;
  }

  archive(): Buffer {
    return tar(...[...this.files].map(([name, bytes]) => file(name, bytes)));
  }
}

export function gzipLayer(bytes: Buffer): Blob {
  return { mediaType: gzipLayerType, bytes: gzipSync(bytes, { level: 1 }) };
}

/** As BuildKit writes it: an index of one platform and its attestation. */
export function attestedLayout(): {
  readonly layout: LayoutFixture;
  readonly index: Blob;
  readonly image: Blob;
  readonly attestation: Blob;
} {
  const layout = new LayoutFixture();
  const image = layout.image();
  const statement = layout.put({
    mediaType: 'application/vnd.in-toto+json',
    bytes: Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}'),
  });
  const attestationConfig = layout.put({ mediaType: ociConfigType, bytes: Buffer.from('{"architecture":"unknown","os":"unknown"}') });
  const attestation = layout.json(ociManifestType, {
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: describe(attestationConfig),
    layers: [describe(statement)],
  });
  const index = layout.index([
    describe(image, { platform: { os: 'linux', architecture: 'amd64' } }),
    describe(attestation, {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digestOf(image.bytes) },
    }),
  ]);
  layout.root(describe(index, { annotations: { 'org.opencontainers.image.ref.name': 'ci' } }));
  return { layout, index, image, attestation };
}
