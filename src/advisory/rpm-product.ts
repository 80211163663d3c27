/**
 * Red Hat and SUSE file their advisories under products and the channels of them, and which channel a package came from is not in the image. `Red
 * Hat:enterprise_linux:9` stands for all channels of that release (`enterprise_linux:9::baseos`), and `SUSE:Linux Enterprise Server 15 SP5` for all
 * products and modules of that service pack (`Linux Enterprise Module for Basesystem 15 SP5`, `… 15 SP5-LTSS`). Extended support of older minor
 * releases (`rhel_eus:9.2`) and layered products (`openshift:4.14::el9`) are other products: their fixed versions are not of this release.
 */
export function isSameProduct(base: string, one: string, other: string): boolean {
  const toProduct = base === 'Red Hat' ? redHatRelease : base === 'SUSE' ? suseRelease : undefined;
  const product = toProduct?.(one);
  return product !== undefined && product === toProduct?.(other);
}

/** From Red Hat Enterprise Linux 10 on the minor release is in the name as well. */
function redHatRelease(text: string): string | undefined {
  return /^enterprise_linux:(\d+)(?:\.\d+)?(?:::|$)/.exec(text)?.[1];
}

function suseRelease(text: string): string | undefined {
  return /^(?:Linux Enterprise|Linux Micro) .*?(\d+(?:\.\d+)?(?: SP\d+)?)(?:-[A-Z-]+)?$/.exec(text)?.[1];
}

/** What to ask a service that compares ecosystems by their letters, as osv.dev does: each channel that a package of `ecosystem` may have come from. */
export function toServiceEcosystems(ecosystem: string): readonly string[] {
  const redHat = /^Red Hat:enterprise_linux:(\d+)$/.exec(ecosystem)?.[1];
  if (redHat !== undefined) return redHatChannels(Number(redHat)).map((channel) => `Red Hat:enterprise_linux:${channel}`);
  const suse = ecosystem.startsWith('SUSE:') ? suseRelease(ecosystem.slice('SUSE:'.length)) : undefined;
  if (suse === undefined || !/^1[25]\b/.test(suse)) return [ecosystem];
  const products = [...new Set([ecosystem.slice('SUSE:'.length, -suse.length - 1), ...suseProducts])];
  return [...products.map((product) => `SUSE:${product} ${suse}`), `SUSE:Linux Enterprise Server ${suse}-LTSS`];
}

function redHatChannels(major: number): readonly string[] {
  if (major < 8) return [`${major}::server`, `${major}::workstation`];
  if (major < 10) return ['baseos', 'appstream', 'crb'].map((channel) => `${major}::${channel}`);
  return Array.from({ length: 11 }, (_, minor) => `${major}.${minor}`);
}

/** Those whose packages an image of the base container or of the server holds. */
const suseProducts = [
  'Linux Enterprise Server',
  'Linux Enterprise Module for Basesystem',
  'Linux Enterprise Module for Server Applications',
  'Linux Enterprise Module for Development Tools',
  'Linux Enterprise Module for Web and Scripting',
  'Linux Enterprise Module for Python 3',
  'Linux Enterprise Module for Containers',
  'Linux Enterprise Module for Legacy',
  'Linux Enterprise Module for Package Hub',
];
