import type { Inspector, LayerEntry, LayerInspection } from '../../layer/inspector.ts';
import { wholeFileLimitBytes } from '../../layer/inspector.ts';
import { firstFew } from '../../lib/first-few.ts';
import type { GapObservation, Observation } from '../../model/observation.ts';

/** Reads one kind of file, each whole and by itself. */
export interface FileReader {
  readonly name: string;
  /** Whether a file of this path is of the kind. Called for every entry of a layer. */
  isWanted(path: string): boolean;
  /** What the file says. Throws where it is not what its path promises; an answer with gaps keeps what could be read. */
  read(path: string, content: Buffer): readonly Observation[];
  /** `optional`: the file only adds to what others say, so that one which is damaged or above `optionalLimitBytes` is no gap. */
  readonly weight: 'database' | 'optional';
  /** Largest file that is read. Default `wholeFileLimitBytes`. */
  readonly limitBytes?: number;
}

/** Of the files that only add to others, larger ones are no longer what their path promises. */
const optionalLimitBytes = 4 * 1024 * 1024;

/**
 * An inspector of one kind of file. A file that is damaged, too large or no file at all becomes a gap that names it. Links are the overlay's
 * concern: it knows what they lead to, and makes a gap of what was not read here.
 */
export function makeFileInspector(reader: FileReader): Inspector {
  return { name: reader.name, wholeLimitBytes: reader.limitBytes ?? wholeFileLimitBytes, inspect: () => new FileInspection(reader) };
}

class FileInspection implements LayerInspection {
  readonly #reader: FileReader;
  readonly #seen = new Map<string, readonly Observation[]>();

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  entry(entry: LayerEntry): 'none' | 'whole' {
    if (!this.#reader.isWanted(entry.path)) return 'none';
    if (entry.type === 'device' || entry.type === 'fifo') {
      this.#put(entry.path, [gap(entry.path, 'damaged', `the entry is a ${entry.type}, not a file`)]);
    }
    if (entry.type !== 'file' || (this.#reader.weight === 'optional' && entry.sizeBytes > optionalLimitBytes)) return 'none';
    return 'whole';
  }

  magic(): 'none' {
    return 'none';
  }

  file(entry: LayerEntry, content: Buffer): void {
    try {
      this.#put(entry.path, this.#reader.read(entry.path, content));
    } catch (error) {
      this.#put(entry.path, [gap(entry.path, 'damaged', error instanceof Error ? error.message : 'it cannot be read')]);
    }
  }

  window(): void {}

  tooLarge(entry: LayerEntry): void {
    const reason = `the file has ${entry.sizeBytes} bytes, more than the ${this.#reader.limitBytes ?? wholeFileLimitBytes} that are read whole`;
    this.#put(entry.path, [gap(entry.path, 'too-large', reason)]);
  }

  end(): readonly Observation[] {
    return [...this.#seen.values()].flat();
  }

  /** A tar may hold a path twice; the later entry is the file. */
  #put(path: string, observations: readonly Observation[]): void {
    const kept = this.#reader.weight === 'optional' ? observations.filter(({ kind }) => kind !== 'gap') : observations;
    this.#seen.delete(path);
    this.#seen.set(path, kept);
  }
}

export function gap(path: string, code: GapObservation['code'], reason: string): GapObservation {
  return { kind: 'gap', path, code, reason };
}

/** One gap for all that is damaged in a file; none where nothing is. */
export function damageGaps(path: string, damage: readonly string[]): readonly GapObservation[] {
  return damage.length === 0 ? [] : [gap(path, 'damaged', firstFew(damage, 3, '; '))];
}
