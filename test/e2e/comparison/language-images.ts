import { join } from 'node:path';
import type { Recipe } from './recipe.ts';

const inventory = join(import.meta.dirname, '../../inspect/inventory');
const npm = 'npm install --ignore-scripts --no-audit --no-fund --loglevel=error';

/**
 * Projects of npm, pnpm and Yarn as each installs them, with what they bundle and with lock files that stay beside; a tool that is installed globally.
 */
const node: Recipe = {
  name: 'node-projects',
  script: `
mkdir -p layer1/app/tool layer1/pnpm layer1/yarn/e2e layer1/usr/local
echo '{"name":"app","version":"1.0.0","workspaces":["tool"],"dependencies":{"express":"4.18.2","lodash-four":"npm:lodash@4.17.15"},"devDependencies":{"nopt":"4.0.1"}}' >layer1/app/package.json
echo '{"name":"@app/tool","version":"1.0.0","dependencies":{"ms":"2.1.0"}}' >layer1/app/tool/package.json
(cd layer1/app; ${npm} --omit=dev >&2)
npm install --global --prefix $PWD/layer1/usr/local --ignore-scripts --no-audit --no-fund --loglevel=error npm@10.8.2 >&2
echo '{"private":true,"dependencies":{"react":"16.14.0","react-dom":"16.14.0","@babel/code-frame":"7.0.0"}}' >layer1/pnpm/package.json
(cd layer1/pnpm; npx --yes pnpm@9.15.9 install --prod --ignore-scripts --store-dir $PWD/../../store >&2)
echo '{"private":true,"dependencies":{"debug":"2.6.0","chalk":"2.4.2"},"devDependencies":{"nopt":"4.0.1"}}' >layer1/yarn/package.json
(cd layer1/yarn; npx --yes yarn@1.22.22 install --production --ignore-scripts --silent --no-progress >&2)
echo '{"name":"e2e","version":"1.0.0","lockfileVersion":3,"packages":{"node_modules/debug":{"version":"4.0.0"}}}' >layer1/yarn/e2e/package-lock.json
`,
};

/** Environments of pip with the files that they were installed by, and of conda; an egg, and a package whose source was linked. */
const python: Recipe = {
  name: 'python-projects',
  script: `
site=layer1/usr/local/lib/python3.11/site-packages; mkdir -p $site layer1/app/tests layer1/opt/conda/conda-meta layer1/srv/linked
pip install -q --no-compile --target $site flask==2.0.0 werkzeug==2.0.0 'urllib3[socks]==1.26.18'
printf 'flask==1.0.0\\nwerkzeug==0.15.0\\nnot-installed==1.0\\n' >layer1/app/requirements.txt
printf 'pytest==5.0.0\\n' >layer1/app/tests/requirements.txt
printf '[[package]]\\nname = "flask"\\nversion = "1.0.0"\\n' >layer1/app/poetry.lock
python3 -m venv --without-pip layer1/venv
pip install -q --no-compile --no-deps --target layer1/venv/lib/python3.11/site-packages Jinja2==2.11.2 markupsafe==2.1.5
rm -rf $site/bin
printf 'Metadata-Version: 1.1\\nName: Old.Egg\\nVersion: 1.0\\nLicense: MIT\\n' >$site/Old.Egg-1.0-py3.11.egg-info
mkdir $site/linked.egg-info; printf 'Metadata-Version: 2.1\\nName: linked\\nVersion: 0.3\\n' >$site/linked.egg-info/PKG-INFO
echo '{"arch":"x86_64","build":"h27cfd23_0","build_number":0,"channel":"https://conda.example/main/linux-64","depends":[],"files":[],"license":"OpenSSL","name":"openssl","platform":"linux","subdir":"linux-64","version":"1.1.1k"}' >layer1/opt/conda/conda-meta/openssl-1.1.1k-h27cfd23_0.json
echo '{"build":"pyhd3eb1b0_0","channel":"https://conda.example/main/noarch","depends":["python"],"files":["lib/python3.9/site-packages/idna/__init__.py"],"license":"BSD-3-Clause","name":"idna","noarch":"python","subdir":"noarch","version":"2.10"}' >layer1/opt/conda/conda-meta/idna-2.10-pyhd3eb1b0_0.json
mkdir -p layer1/opt/conda/envs/a/conda-meta
echo '{"build":"h5eee18b_0","channel":"https://conda.example/main/linux-64","depends":[],"files":[],"license":"Zlib","name":"zlib","subdir":"linux-64","version":"1.2.12"}' >layer1/opt/conda/envs/a/conda-meta/zlib-1.2.12-h5eee18b_0.json
pip install -q --no-compile --no-deps --target layer1/opt/conda/lib/python3.9/site-packages idna==2.10
`,
};

/** What Debian packs of Ruby, unpacked without its package manager: default, bundled and other gems. */
const ruby: Recipe = {
  name: 'ruby-gems',
  script: `
apt-get update -qq >&2
apt-get download -qq libruby3.1 ruby-rubygems ruby-rack ruby-nokogiri ruby-addressable ruby-public-suffix ruby-webrick rake bundler >&2
mkdir layer1; for deb in *.deb; do dpkg-deb -x $deb layer1; done
`,
};

/** What Composer has installed, once in the form of each of its versions, and PEAR as Debian packs it, without its package manager. */
const php: Recipe = {
  name: 'php-packages',
  script: `
mkdir -p layer1/var/www/vendor/composer layer1/srv/old/vendor/composer
apt-get update -qq >&2; apt-get download -qq php-pear >&2; dpkg-deb -x php-pear_*.deb layer1
cp '${inventory}/composer-installed.golden.json' layer1/var/www/vendor/composer/installed.json
cp '${inventory}/lock/samples/composer.golden.lock' layer1/var/www/composer.lock
echo '[{"name":"monolog/monolog","version":"1.24.0","version_normalized":"1.24.0.0","license":["MIT"]},{"name":"psr/log","version":"1.1.0","license":["MIT"]}]' >layer1/srv/old/vendor/composer/installed.json
`,
};

/** The shared runtime and an application of .NET, as packages of PyPI bring them. */
const dotnet: Recipe = {
  name: 'dotnet',
  script: `
pip download -q --no-deps --only-binary :all: --python-version 3.8 --platform manylinux1_x86_64 dotnetcore2==2.1.23
pip download -q --no-deps pythonnet==3.0.3
mkdir -p layer1/usr/share/dotnet layer1/app wheels
for wheel in *.whl; do python3 -m zipfile -e $wheel wheels; done
cp -r wheels/dotnetcore2/bin/shared layer1/usr/share/dotnet/
cp -r wheels/pythonnet/runtime/. layer1/app/
`,
};

/** A lock file of each tool, with nothing installed. */
const locks: Recipe = {
  name: 'lock-files',
  script: `
put() { mkdir -p "layer1/srv/$1"; cp "${inventory}/lock/samples/$2" "layer1/srv/$1/$3"; }
put npm package-lock-3.golden.json package-lock.json
put yarn yarn-1.golden.lock yarn.lock
put berry yarn-4.golden.lock yarn.lock
put pnpm pnpm-9.golden.yaml pnpm-lock.yaml
put bun bun.golden.lock bun.lock
put deno deno.golden.lock deno.lock
put poetry poetry.golden.lock poetry.lock
put pdm pdm.golden.lock pdm.lock
put uv uv.golden.lock uv.lock
put pylock pylock.golden.toml pylock.toml
put pipenv pipfile.golden.lock Pipfile.lock
put pip requirements.golden.txt requirements.txt
put ruby gemfile.golden.lock Gemfile.lock
put php composer.golden.lock composer.lock
put rust cargo.golden.lock Cargo.lock
mkdir layer1/srv/dotnet
echo '{"version":1,"dependencies":{"net8.0":{"Serilog":{"type":"Direct","requested":"[2.10.0, )","resolved":"2.10.0","contentHash":"x"},"shop.core":{"type":"Project"}}}}' >layer1/srv/dotnet/packages.lock.json
`,
};

export const languageRecipes: readonly Recipe[] = [node, python, ruby, php, dotnet, locks];
