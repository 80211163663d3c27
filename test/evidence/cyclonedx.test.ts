import { PackageURL } from 'packageurl-js';
import { expect, test } from 'vitest';
import { toCycloneDx } from '../../src/evidence/cyclonedx.ts';
import type { Component } from '../../src/evidence/cyclonedx-component.ts';
import type { SbomRequest } from '../../src/evidence/sbom.ts';
import { packages, request } from './image.ts';

function bomOf(change: Partial<SbomRequest> = {}) {
  return JSON.parse(Buffer.from(toCycloneDx({ ...request, ...change })).toString());
}

test('the image is named by a purl with its digest, repository, tag and platform', () => {
  const { component } = bomOf().metadata;
  expect(PackageURL.fromString(component.purl)).toMatchObject({
    type: 'oci',
    name: 'shop',
    version: `sha256:${'a'.repeat(64)}`,
    qualifiers: { arch: 'arm64', repository_url: 'registry.example:5000/Team/shop', tag: '1.2' },
  });
  expect(component).toMatchObject({ type: 'container', name: 'shop:ci', hashes: [{ alg: 'SHA-256', content: 'a'.repeat(64) }] });
  expect(component.properties).toContainEqual({ name: 'image-custody:platform', value: 'linux/arm64/v8' });
  expect(component.properties).toContainEqual({ name: 'image-custody:layer:1:diffId', value: `sha256:${'e'.repeat(64)}` });
});

test('an image without a manifest has neither purl nor hash', () => {
  const { component } = bomOf({ subject: { ...request.subject, digest: undefined } }).metadata;
  expect(component).toMatchObject({ 'bom-ref': 'image:shop:ci', version: '1.2' });
  expect(component).not.toHaveProperty('purl');
  expect(component).not.toHaveProperty('hashes');
});

test('each package is a component with its purl, place, layer, source and licence', () => {
  const components: Component[] = bomOf().components;
  expect(components).toHaveLength(packages.length + 1);
  expect(components[0]).toMatchObject({ type: 'operating-system', name: 'debian', version: '12' });
  expect(components.find(({ name }) => name === 'libssl3')).toEqual({
    type: 'library',
    'bom-ref': packages[0]?.purl,
    supplier: { name: 'Debian OpenSSL Team <x@example.org>' },
    publisher: 'Debian OpenSSL Team <x@example.org>',
    name: 'libssl3',
    version: '3.0.11-1~deb12u2',
    purl: packages[0]?.purl,
    evidence: { occurrences: [{ location: 'var/lib/dpkg/status' }] },
    properties: [
      { name: 'image-custody:type', value: 'deb' },
      { name: 'image-custody:ecosystem', value: 'Debian:12' },
      { name: 'image-custody:source:name', value: 'openssl' },
      { name: 'image-custody:source:version', value: '3.0.11-1~deb12u2' },
      { name: 'image-custody:layer:index', value: '0' },
      { name: 'image-custody:fromBase', value: 'true' },
      { name: 'aquasecurity:trivy:SrcName', value: 'openssl' },
      { name: 'aquasecurity:trivy:SrcVersion', value: '3.0.11' },
      { name: 'aquasecurity:trivy:SrcRelease', value: '1~deb12u2' },
      { name: 'aquasecurity:trivy:LayerDigest', value: `sha256:${'b'.repeat(64)}` },
      { name: 'aquasecurity:trivy:LayerDiffID', value: `sha256:${'c'.repeat(64)}` },
      { name: 'syft:location:0:layerID', value: `sha256:${'c'.repeat(64)}` },
      { name: 'syft:location:0:path', value: '/var/lib/dpkg/status' },
    ],
  });
  expect(components.find(({ name }) => name === '@babel/core')).toMatchObject({
    licenses: [{ expression: '(MIT OR Apache-2.0)' }],
    evidence: {
      occurrences: [{ location: 'app/node_modules/@babel/core/package.json' }, { location: 'srv/node_modules/@babel/core/package.json' }],
    },
  });
});

test('references are unique, and each dependency is a component', () => {
  const { components, dependencies, metadata } = bomOf();
  const refs: string[] = [metadata.component['bom-ref'], ...components.map((component: Component) => component['bom-ref'])];
  expect(new Set(refs).size).toBe(refs.length);
  expect(dependencies.map(({ ref }: { ref: string }) => ref)).toEqual(refs);
  const ofSystem = refs.filter((ref) => /^pkg:(?:deb|apk)/.test(ref));
  expect(ofSystem.length).toBeGreaterThan(1);
  expect(dependencies[0].dependsOn).toEqual(refs.slice(1).filter((ref) => !ofSystem.includes(ref)));
  expect(dependencies[1]).toEqual({ ref: 'operating-system:debian@12', dependsOn: ofSystem });
});

test('equal images give equal bytes in whatever order the packages come, and others another serial number', () => {
  const reversed = { ...request, inventory: { ...request.inventory, packages: packages.toReversed() } };
  expect(Buffer.from(toCycloneDx(reversed))).toEqual(Buffer.from(toCycloneDx(request)));
  const serials = [bomOf(), bomOf({ version: '0.1.1' }), bomOf({ subject: { ...request.subject, tag: '1.3' } })].map(
    ({ serialNumber }) => serialNumber,
  );
  expect(new Set(serials).size).toBe(3);
  for (const serial of serials) expect(serial).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('what is made of one image at two times differs in nothing but the time', () => {
  const [now, then] = [bomOf(), bomOf({ timestamp: new Date(0) })];
  expect(then.metadata.timestamp).toBe('1970-01-01T00:00:00.000Z');
  expect({ ...then, metadata: { ...then.metadata, timestamp: now.metadata.timestamp } }).toEqual(now);
});

test('a package in very many places names a hundred of them', () => {
  const otherPaths = Array.from({ length: 5_000 }, (_, index) => `${index}/node_modules/a/package.json`);
  const many = packages.slice(2, 3).map((item) => ({ ...item, otherPaths }));
  const [component] = bomOf({ inventory: { operatingSystem: undefined, packages: many } }).components;
  expect(component.evidence.occurrences).toHaveLength(100);
});

test('hostile text stays within limits and well-formed', () => {
  const text = Buffer.from(toCycloneDx(request)).toString();
  expect(text).not.toMatch(/\\ud[89a-f][0-9a-f]{2}/i);
  const evil = (JSON.parse(text).components as Component[]).find(({ name }) => name.startsWith('evil'));
  expect(evil?.name).toBe('evil\ufffd\r\n::add-mask::');
  expect(evil?.version).toHaveLength(1024);
});

test('an image without packages and operating system is described too', () => {
  expect(bomOf({ inventory: { operatingSystem: undefined, packages: [] } })).toMatchObject({
    components: [],
    dependencies: [{ dependsOn: [] }],
  });
});
