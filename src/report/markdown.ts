import { toClipped, toVisibleLine } from '../lib/visible-text.ts';

/**
 * Hostile text as GitHub-flavoured Markdown that shows it and does nothing: no link, mention, reference, image, HTML, formula, emoji or table
 * cell comes of it. Safe within a paragraph, a list item after its first word, and a table cell; not in an HTML block.
 *
 * Escapes alone do not do: GitHub looks for mentions, references and addresses in the rendered text. A zero-width space after the
 * character that begins one keeps it from being found (as Dependabot and Renovate do).
 */
export function toText(text: string, maxCharacters = 200): string {
  return toClipped(toVisibleLine(text), maxCharacters)
    .replace(/[&<>|]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\\`*_[\]~$!#]|^[+=-]|(?<=^\d{1,9})[.)]/g, '\\$&')
    .replace(triggers, `$&${zeroWidthSpace}`);
}

/** Hostile text as a code span, safe in a table cell too. */
export function toCode(text: string, maxCharacters = 120): string {
  const line = toClipped(toVisibleLine(text), maxCharacters);
  if (line.trim() === '') return '`\u00a0`';
  const ticks = Math.max(0, ...[...line.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(ticks + 1);
  const padding = /^`|`$|^ .* $/.test(line) ? ' ' : '';
  // A table splits at each pipe that has no backslash before it, and takes that backslash off; behind another backslash it may do neither.
  const cell = line.replace(/(\\?)\|/g, (_, backslash: string) => (backslash === '' ? '\\|' : '\\\\u{7c}'));
  return `${fence}${padding}${cell}${padding}${fence}`;
}

/** Lines of our own making that may quote hostile text, as a fenced code block which they cannot end. */
export function toCodeBlock(language: string, text: string): { readonly open: string; readonly body: string; readonly close: string } {
  const body = text.split('\n').map(toVisibleLine).join('\n');
  const ticks = Math.max(2, ...[...body.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(ticks + 1);
  return { open: `${fence}${language}\n`, body: `${body}\n`, close: `${fence}\n` };
}

/** The advisory's id, linked where its address is one of those that publish advisories. */
export function toAdvisoryLink(id: string, url: string): string {
  const address = toAdvisoryAddress(url);
  const label = toText(id, 60);
  return address === undefined ? label : `[${label}](${address})`;
}

const zeroWidthSpace = '\u200b';

/** Mentions, issues and pull requests (`#1`, `GH-1`, `!1`), addresses with and without a scheme, emoji names, commits. */
const triggers =
  /@|#(?=\w)|!(?=\d)|\bgh-(?=\d)|:(?=\/\/|[\w+-]+:)|\bwww(?=\.)|\b(?:mailto|xmpp):|(?<![0-9a-f])[0-9a-f]{20}(?=[0-9a-f]{20}(?![0-9a-f]))/gi;

/** Hosts that publish advisories, and the paths that are theirs where the host has others' pages too. */
const advisoryHosts: Readonly<Record<string, RegExp>> = {
  'osv.dev': /^\/vulnerability\//,
  'api.osv.dev': /^\/v1\/vulns\//,
  'nvd.nist.gov': /^\/vuln\/detail\//,
  'www.cve.org': /^\/CVERecord/,
  'cve.org': /^\/CVERecord/,
  'github.com': /^\/advisories\/GHSA-/,
  'security-tracker.debian.org': /^\/tracker\//,
  'security.alpinelinux.org': /^\/vuln\//,
  'ubuntu.com': /^\/security\//,
  'access.redhat.com': /^\/(?:security|errata)\//,
  'errata.almalinux.org': /^\//,
  'errata.rockylinux.org': /^\//,
  'pkg.go.dev': /^\/vuln\//,
  'rustsec.org': /^\/advisories\//,
};

function toAdvisoryAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const paths = Object.hasOwn(advisoryHosts, url.hostname) ? advisoryHosts[url.hostname] : undefined;
  if (url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '') return undefined;
  if (paths === undefined || !paths.test(url.pathname) || url.href.length > 300) return undefined;
  return /^[\w:/.%?=&-]+$/.test(url.href) ? url.href.replaceAll('&', '&amp;').replaceAll('_', '%5F') : undefined;
}
