import type { Inspector, Interest, LayerEntry, LayerInspection } from '../../../layer/inspector.ts';
import type { PackagesObservation } from '../../../model/observation.ts';
import type { PackageRecord } from '../../../model/package.ts';
import { isExecutable } from '../executable/executable-image.ts';
import { type KnownProgram, knownPrograms, type VersionText } from './known-programs.ts';

/**
 * Tells well-known programs by their names, and their versions by the strings in them. What a package of the distribution has brought is left out later
 * (`ownership.ts`).
 */
export function makeProgramInspector(): Inspector {
  return { name: 'known-programs', inspect: () => new ProgramInspection() };
}

/** No pattern reaches further before or behind its anchor; less than windows overlap. */
const reachBytes = 256;

class ProgramInspection implements LayerInspection {
  readonly #observations: PackagesObservation[] = [];
  #programs: readonly KnownProgram[] = [];

  entry(entry: LayerEntry): 'none' | 'magic' {
    this.#programs = [];
    if (entry.type !== 'file' || entry.sizeBytes < 1024) return 'none';
    const file = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    if (!firstLetters.has(file.charAt(0)) || file.length > 40) return 'none';
    this.#programs = knownPrograms.filter((program) => program.file.test(file));
    return this.#programs.length > 0 ? 'magic' : 'none';
  }

  magic(_entry: LayerEntry, head: Buffer): Interest {
    return isExecutable(head) ? 'stream' : 'none';
  }

  file(): void {}

  tooLarge(): void {}

  window(entry: LayerEntry, window: Buffer, _offset: number, last: boolean): void {
    for (const program of this.#programs) {
      const version = findVersion(program, window, last);
      if (version === undefined) continue;
      this.#observations.push({ kind: 'packages', path: entry.path, packages: [toRecord(program, version)], isSoftware: true });
      this.#programs = [];
      return;
    }
  }

  end(): readonly PackagesObservation[] {
    return this.#observations;
  }
}

/** Most files are told by this alone. */
const firstLetters = new Set('[abcdehlmnoprv'.split(''));

function findVersion({ versions }: KnownProgram, window: Buffer, last: boolean): string | undefined {
  for (const version of versions) {
    const found = findText(version, window, last);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An anchor near the end of a window comes again in the next one. */
function findText({ anchor, pattern }: VersionText, window: Buffer, last: boolean): string | undefined {
  const end = last ? window.length : window.length - reachBytes;
  for (let at = window.indexOf(anchor, 0, 'latin1'); at !== -1 && at < end; at = window.indexOf(anchor, at + anchor.length, 'latin1')) {
    const found = pattern.exec(window.toString('latin1', Math.max(0, at - reachBytes), at + reachBytes))?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

function toRecord({ name, cpe: [vendor, product], bitnami }: KnownProgram, version: string): PackageRecord {
  return {
    type: 'generic',
    name,
    version,
    cpe: `cpe:2.3:a:${vendor}:${product}:${version.replace(/[^\w.-]/g, '\\$&')}:*:*:*:*:*:*:*`,
    ...(bitnami === undefined ? {} : toBitnami(bitnami, version)),
  };
}

/** Bitnami's versions have three parts: PostgreSQL's 15.4 is 15.4.0 there, Ruby's 2.7.7p221 is 2.7.7. */
export function toBitnami(name: string, version: string): Pick<PackageRecord, 'ecosystem' | 'source'> {
  const [, plain = ''] = /^(\d+(?:\.\d+){1,2})(?:p\d+|\+)?$/.exec(version) ?? [];
  if (plain === '') return {};
  return { ecosystem: 'Bitnami', source: { name, version: plain.split('.').length === 2 ? `${plain}.0` : plain } };
}
