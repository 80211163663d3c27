/**
 * What kind of place a path is. Published packages are full of keys that everybody knows, in their tests, their documentation and their code;
 * gitleaks passes over the whole of `node_modules` and `site-packages`, trivy over much of `/usr` and everything with `test` in its path. Here
 * only this is `published`, and not searched: what lies in a package's folder and is a test, an example, documentation or source code; the Go
 * distribution; and the distribution's shared libraries (GnuTLS carries the keys of its self-test). Other files in a package's folder
 * (`package`) are searched, for a key or an `.env` may have been put there. `demonstration` is a test, an example or documentation in the
 * application's own folders. Findings in both are told as what they are.
 */
export type Placement = 'plain' | 'package' | 'demonstration' | 'published';

export function toPlacement(path: string): Placement {
  if (systemLibrary.test(path) || path.startsWith('usr/local/go/')) return 'published';
  if (packageFolder.test(path)) return sourceCode.test(path) || demonstration.test(path) ? 'published' : 'package';
  return demonstration.test(path) ? 'demonstration' : 'plain';
}

const systemLibrary = /^(?:usr\/)?lib(?:32|64|x32)?\/(?:.*\/)?[^/]+\.(?:so(?:\.[\d.]+)?|a|ko(?:\.\w+)?)$/;

const packageFolder = new RegExp(
  [
    /(?:^|\/)(?:node_modules|site-packages|dist-packages|gems|bower_components|vendor|third_party|go\/pkg\/mod|\.cargo\/registry|\.m2\/repository)\//,
    /(?:^|\/)lib(?:64)?\/(?:python|ruby|perl|node|php|jvm|erlang|gcc|[\w-]+\/perl)/,
    /^usr\/share\/(?:doc|man|info|perl|python|ruby|nodejs|javascript|vim|emacs|help|licenses)/,
    /^opt\/yarn-v/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

const demonstration = new RegExp(
  [
    /(?:^|\/)(?:tests?|testing|__tests__|test[_-]?(?:data|suite|files|cases|vectors)|e2e|fixtures?|__fixtures__|specs?|examples?|samples?)\//,
    /(?:^|\/)(?:demos?|docs?|documentation|mocks?|__mocks__|dummyserver|bench(?:marks?)?)\//,
    /(?:^|\/)(?:test_|readme|changelog|history\.)[^/]*$/,
    /[._-](?:tests?|spec|examples?|sample)\.[a-z0-9.]{1,12}$/,
    /\.(?:example|sample|template|dist|md|markdown|rst|adoc)$/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

const sourceCode =
  /\.(?:[cm]?[jt]sx?|map|py[cioxw]?|rb|php\d?|go|java|class|kt|scala|cs|c|h|cc|cpp|hpp|rs|p[lm]|pod|t|lua|ex|exs|erl|swift|html?|xhtml|css|txt|json|xml|ya?ml|svg|\d)$/i;
