import type { Advisory, Affected } from '../model/advisory.ts';
import type { Subject } from './ecosystem.ts';
import { rpmVersionOrder } from './rpm-version.ts';

/**
 * Whether an entry of a record speaks of builds like the package's. Modules (https://docs.fedoraproject.org/en-US/modularity/) give several versions of
 * one package side by side, so a build of a module and one outside of any are not each other's older version, nor are those of two streams: PHP 7.4 is
 * not mended by an update of the stream 8.0. The builds say by their release that they are a module's, and the record's summary says which stream
 * (`nodejs:18 security update`); where it does not, every stream is meant.
 */
export function isSameModule({ summary }: Advisory, affected: Affected, subject: Subject): boolean {
  if (subject.order !== rpmVersionOrder) return true;
  const versions = statedVersions(affected);
  if (versions.length === 0) return true;
  const isOfModule = subject.module !== undefined || isModular(subject.version);
  if (versions.some(isModular) !== isOfModule) return false;
  const [name, stream] = subject.module?.split(':') ?? [];
  const stated = summaryStream.exec(summary ?? '');
  return name === undefined || stated === null || (stated[1] === name && stated[2] === stream);
}

const summaryStream = /(?:^|\s)([A-Za-z][\w.+-]*):([\w.+-]+)(?=[\s/]|$)/;

function statedVersions({ ranges = [], versions = [] }: Affected): string[] {
  const boundaries = ranges.filter(({ type }) => type !== 'GIT').flatMap(({ events }) => events.flatMap((event) => Object.values(event)));
  return [...boundaries, ...versions].flatMap((version) => (version === undefined || version === '0' ? [] : [version]));
}

/** `1.module_el8.5.0+119+9a9ec082`, `1.module+el8.4.0+9822+20bf1249`, `1.module_f31+7222+a9d0e4e6`. */
function isModular(version: string): boolean {
  return /\.module[_+](?:el|f)\d/.test(version);
}
