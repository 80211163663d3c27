import { crc32 } from 'node:zlib';
import { isPlaceholder } from './placeholder.ts';
import { isAt, type Neighbourhood, type SecretMatch, type SecretRule } from './secret-rule.ts';

/** https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats */
const kinds: Readonly<Record<string, string>> = {
  ghp_: 'GitHub personal access token',
  gho_: 'GitHub OAuth token',
  ghu_: 'GitHub App user token',
  ghs_: 'GitHub App installation token',
  ghr_: 'GitHub refresh token',
};

/** The anchors stand one byte behind the `g`; that of the fine-grained token, `b_p`, five. */
export const githubTokenRule: SecretRule = {
  anchors: [
    ['h', 'purs', '_'],
    ['h', 'o', '_'],
    ['b', '_', 'p'],
  ],
  begins: (content, at) => isAt(content, at - 1, 'gh') || isAt(content, at - 5, 'github_pat_'),
  match: (text) => matchFineGrained(text) ?? matchClassic(text) ?? matchStateless(text),
};

/** 36 letters and digits, of which the last six are a checksum; refresh tokens have 76. GitHub reserves up to 255. */
function matchClassic({ text, at }: Neighbourhood): SecretMatch | undefined {
  const start = at - 1;
  const token = /^gh[opusr]_[A-Za-z0-9]{36,251}(?![A-Za-z0-9_])/.exec(text.slice(start, start + 260))?.[0];
  if (token === undefined || isPartOfWord(text, start) || isPlaceholder(token.slice(4))) return undefined;
  const title = kinds[token.slice(0, 4)] ?? 'GitHub token';
  return hasChecksum(token)
    ? { rule: 'github-token', title, severity: 'critical', secret: token, start }
    : { rule: 'github-token', title: `${title} (its checksum does not fit)`, severity: 'high', secret: token, start };
}

function matchFineGrained({ text, at }: Neighbourhood): SecretMatch | undefined {
  const start = at - 5;
  const token = /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?![A-Za-z0-9_])/.exec(text.slice(Math.max(0, start), start + 95))?.[0];
  if (token === undefined || isPartOfWord(text, start) || isPlaceholder(token.slice(11))) return undefined;
  return { rule: 'github-token', title: 'GitHub fine-grained personal access token', severity: 'critical', secret: token, start };
}

/** Installation tokens since 2026: `ghs_APPID_` and a JSON Web Token. */
function matchStateless({ text, at }: Neighbourhood): SecretMatch | undefined {
  const start = at - 1;
  const token = /^ghs_\d{1,20}_eyJ[\w-]{10,1500}\.[\w-]{10,1500}\.[\w-]{10,1000}/.exec(text.slice(start))?.[0];
  if (token === undefined || isPartOfWord(text, start)) return undefined;
  return { rule: 'github-token', title: kinds.ghs_ ?? '', severity: 'high', secret: token, start };
}

function isPartOfWord(text: string, start: number): boolean {
  return start > 0 && /[A-Za-z0-9]/.test(text.charAt(start - 1)) && !/\\[nrt]$/.test(text.slice(Math.max(0, start - 2), start));
}

/** https://github.blog/engineering/behind-githubs-new-authentication-token-formats/: the CRC-32 of what stands between prefix and checksum, in base 62. */
function hasChecksum(token: string): boolean {
  let rest = crc32(Buffer.from(token.slice(4, -6), 'latin1'));
  let digits = '';
  for (let index = 0; index < 6; index++) {
    digits = base62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return token.endsWith(digits);
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
