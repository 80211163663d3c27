import type { OperatingSystem } from '../../model/package.ts';

/**
 * Last days on which releases get security updates from the distribution that everybody gets: with Debian's LTS, without what is paid for (Ubuntu
 * Pro, RHEL's ELS and EUS, SUSE's LTSS, Debian's ELTS). Written on 2026-11-24:
 * - Debian and Ubuntu as the package distro-info-data has them, with which a test compares them
 * - CBL-Mariner from memory, not compared with any source
 * - all others as endoflife.date has them (github.com/endoflife-date/endoflife.date of 2026-08-22, a70eca3), which names the distributions' own pages
 *
 * A release that is not here is one of which no day was known.
 */
const lastDays: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  almalinux: { '8': '2029-05-31', '9': '2032-05-31', '10': '2035-05-31' },
  alpine: {
    ...{ '3.3': '2017-11-01', '3.4': '2018-05-01', '3.5': '2018-11-01', '3.6': '2019-05-01', '3.7': '2019-11-01', '3.8': '2020-05-01' },
    ...{
      '3.9': '2020-11-01',
      '3.10': '2021-05-01',
      '3.11': '2021-11-01',
      '3.12': '2022-05-01',
      '3.13': '2022-11-01',
      '3.14': '2023-05-01',
    },
    ...{
      '3.15': '2023-11-01',
      '3.16': '2024-05-23',
      '3.17': '2024-11-22',
      '3.18': '2025-05-09',
      '3.19': '2025-11-01',
      '3.20': '2026-04-01',
    },
    ...{ '3.21': '2026-11-01', '3.22': '2027-05-01', '3.23': '2027-11-01', '3.24': '2028-06-01' },
  },
  amzn: { '1': '2023-12-31', '2018.03': '2023-12-31', '2': '2026-06-30', '2023': '2029-06-30' },
  centos: { '5': '2017-03-31', '6': '2020-11-30', '7': '2024-06-30', '8': '2021-12-31' },
  'centos stream': { '8': '2024-05-31', '9': '2027-05-31', '10': '2030-05-31' },
  debian: {
    ...{ '6': '2016-02-29', '7': '2018-05-31', '8': '2020-06-30', '9': '2022-06-30', '10': '2024-06-30', '11': '2026-08-31' },
    ...{ '12': '2028-06-30', '13': '2030-06-30' },
  },
  fedora: {
    ...{ '30': '2020-05-26', '31': '2020-11-24', '32': '2021-05-25', '33': '2021-11-30', '34': '2022-06-07', '35': '2022-12-13' },
    ...{ '36': '2023-05-16', '37': '2023-12-05', '38': '2024-05-21', '39': '2024-11-26', '40': '2025-05-13', '41': '2025-12-15' },
    ...{ '42': '2026-05-27', '43': '2026-12-09', '44': '2027-06-02' },
  },
  mariner: { '1.0': '2023-07-31', '2.0': '2025-07-31' },
  ol: { '6': '2021-03-31', '7': '2024-12-31', '8': '2029-07-31', '9': '2032-06-30' },
  'opensuse-leap': {
    ...{
      '42.3': '2019-07-01',
      '15.0': '2019-12-03',
      '15.1': '2021-02-02',
      '15.2': '2022-01-04',
      '15.3': '2022-12-31',
      '15.4': '2023-12-07',
    },
    ...{ '15.5': '2024-12-31', '15.6': '2026-04-30', '16.0': '2027-10-31' },
  },
  photon: { '1.0': '2022-02-28', '2.0': '2022-12-01', '3.0': '2025-10-02', '4.0': '2027-10-11' },
  rhel: { '6': '2020-11-30', '7': '2024-06-30', '8': '2029-05-31', '9': '2032-05-31', '10': '2035-05-31' },
  rocky: { '8': '2029-05-31', '9': '2032-05-31', '10': '2035-05-31' },
  sles: {
    ...{ '12.1': '2017-05-31', '12.2': '2018-03-31', '12.3': '2019-06-30' },
    ...{ '12.4': '2020-06-30', '12.5': '2024-10-31', '15': '2019-12-31', '15.1': '2021-01-31', '15.2': '2021-12-31', '15.3': '2022-12-31' },
    ...{ '15.4': '2023-12-31', '15.5': '2024-12-31', '15.6': '2025-12-31', '15.7': '2031-07-31', '16.0': '2027-11-30' },
  },
  ubuntu: {
    ...{ '14.04': '2019-04-25', '16.04': '2021-04-30', '18.04': '2023-05-31', '19.10': '2020-07-17', '20.04': '2025-05-29' },
    ...{ '20.10': '2021-07-22', '21.04': '2022-01-20', '21.10': '2022-07-14', '22.04': '2027-06-01', '22.10': '2023-07-20' },
    ...{ '23.04': '2024-01-25', '23.10': '2024-07-11', '24.04': '2029-05-31', '24.10': '2025-07-10', '25.04': '2026-01-15' },
    ...{ '25.10': '2026-07-09', '26.04': '2031-05-29', '26.10': '2027-07-15' },
  },
};

/** The last day, `YYYY-MM-DD`, on which a release gets security updates that everybody gets; undefined where that is not known. */
export function findLastDay({ id, versionId, prettyName }: OperatingSystem): string | undefined {
  const name = id === 'centos' && /\bstream\b/i.test(prettyName) ? 'centos stream' : id;
  const days = Object.hasOwn(lastDays, name) ? lastDays[name] : undefined;
  const [, major, minor] = /^(\d{1,4})(?:\.(\d{1,4}))?(?:[._-]|$)/.exec(versionId) ?? [];
  if (days === undefined || major === undefined) return undefined;
  return days[`${major}.${minor ?? '0'}`] ?? (minor === undefined || !hasMinor(days, major) ? days[major] : undefined);
}

/** Whether the releases of a major number end one by one: then one that is not here is not that of the major number. */
function hasMinor(days: Readonly<Record<string, string>>, major: string): boolean {
  return Object.keys(days).some((version) => version.startsWith(`${major}.`));
}
