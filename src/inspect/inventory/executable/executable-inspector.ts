import type { Inspector, Interest, LayerEntry, LayerInspection } from '../../../layer/inspector.ts';
import type { GapObservation, Observation } from '../../../model/observation.ts';
import type { PackageRecord } from '../../../model/package.ts';
import { gap } from '../file-inspector.ts';
import { readCargoPackages } from './cargo-packages.ts';
import { ExecutableImage, isExecutable, parseLayout, rangesToKeep } from './executable-image.ts';
import { readGoBuildInfo } from './go-build-info.ts';
import { toGoPackages } from './go-modules.ts';
import { KeptBytes } from './kept-bytes.ts';
import { type Layout, UnkeptError } from './layout.ts';

/**
 * Reads what the linkers of Go and of cargo-auditable write into programs and libraries, wherever these are and whatever they are called. A program
 * passes by once, and its code is not looked at: only what is data in it is kept, up to `keptLimitBytes`.
 */
export function makeExecutableInspector(): Inspector {
  const idle: KeptBytes[] = [];
  return {
    name: 'executables',
    inspect() {
      const kept = idle.pop() ?? new KeptBytes(keptLimitBytes);
      return new ExecutableInspection(kept, () => idle.push(kept));
    },
  };
}

/** Of one program, in each layer that is being read. Constants of a Rust program of 40 MB have about 10 MB. */
export const keptLimitBytes = 16 * 1024 * 1024;

/** Neither linker makes anything smaller. */
const minSizeBytes = 1024;

class ExecutableInspection implements LayerInspection {
  readonly #observations: Observation[] = [];
  readonly #kept: KeptBytes;
  readonly #giveBack: () => void;
  #layout: Layout | undefined;
  #isGo = false;

  /** The memory is that of an inspection which has ended. */
  constructor(kept: KeptBytes, giveBack: () => void) {
    this.#kept = kept;
    this.#giveBack = giveBack;
  }

  entry(entry: LayerEntry): 'none' | 'magic' {
    return entry.type === 'file' && entry.sizeBytes >= minSizeBytes ? 'magic' : 'none';
  }

  magic(_entry: LayerEntry, head: Buffer): Interest {
    return isExecutable(head) ? 'stream' : 'none';
  }

  file(): void {}

  tooLarge(): void {}

  window(entry: LayerEntry, window: Buffer, offset: number, last: boolean): void {
    if (offset === 0) this.#begin(entry, window);
    if (this.#layout === undefined) return;
    this.#kept.write(window, offset);
    if (last) this.#read(entry.path, new ExecutableImage(this.#layout, this.#kept));
  }

  end(): readonly Observation[] {
    this.#giveBack();
    return this.#observations;
  }

  #begin({ path, sizeBytes }: LayerEntry, first: Buffer): void {
    this.#layout = parseLayout(first);
    if (this.#layout === undefined) return;
    this.#kept.begin(rangesToKeep(this.#layout), sizeBytes);
    this.#isGo = this.#layout.notes.some(({ offset, sizeBytes }) => isGoNote(first.subarray(offset, offset + sizeBytes)));
    if (first.subarray(0, packerReach).includes('UPX!')) {
      this.#observations.push(gap(path, 'unsupported', 'it is packed with UPX, so that the packages in it cannot be read'));
    }
  }

  #read(path: string, image: ExecutableImage): void {
    const packages: PackageRecord[] = [];
    const readGo = (): readonly PackageRecord[] => {
      const info = readGoBuildInfo(image);
      if (info === undefined && this.#isGo)
        this.#observations.push(gap(path, 'unsupported', 'it is a Go program without build information'));
      return info === undefined ? [] : toGoPackages(info);
    };
    for (const read of [readGo, () => readCargoPackages(image)]) {
      try {
        packages.push(...read());
      } catch (error) {
        this.#observations.push(toGap(path, error));
      }
    }
    if (packages.length > 0) this.#observations.push({ kind: 'packages', path, packages, isSoftware: true });
  }
}

function toGap(path: string, error: unknown): GapObservation {
  const text = error instanceof Error ? error.message : 'it cannot be read';
  if (!(error instanceof UnkeptError)) return gap(path, 'damaged', text);
  return gap(path, 'too-large', `${text} lies outside of the ${keptLimitBytes} bytes that are kept of a program's data`);
}

/** UPX names itself behind the program headers. */
const packerReach = 1024;

/** The note with the build id that Go's linker writes: type 4, name `Go`, in either byte order. Go before 1.13 wrote no more than that. */
function isGoNote(note: Buffer): boolean {
  return goNotes.some((name) => note.includes(name));
}

const goNotes = [Buffer.from('\x04\0\0\0Go\0\0', 'latin1'), Buffer.from('\0\0\0\x04Go\0\0', 'latin1')];
