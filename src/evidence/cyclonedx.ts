import { createHash } from 'node:crypto';
import { PackageURL } from 'packageurl-js';
import { type Digest, toHex } from '../model/digest.ts';
import { type Platform, platformText } from '../model/image.ts';
import type { Inventory } from '../model/package.ts';
import { toComponents } from './cyclonedx-component.ts';

/** What the bill of materials is of: one image for one platform. */
export interface SbomSubject {
  /** As its user calls it, e.g. `shop` or `registry.example/team/shop`. */
  readonly name: string;
  /** Where it is published, `registry/repository` without tag and digest. */
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** Of the manifest; undefined where none was made. */
  readonly digest: Digest | undefined;
  readonly platform: Platform;
  /** Bottom layer first. */
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest }[];
}

export interface SbomRequest {
  readonly subject: SbomSubject;
  readonly inventory: Inventory;
  /** Of this program. */
  readonly version: string;
  readonly timestamp: Date;
}

/** Also the artifact type of the attachment. https://cyclonedx.org/specification/overview/#registered-media-types */
export const cycloneDxMediaType = 'application/vnd.cyclonedx+json';

/** The packages of one image as CycloneDX 1.6 JSON. Equal requests give equal bytes. https://cyclonedx.org/docs/1.6/json/ */
export function toCycloneDx({ subject, inventory, version, timestamp }: SbomRequest): Uint8Array {
  const image = toImageComponent(subject);
  const components = toComponents(inventory, subject.layers);
  const content = {
    version: 1,
    metadata: {
      timestamp: timestamp.toISOString(),
      lifecycles: [{ phase: 'post-build' }],
      tools: { components: [{ type: 'application', name: 'image-custody', version }] },
      component: image,
    },
    components,
    dependencies: [
      { ref: image['bom-ref'], dependsOn: components.map((component) => component['bom-ref']) },
      ...components.map((component) => ({ ref: component['bom-ref'] })),
    ],
  };
  const serialNumber = toSerialNumber(JSON.stringify(content, wellFormed));
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber,
    ...content,
  };
  return Buffer.from(JSON.stringify(bom, wellFormed));
}

function toImageComponent({ name, repository, tag, digest, platform, layers }: SbomSubject) {
  const purl = digest && toImagePurl(repository ?? name, repository, tag, digest, platform);
  const digests = layers.flatMap((layer, index) => [
    { name: `image-custody:layer:${index}:digest`, value: layer.digest },
    { name: `image-custody:layer:${index}:diffId`, value: layer.diffId },
  ]);
  return {
    type: 'container',
    'bom-ref': purl ?? `image:${name}`,
    name,
    ...(digest ? { version: digest, purl, hashes: [{ alg: 'SHA-256', content: toHex(digest) }] } : tag !== undefined && { version: tag }),
    properties: [{ name: 'image-custody:platform', value: platformText(platform) }, ...digests],
  };
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md */
function toImagePurl(name: string, repository: string | undefined, tag: string | undefined, digest: Digest, platform: Platform): string {
  const qualifiers = {
    arch: platform.architecture,
    ...(repository !== undefined && { repository_url: repository }),
    ...(tag !== undefined && { tag }),
  };
  const last = name.split('/').at(-1) || 'image';
  return new PackageURL('oci', undefined, last.toLowerCase(), digest, qualifiers, undefined).toString();
}

/** A UUID of the content (RFC 9562, version 8), so that another content has another one. */
function toSerialNumber(content: string): string {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Half a surrogate pair is JSON to us and an error to other readers. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value;
}
