import { toHex } from '../model/digest.ts';
import { platformText } from '../model/image.ts';
import { isSystemPackage } from '../model/package.ts';
import { toLibraryComponent, toSystemComponent } from './cyclonedx-component.ts';
import { listPackages, type SbomRequest, type SbomSubject, toImagePurl, toUuid, toWellFormedJson } from './sbom.ts';

/** Also the artifact type of the attachment. https://cyclonedx.org/specification/overview/#registered-media-types */
export const cycloneDxMediaType = 'application/vnd.cyclonedx+json';

/**
 * The packages of one image as CycloneDX 1.6 JSON. Equal requests give equal bytes, and those that differ in their time only differ in no more
 * than that. https://cyclonedx.org/docs/1.6/json/
 */
export function toCycloneDx({ subject, inventory, version, timestamp }: SbomRequest): Uint8Array {
  const image = toImageComponent(subject);
  const { operatingSystem } = inventory;
  const system = operatingSystem && toSystemComponent(operatingSystem);
  const listed = listPackages(inventory, subject.layers);
  const components = [...(system === undefined ? [] : [system]), ...listed.map(toLibraryComponent)];
  // Packages of the distribution depend on it, where it is known: trivy refuses those of two package managers otherwise.
  const ofSystem = system === undefined ? [] : listed.filter(({ item }) => isSystemPackage(item)).map(({ ref }) => ref);
  const isOfSystem = new Set(ofSystem);
  const ofImage = components.map((component) => component['bom-ref']).filter((ref) => !isOfSystem.has(ref));
  const content = {
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'post-build' }],
      tools: { components: [{ type: 'application', name: 'image-custody', version }] },
      component: image,
    },
    components,
    dependencies: [
      { ref: image['bom-ref'], dependsOn: ofImage },
      ...components.map((component) => ({
        ref: component['bom-ref'],
        ...(component === system && { dependsOn: ofSystem }),
      })),
    ],
  };
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${toUuid(toWellFormedJson(content))}`,
    ...content,
    metadata: { timestamp: timestamp.toISOString(), ...content.metadata },
  };
  return Buffer.from(toWellFormedJson(bom));
}

function toImageComponent(subject: SbomSubject) {
  const { name, tag, digest, platform, layers } = subject;
  const purl = toImagePurl(subject);
  const digests = layers.flatMap((layer, index) => [
    { name: `image-custody:layer:${index}:digest`, value: layer.digest },
    { name: `image-custody:layer:${index}:diffId`, value: layer.diffId },
    // By this name trivy knows the layers of an image.
    { name: 'aquasecurity:trivy:DiffID', value: layer.diffId },
  ]);
  return {
    type: 'container',
    'bom-ref': purl ?? `image:${name}`,
    name,
    ...(digest ? { version: digest, purl, hashes: [{ alg: 'SHA-256', content: toHex(digest) }] } : tag !== undefined && { version: tag }),
    properties: [{ name: 'image-custody:platform', value: platformText(platform) }, ...digests],
  };
}
