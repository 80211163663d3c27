import { toClipped, toVisibleLine, toVisibleLines } from '../lib/visible-text.ts';

/**
 * Hostile text as GitHub-flavoured Markdown that shows it and does nothing: no link, mention, reference, image, HTML, formula, emoji or table
 * cell comes of it. Safe within a paragraph, a list item after its first word, and a table cell; not in an HTML block.
 *
 * Escapes alone do not do: GitHub looks for mentions, references and addresses in the rendered text. A zero-width space after the
 * character that begins one keeps it from being found (as Dependabot and Renovate do).
 */
export function toText(text: string, maxCharacters = 200): string {
  return toClipped(toVisibleLine(text).trim(), maxCharacters)
    .replace(triggers, `$&${zeroWidthSpace}`)
    .replace(/[&<>|]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\\`*_[\]~$!]|(?<!&)#|^[+=-]|(?<=^\d{1,9})[.)](?=\s|$)/g, '\\$&');
}

/** Hostile text as a code span; not for a table cell. */
export function toCode(text: string, maxCharacters = 120): string {
  const line = toClipped(toVisibleLine(text), maxCharacters);
  if (line.trim() === '') return '`\u00a0`';
  const fence = '`'.repeat(longestTicks(line) + 1);
  const padding = /^`|`$|^ .* $/.test(line) ? ' ' : '';
  return `${fence}${padding}${line}${padding}${fence}`;
}

/**
 * Hostile text as a code span in a table cell. The table splits at each pipe that has no backslash before it, and takes that backslash off;
 * behind another backslash a pipe could do neither, and is written out.
 */
export function toCellCode(text: string, maxCharacters = 120): string {
  return toCode(text, maxCharacters).replace(/(\\?)\|/g, (_, backslash: string) => (backslash === '' ? '\\|' : '\\\\u{7c}'));
}

/** Lines of our own making that may quote hostile text, as a fenced code block which they cannot end. */
export function toCodeBlock(language: string, text: string): { readonly open: string; readonly body: string; readonly close: string } {
  const body = toVisibleLines(text);
  const fence = '`'.repeat(Math.max(2, longestTicks(body)) + 1);
  return { open: `${fence}${language}\n`, body: `${body}\n`, close: `${fence}\n` };
}

function longestTicks(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
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
  'osv.dev': /^\/vulnerability\/\w/,
  'api.osv.dev': /^\/v1\/vulns\/\w/,
  'nvd.nist.gov': /^\/vuln\/detail\/\w/,
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
  // `:` stands in Red Hat's errata (`RHSA-2026:0001`), the query in the CVE list's (`?id=CVE-2026-1`).
  if (!/^\/[\w/.-]*[\w-](?::\d+)?$/.test(url.pathname) || !/^(?:\?id=[\w-]+)?$/.test(url.search) || url.hash !== '') return undefined;
  return `https://${url.hostname}${url.pathname}${url.search}`.replaceAll('_', '%5F');
}
