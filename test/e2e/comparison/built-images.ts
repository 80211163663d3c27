import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expectProgram } from '../step.ts';
import { binaryImages } from './binary-images.ts';
import { cacheFolder } from './cached-output.ts';
import type { Recipe } from './recipe.ts';

/** Builds an archive, as docker save writes one, of the recipe's layers; one that was built by this script on this machine before is kept. */
export function buildImage({ name, script }: Recipe): Promise<string> {
  const digest = createHash('sha256').update(script).digest('hex').slice(0, 8);
  return buildFile(`${name}-${digest}.tar`, `{ ${script}\n${toArchive}\n} >&2; cat image.tar`);
}

/** What a script writes to its standard output, in a file; one that was made on this machine before is kept. */
export async function buildFile(name: string, script: string): Promise<string> {
  const path = join(cacheFolder, 'comparison-images', name);
  if ((await stat(path).catch(() => undefined)) !== undefined) return path;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const part = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await expectProgram('bash', ['-euo', 'pipefail', '-c', `exec >'${part}'\n${script}`], { cwd: folder, env: process.env });
    await rename(part, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return path;
}

/** https://github.com/moby/docker-image-spec/blob/main/v1.2.md, "Combined Image JSON + Filesystem Changeset Format". */
const toArchive = `
layers=(); ids=(); history=()
for tree in layer?; do
  tar -C "$tree" --sort=name --mtime=@0 --owner=0 --group=0 --exclude=./dev --exclude=./proc -cf "$tree.tar" .
  layers+=("\\"$tree.tar\\"")
  ids+=("\\"sha256:$(sha256sum "$tree.tar" | cut -d' ' -f1)\\"")
  history+=("{\\"created_by\\":\\"COPY $tree /\\"}")
done
join() { local IFS=,; echo "$*"; }
echo "{\\"architecture\\":\\"amd64\\",\\"os\\":\\"linux\\",\\"config\\":{},\\"rootfs\\":{\\"type\\":\\"layers\\",\\"diff_ids\\":[$(join "\${ids[@]}")]},\\"history\\":[$(join "\${history[@]}")]}" >config.json
echo "[{\\"Config\\":\\"config.json\\",\\"RepoTags\\":[\\"comparison:latest\\"],\\"Layers\\":[$(join "\${layers[@]}")]}]" >manifest.json
tar -cf image.tar manifest.json config.json layer?.tar
`;

function debian(suite: string): Recipe {
  // Debian's packages of a minimal system, as most images of it begin with.
  return { name: suite, script: `debootstrap --variant=minbase ${suite} layer1 >debootstrap.log` };
}

/** What npm and pip install, and what later layers do to it. */
const languages: Recipe = {
  name: 'languages',
  script: `
mkdir -p layer1/app layer1/old layer1/gone layer1/venv layer2/app layer2/old layer2/gone
npm install --prefix layer1/app --ignore-scripts --no-audit --no-fund --loglevel=error express@4.18.2 @babel/core@7.23.0 >&2
npm install --prefix layer1/old --ignore-scripts --no-audit --no-fund --loglevel=error lodash@4.17.15 left-pad@1.3.0 >&2
npm install --prefix layer1/gone --ignore-scripts --no-audit --no-fund --loglevel=error moment@2.29.1 >&2
pip install -q --no-compile --no-deps --target layer1/venv/lib/python3.11/site-packages requests==2.31.0 PyYAML==6.0.1 jinja2==3.1.2 zope.interface==6.1 idna==3.4
# A later layer deletes one folder, makes another anew, and upgrades a package in place.
touch layer2/.wh.gone
rmdir layer2/gone
touch layer2/old/.wh..wh..opq
npm install --prefix layer2/old --ignore-scripts --no-audit --no-fund --loglevel=error lodash@4.17.21 >&2
site=layer2/venv/lib/python3.11/site-packages; mkdir -p $site
pip install -q --no-compile --no-deps --target $site idna==3.7
touch $site/.wh.idna-3.4.dist-info
`,
};

/** A distribution in which a later layer upgrades one package and removes another, with dpkg itself. */
const upgraded: Recipe = {
  name: 'upgraded',
  script: `
apt-get update -qq >&2
debs() { apt-cache madison "$1" | awk -F'|' '{gsub(/ /, "", $2); print $2}' | sort -uV; }
for name in libssl3 openssl libgnutls30 libc-bin; do
  [ "$(debs $name | wc -l)" -gt 1 ] && break
done
older=$(debs $name | head -1); newer=$(debs $name | tail -1)
[ "$older" != "$newer" ]
apt-get download -qq "$name=$older" "$name=$newer" hostname >&2
root=$PWD/layer1; mkdir -p $root/var/lib/dpkg/info $root/var/lib/dpkg/updates $root/etc; touch $root/var/lib/dpkg/status
printf 'ID=debian\\nVERSION_ID="12"\\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\\n' >$root/etc/os-release
unpack() { dpkg --root=$root --force-all --unpack "$@" >&2; }
unpack ./hostname_*.deb "./$name"_*"$(echo $older | sed 's/:/%3a/')"*.deb
cp -a layer1 before
unpack "./$name"_*"$(echo $newer | sed 's/:/%3a/')"*.deb
dpkg --root=$root --force-all --purge hostname >&2
mv layer1 after; mv before layer1
# The upper layer is what has changed, and a whiteout for what is gone.
mkdir layer2
(cd after && find . -type f -o -type l) | while read -r file; do
  cmp -s "after/$file" "layer1/$file" || { mkdir -p "layer2/$(dirname "$file")"; cp -a "after/$file" "layer2/$file"; }
done
(cd layer1 && find . -type f -o -type l) | while read -r file; do
  [ -e "after/$file" ] || [ -L "after/$file" ] || { mkdir -p "layer2/$(dirname "$file")"; touch "layer2/$(dirname "$file")/.wh.$(basename "$file")"; }
done
rm -rf after
`,
};

export const recipes: readonly Recipe[] = [debian('bullseye'), debian('bookworm'), languages, upgraded, ...binaryImages];
