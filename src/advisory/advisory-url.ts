import type { Package } from '../model/package.ts';
import { toBase } from './ecosystem.ts';

/**
 * The page that tells most about a vulnerability: the distribution's own (which knows its releases), GitHub's, or osv.dev's page of the record.
 * Only these hosts are linked to, and ids are escaped.
 */
export function advisoryUrl(id: string, item: Package, recordId: string): string {
  const page = encodeURIComponent(id);
  const base = toBase(item.ecosystem ?? '');
  if (base === 'Debian' && /^(CVE|DSA|DLA)-/.test(id)) return `https://security-tracker.debian.org/tracker/${page}`;
  if (base === 'Ubuntu' && id.startsWith('CVE-')) return `https://ubuntu.com/security/${page}`;
  if (base === 'Alpine' && id.startsWith('CVE-')) return `https://security.alpinelinux.org/vuln/${page}`;
  if (id.startsWith('GHSA-')) return `https://github.com/advisories/${page}`;
  return `https://osv.dev/vulnerability/${encodeURIComponent(recordId)}`;
}
