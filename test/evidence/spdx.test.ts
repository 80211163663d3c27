import { expect, test } from 'vitest';
import type { SbomRequest } from '../../src/evidence/sbom.ts';
import { toSpdx } from '../../src/evidence/spdx.ts';
import type { SpdxPackage } from '../../src/evidence/spdx-package.ts';
import { packages, request } from './image.ts';

interface Document {
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly SpdxPackage[];
  readonly hasExtractedLicensingInfos?: readonly { readonly licenseId: string; readonly extractedText: string }[];
  readonly relationships: readonly { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

function documentOf(change: Partial<SbomRequest> = {}): Document {
  return JSON.parse(Buffer.from(toSpdx({ ...request, ...change })).toString());
}

const comments = (item: SpdxPackage | undefined) => item?.annotations?.map(({ comment }) => comment);

test('the document describes the image by purl, digest and layers', () => {
  const [image] = documentOf().packages;
  expect(image).toMatchObject({
    name: 'shop:ci',
    versionInfo: `sha256:${'a'.repeat(64)}`,
    checksums: [{ algorithm: 'SHA256', checksumValue: 'a'.repeat(64) }],
    primaryPackagePurpose: 'CONTAINER',
  });
  expect(image?.externalRefs?.[0]?.referenceLocator).toMatch(/^pkg:oci\/shop@sha256:aaaa.*tag=1\.2$/);
  expect(comments(image)).toEqual([
    'image-custody:platform: linux/arm64/v8',
    `DiffID: sha256:${'c'.repeat(64)}`,
    `DiffID: sha256:${'e'.repeat(64)}`,
  ]);
});

test('an image without a manifest has neither purl nor checksum', () => {
  const [image] = documentOf({ subject: { ...request.subject, digest: undefined } }).packages;
  expect(image).toMatchObject({ versionInfo: '1.2' });
  expect(image).not.toHaveProperty('externalRefs');
  expect(image).not.toHaveProperty('checksums');
});

test('each package is one with its purl, place, layer, source and licence', () => {
  const document = documentOf();
  expect(document.packages).toHaveLength(packages.length + 2);
  expect(document.packages[1]).toMatchObject({ name: 'debian', versionInfo: '12', primaryPackagePurpose: 'OPERATING_SYSTEM' });
  const libssl = document.packages.find(({ name }) => name === 'libssl3');
  expect(libssl).toMatchObject({
    SPDXID: expect.stringMatching(/^SPDXRef-Package-deb-libssl3-[0-9a-f]{16}$/),
    versionInfo: '3.0.11-1~deb12u2',
    supplier: 'Organization: Debian OpenSSL Team (x@example.org)',
    sourceInfo: 'built package from: openssl 3.0.11-1~deb12u2',
    licenseDeclared: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: packages[0]?.purl }],
  });
  expect(comments(libssl)).toEqual([
    'image-custody:path: var/lib/dpkg/status',
    'image-custody:ecosystem: Debian:12',
    'image-custody:layer:index: 0',
    'image-custody:fromBase: true',
    'SrcName: openssl',
    'SrcVersion: 3.0.11',
    'SrcRelease: 1~deb12u2',
    `LayerDigest: sha256:${'b'.repeat(64)}`,
    `LayerDiffID: sha256:${'c'.repeat(64)}`,
  ]);
  expect(document.packages.find(({ name }) => name === '@babel/core')).toMatchObject({
    supplier: 'NOASSERTION',
    sourceInfo: 'acquired package info from: app/node_modules/@babel/core/package.json, srv/node_modules/@babel/core/package.json',
    licenseDeclared: '(MIT OR Apache-2.0)',
  });
});

test('every licence that is not of the SPDX list is given', () => {
  const { packages: described, hasExtractedLicensingInfos: infos = [] } = documentOf();
  const referred = described.flatMap(({ licenseDeclared }) => licenseDeclared.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []);
  expect(infos.map(({ licenseId }) => licenseId).sort()).toEqual([...new Set(referred)].sort());
  expect(infos.map(({ extractedText }) => extractedText)).toEqual(expect.arrayContaining(['Apache 2.0', 'SEE LICENSE IN LICENSE']));
});

test('ids are unique, and the image holds the system and each package by way of it or itself', () => {
  const { packages: described, relationships } = documentOf();
  const ids = described.map(({ SPDXID }) => SPDXID);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
  const [image, system] = ids;
  expect(relationships[0]).toEqual({ spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: image });
  const contained = relationships.slice(1);
  expect(new Set(contained.map(({ relationshipType }) => relationshipType))).toEqual(new Set(['CONTAINS']));
  expect(contained.map(({ relatedSpdxElement }) => relatedSpdxElement)).toEqual(ids.slice(1));
  const ofSystem = contained.filter(({ spdxElementId }) => spdxElementId === system);
  expect(ofSystem).toHaveLength(packages.filter(({ type }) => type === 'deb' || type === 'apk').length);
});

test('equal images give equal bytes in whatever order the packages come, and others another namespace', () => {
  const reversed = { ...request, inventory: { ...request.inventory, packages: packages.toReversed() } };
  expect(Buffer.from(toSpdx(reversed))).toEqual(Buffer.from(toSpdx(request)));
  const others = [documentOf(), documentOf({ version: '0.1.1' }), documentOf({ subject: { ...request.subject, tag: '1.3' } })];
  expect(new Set(others.map(({ documentNamespace }) => documentNamespace)).size).toBe(3);
});

test('what is made of one image at two times differs in nothing but the time', () => {
  const then = Buffer.from(toSpdx({ ...request, timestamp: new Date(999) })).toString();
  expect(then.replaceAll('1970-01-01T00:00:00Z', '2026-06-01T12:00:00Z')).toBe(Buffer.from(toSpdx(request)).toString());
});

test('hostile text stays well-formed', () => {
  const text = Buffer.from(toSpdx(request)).toString();
  expect(text).not.toMatch(/\\ud[89a-f][0-9a-f]{2}/i);
  expect((JSON.parse(text) as Document).packages.map(({ name }) => name)).toContain('evil\ufffd\r\n::add-mask::');
});

test('an image without packages and operating system is described too', () => {
  const document = documentOf({ inventory: { operatingSystem: undefined, packages: [] } });
  expect(document.packages).toHaveLength(1);
  expect(document.relationships).toHaveLength(1);
  expect(document).not.toHaveProperty('hasExtractedLicensingInfos');
});
