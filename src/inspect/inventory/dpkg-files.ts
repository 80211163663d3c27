import type { FileReader } from './file-inspector.ts';
import { isLanguageFile } from './language-file.ts';
import { lines } from './stanza.ts';

const listPath = /^(?:usr\/)?(?:var\/)?lib\/(?:sysimage\/)?dpkg\/(?:info\/([^/:]+)(?::[^/]+)?\.list|status\.d\/([^/]+)\.md5sums)$/;

/**
 * Which files a Debian package brought, and which of them state language packages: `info/NAME[:ARCHITECTURE].list` (one path a line), or `status.d/NAME.md5sums` in distroless
 * images (`digest  path`, deb-md5sums(5)).
 */
export const dpkgFilesReader: FileReader = {
  name: 'dpkg-files',
  weight: 'optional',
  isWanted: (path) => (path.endsWith('.list') || path.endsWith('.md5sums')) && listPath.test(path),
  read(path, content) {
    const [, listed, summed] = listPath.exec(path) ?? [];
    const owner = listed ?? summed;
    if (owner === undefined) return [];
    const text = content.toString('utf8');
    const fileList = summed === undefined ? text : [...lines(text)].map((line) => line.slice(line.indexOf('  ') + 2)).join('\n');
    const languageFiles = mayNameLanguageFiles(content)
      ? [...lines(fileList)].map((line) => line.replace(/^[./]+/, '')).filter(isLanguageFile)
      : [];
    return [{ kind: 'package-note', path, type: 'deb', package: owner, languageFiles, fileList }];
  },
};

function mayNameLanguageFiles(content: Buffer): boolean {
  return fragments.some((fragment) => content.includes(fragment));
}

const fragments = ['/package.json', '-info', '.gemspec', '/composer/installed.json', '/.registry/', '.deps.json', '/conda-meta/'];
