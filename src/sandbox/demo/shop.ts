import { createHash, type randomBytes } from 'node:crypto';
import { type TarFile, toTar } from './tar-archive.ts';

/** What the demo builds: a small shop on Debian, once as it should not be shipped and once repaired. */
export interface ShopImage {
  /** `docker save` format. */
  readonly archive: Buffer;
  readonly dockerfile: string;
}

interface Instruction {
  readonly text: string;
  /** As `docker history` tells it. */
  readonly createdBy: string;
  /** Files of the layer that it made, where it made one. */
  readonly files?: readonly TarFile[];
}

/** On a Debian that is no longer supported, with a vulnerable dependency, an old zlib, a token in a file that a later layer deletes, and root as user. The token is random and worthless. */
export function badShop(random: typeof randomBytes): ShopImage {
  const token = `AKIA${toBase32(random(16))}`;
  return toImage(
    [
      base('11', 'bullseye', { zlib: '1:1.2.11.dfsg-2+deb11u1', baseFiles: '11.1+deb11u11' }),
      { text: 'COPY package.json /srv/shop/', createdBy: 'COPY package.json /srv/shop/ # buildkit', files: [shopPackage('1.2.0')] },
      { text: 'COPY .env /srv/shop/', createdBy: 'COPY .env /srv/shop/ # buildkit', files: [environmentFile(token, random)] },
      {
        text: 'RUN npm ci && rm .env',
        createdBy: 'RUN /bin/sh -c npm ci && rm .env # buildkit',
        files: [minimist('1.2.0'), { path: 'srv/shop/.wh..env', content: '' }],
      },
      { text: 'CMD ["node", "/srv/shop/server.js"]', createdBy: 'CMD ["node" "/srv/shop/server.js"]' },
    ],
    '',
  );
}

/** The same shop on a newer Debian, with the dependency updated, no token, and a user of its own. */
export function fixedShop(): ShopImage {
  return toImage(
    [
      base('12', 'bookworm', { zlib: '1:1.2.13.dfsg-1', baseFiles: '12.4+deb12u12' }),
      { text: 'COPY package.json /srv/shop/', createdBy: 'COPY package.json /srv/shop/ # buildkit', files: [shopPackage('1.2.8')] },
      { text: 'RUN npm ci', createdBy: 'RUN /bin/sh -c npm ci # buildkit', files: [minimist('1.2.8')] },
      { text: 'USER 1000', createdBy: 'USER 1000' },
      { text: 'CMD ["node", "/srv/shop/server.js"]', createdBy: 'CMD ["node" "/srv/shop/server.js"]' },
    ],
    '1000',
  );
}

function base(version: string, codename: string, { zlib, baseFiles }: { readonly zlib: string; readonly baseFiles: string }): Instruction {
  const name = `${version} (${codename})`;
  const release = `PRETTY_NAME="Debian GNU/Linux ${name}"\nNAME="Debian GNU/Linux"\nVERSION_ID="${version}"\nVERSION="${name}"\nID=debian\n`;
  const status = `${debianPackage('zlib1g', zlib, 'zlib')}\n${debianPackage('base-files', baseFiles)}\n`;
  return {
    text: `FROM debian:${version}`,
    createdBy: '/bin/sh -c #(nop) ADD file:shop in / ',
    files: [
      { path: 'etc/os-release', content: release },
      { path: 'var/lib/dpkg/status', content: status },
    ],
  };
}

function debianPackage(name: string, version: string, source?: string): string {
  const lines = [
    `Package: ${name}`,
    'Status: install ok installed',
    'Architecture: amd64',
    ...(source === undefined ? [] : [`Source: ${source}`]),
  ];
  return `${[...lines, `Version: ${version}`, 'Maintainer: Debian', 'Description: part of the demo'].join('\n')}\n`;
}

function shopPackage(version: string): TarFile {
  const content = JSON.stringify({ name: 'shop', version: '1.0.0', private: true, dependencies: { minimist: version } });
  return { path: 'srv/shop/package.json', content };
}

function minimist(version: string): TarFile {
  return { path: 'srv/shop/node_modules/minimist/package.json', content: JSON.stringify({ name: 'minimist', version, license: 'MIT' }) };
}

function environmentFile(keyId: string, random: typeof randomBytes): TarFile {
  const secret = random(30).toString('base64').replaceAll('+', 'a').replaceAll('/', 'b');
  return { path: 'srv/shop/.env', content: `PORT=8080\nAWS_ACCESS_KEY_ID=${keyId}\nAWS_SECRET_ACCESS_KEY=${secret}\n` };
}

function toBase32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from(bytes, (byte) => alphabet[byte % 32]).join('');
}

/** https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format */
function toImage(instructions: readonly Instruction[], user: string): ShopImage {
  const layers = instructions.flatMap(({ files }) => (files === undefined ? [] : [toTar(files)]));
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { User: user, Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Cmd: ['node', '/srv/shop/server.js'] },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
      history: instructions.map(({ createdBy, files }) => ({
        created: '2026-01-01T00:00:00Z',
        created_by: createdBy,
        ...(files === undefined ? { empty_layer: true } : {}),
      })),
    }),
  );
  const manifest = [
    { Config: `${sha256(config)}.json`, RepoTags: ['shop:ci'], Layers: layers.map((layer) => `${sha256(layer)}/layer.tar`) },
  ];
  const archive = toTar([
    ...layers.map((layer) => ({ path: `${sha256(layer)}/layer.tar`, content: layer })),
    { path: `${sha256(config)}.json`, content: config },
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
  return { archive, dockerfile: `${instructions.map(({ text }) => text).join('\n')}\n` };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
