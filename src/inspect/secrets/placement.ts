/**
 * What kind of place a path is. Published packages are full of keys that everybody knows, in their tests, their documentation and their code;
 * gitleaks passes over the whole of `node_modules` and `site-packages`, trivy over much of `/usr` and everything with `test` in its path. Here
 * only this is `published`, and not searched: what lies in a package's folder and is a test, an example, documentation or source code, and the
 * distribution's shared libraries (GnuTLS carries the keys of its self-test). A key file or an `.env` that was put into such a folder is still
 * found. `demonstration` is a test, example or documentation file in the application's own folders: reported as what it is.
 */
export type Placement = 'plain' | 'demonstration' | 'published';

export function toPlacement(path: string): Placement {
  if (systemLibrary.test(path)) return 'published';
  if (packageFolder.test(path)) return sourceCode.test(path) || demonstration.test(path) ? 'published' : 'plain';
  return demonstration.test(path) ? 'demonstration' : 'plain';
}

const packageFolder =
  /(?:^|\/)(?:node_modules|site-packages|dist-packages|gems|bower_components|go\/pkg\/mod|\.cargo\/registry|\.m2\/repository)\/|^(?:usr\/local\/go|opt\/yarn-v[^/]+|usr\/share\/(?:doc|man|info|perl|perl5|python3?|ruby|rubygems[^/]*|nodejs|javascript|vim|emacs|help|licenses))\/|^usr\/(?:local\/)?lib\/(?:python|ruby|perl|go|node|php|jvm|erlang|gcc|x86_64-linux-gnu\/perl)/;

const systemLibrary = /^(?:usr\/)?lib(?:32|64|x32)?\/(?:.*\/)?[^/]+\.(?:so(?:\.[\d.]+)?|a|ko(?:\.\w+)?)$/;

const demonstration =
  /(?:^|\/)(?:tests?|testing|__tests__|test[_-]?(?:data|suite|files|cases|vectors)|e2e|fixtures?|__fixtures__|specs?|examples?|samples?|demos?|docs?|documentation|mocks?|__mocks__|bench(?:marks?)?)\/|(?:^|\/)(?:test_|readme|changelog|history\.)[^/]*$|(?:[._-](?:tests?|spec|examples?|sample)\.[a-z0-9.]{1,12}|\.example|\.sample|\.template|\.dist|\.md|\.markdown|\.rst|\.adoc)$/i;

const sourceCode =
  /\.(?:[cm]?[jt]sx?|map|py[cioxw]?|rb|php\d?|go|java|class|kt|scala|cs|c|h|cc|cpp|hpp|rs|p[lm]|pod|t|lua|ex|exs|erl|swift|html?|xhtml|css|txt|json|xml|ya?ml|svg|\d)$/i;
