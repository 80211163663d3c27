import type { Inspector, Interest, LayerEntry, LayerInspection } from '../../../layer/inspector.ts';
import { wholeFileLimitBytes, windowOverlapBytes } from '../../../layer/inspector.ts';
import type { Observation } from '../../../model/observation.ts';
import { gap } from '../file-inspector.ts';
import { isZip, JarReading, toArchiveName } from './jar-reading.ts';
import { readArchive } from './zip-archive.ts';
import type { InflationBudget } from './zip-content.ts';
import { ZipStream } from './zip-stream.ts';

/**
 * Reads the Maven packages of Java archives and of the archives in them. One up to `wholeFileLimitBytes` is read whole, by its central directory;
 * a larger one as it passes by, of which no more than one archive in it is in memory.
 */
export function makeJarInspector(): Inspector {
  return { name: 'java-archives', inspect: () => new JarInspection() };
}

/** Archives in archives are compressed already, so that little is gained by inflating them. */
const budgetFactor = 4;
const budgetFloorBytes = 256 * 1024 * 1024;

/** Entries of interest of one file: a platform in a single jar has some thousands. */
const maxEntries = 50_000;

class JarInspection implements LayerInspection {
  readonly #observations: Observation[] = [];
  #reading: JarReading | undefined;
  #stream: ZipStream | undefined;

  entry(entry: LayerEntry): Interest | 'magic' {
    const name = entry.type !== 'file' || entry.sizeBytes === 0 ? undefined : toArchiveName(entry.path);
    if (name === undefined) return 'none';
    return name === 'perhaps' ? 'magic' : toInterest(entry);
  }

  magic(entry: LayerEntry, head: Buffer): Interest {
    return isZip(head) ? toInterest(entry) : 'none';
  }

  file(entry: LayerEntry, content: Buffer): void {
    const budget = toBudget(entry);
    const reading = new JarReading(entry.path, budget);
    readArchive(content, reading, budget);
    this.#finish(entry.path, reading);
  }

  window(entry: LayerEntry, window: Buffer, offset: number, last: boolean): void {
    if (offset === 0) {
      const budget = toBudget(entry);
      this.#reading = new JarReading(entry.path, budget);
      this.#stream = new ZipStream(this.#reading, budget);
    }
    this.#stream?.write(offset === 0 ? window : window.subarray(windowOverlapBytes), last);
    if (last && this.#reading !== undefined) this.#finish(entry.path, this.#reading);
  }

  tooLarge(): void {}

  end(): readonly Observation[] {
    return this.#observations;
  }

  #finish(path: string, reading: JarReading): void {
    const packages = reading.packages();
    if (packages.length > 0) this.#observations.push({ kind: 'packages', path, packages, isSoftware: true });
    for (const { code, reason } of reading.gaps()) this.#observations.push(gap(path, code, reason));
    this.#reading = undefined;
    this.#stream = undefined;
  }
}

function toInterest({ sizeBytes }: LayerEntry): Interest {
  return sizeBytes <= wholeFileLimitBytes ? 'whole' : 'stream';
}

function toBudget({ sizeBytes }: LayerEntry): InflationBudget {
  return { remaining: Math.max(budgetFloorBytes, budgetFactor * sizeBytes), entries: maxEntries };
}
