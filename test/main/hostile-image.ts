import { createHash, randomBytes } from 'node:crypto';
import type { Advisory } from '../../src/model/advisory.ts';
import { toTar } from '../../src/sandbox/demo/tar-archive.ts';
import { file, pax, tar } from '../layer/tar-writer.ts';

/** `docker save` of an image of one layer that carries each text wherever an image can: paths, names, versions, licences, release, variables, labels, history. */
export function hostileImage(texts: readonly string[]): Buffer {
  const layer = tar(
    ...at('etc/os-release', `ID=debian\nVERSION_ID="11"\nPRETTY_NAME="${texts.map(oneLine).join(' ').slice(0, 900)}"\n`),
    ...at('var/lib/dpkg/status', texts.map(toStanzas).join('\n')),
    ...texts.flatMap((text, index) => [
      ...at(`srv/${text}/.env`, `AWS_ACCESS_KEY_ID=${randomKeyId()}\nAWS_SECRET_ACCESS_KEY=${randomBytes(30).toString('base64url')}\n`),
      ...at(`opt/${text}.com`, eicar),
      ...at(
        `app/${text}/node_modules/evil-${index}/package.json`,
        JSON.stringify({ name: `evil-${index}`, version: '1.0.0', license: text }),
      ),
      ...at(`lib/node_modules/${text}/package.json`, JSON.stringify({ name: text, version: `1.0.0-${text}`, license: [{ type: text }] })),
      ...at(`broken/${text}/node_modules/a/package.json`, `{ ${text}`),
    ]),
  );
  const empty = (createdBy: string) => ({ created_by: createdBy, empty_layer: true });
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: texts[0],
      Env: texts.map((text) => `${text}_PASSWORD=${randomBytes(12).toString('base64url')}`),
      Labels: Object.fromEntries(texts.map((text) => [text, text])),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [
      { created_by: `COPY ${texts.join(' ')} /` },
      ...texts.flatMap((text) => [
        empty(`RUN |1 ${text}_TOKEN=${randomBytes(12).toString('base64url')} /bin/sh -c ${text}`),
        empty(`LABEL a=${text}`),
      ]),
    ],
  });
  const manifest = JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: ['hostile:ci'], Layers: ['layer.tar'] }]);
  return toTar([
    { path: 'layer.tar', content: layer },
    { path: `${sha256(config)}.json`, content: config },
    { path: 'manifest.json', content: manifest },
  ]);
}

/** An advisory for each `evil-INDEX` 1.0.0 of the image, with the text wherever one has words. */
export function hostileAdvisories(texts: readonly string[]): readonly Advisory[] {
  return texts.map((text, index) => ({
    id: `EVIL-2026-${index}`,
    modified: '2026-01-01T00:00:00Z',
    summary: text,
    details: text,
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    affected: [
      {
        package: { ecosystem: 'npm', name: `evil-${index}` },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
        versions: ['1.0.0'],
      },
    ],
    database_specific: { severity: text },
  }));
}

/** In two parts, so that no scanner takes this file for what it writes. */
const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;

function at(path: string, content: string) {
  return [pax({ path }), file('long', content)];
}

function toStanzas(text: string): string {
  const line = oneLine(text);
  return `Package: ${line}\nVersion: 1\n\nPackage: good\nVersion: ${line}\n\nPackage: fine\nVersion: 1\nMaintainer: ${line}\n`;
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}

function randomKeyId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `AKIA${Array.from(randomBytes(16), (byte) => alphabet[byte % 32]).join('')}`;
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
