import { describe, expect, it } from 'vitest';
import {
  type Inspector,
  type Interest,
  type LayerEntry,
  type LayerInspection,
  magicBytes,
  windowOverlapBytes,
} from '../../src/layer/inspector.ts';
import type { Observation } from '../../src/model/observation.ts';

/** A file that the inspector under test is shown. */
export interface ContractFile {
  readonly path: string;
  readonly content: Buffer | string;
  readonly mode?: number;
}

export interface InspectorContract {
  /** A file of which the inspector observes something. */
  readonly sample: ContractFile;
  /** All that it observes is that something is not looked at. */
  readonly onlyGaps?: true;
  /** A file that it looks at and that holds nothing it observes; absent where it looks at no other. */
  readonly harmless?: ContractFile;
  /** A file of its format that is damaged, and must give a gap; absent where nothing can be damaged (any bytes are searched). */
  readonly damaged?: ContractFile;
}

/** What each inspector must do, whatever it looks for. Call inside a test file of the `unit` project. */
export function describeInspector(name: string, make: () => Inspector, contract: InspectorContract): void {
  const { sample, harmless, damaged, onlyGaps = false } = contract;
  const alone = () => inspect(make(), [sample]);

  describe(`${name} as an inspector`, () => {
    it('has a name and observes its sample', () => {
      expect(make().name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(alone().filter(({ kind }) => (kind === 'gap') === onlyGaps).length).toBeGreaterThan(0);
      for (const { path } of alone()) expect(path).toBe(sample.path);
    });

    it('keeps nothing from one inspection to the next', () => {
      const inspector = make();
      const first = inspect(inspector, [sample]);
      expect(inspect(inspector, [])).toEqual([]);
      expect(inspect(inspector, [sample])).toEqual(first);
    });

    it('keeps two inspections apart that run at once', () => {
      const inspector = make();
      const empty = inspector.inspect();
      const full = inspector.inspect();
      feed(full, sample);
      expect(empty.end()).toEqual([]);
      expect(full.end()).toEqual(alone());
    });

    it('observes the same wherever two windows of a stream meet', () => {
      if (toInterest(make().inspect(), sample) !== 'stream') return;
      for (const partBytes of [1, 5000, 2 * windowOverlapBytes]) expect(inspect(make(), [sample], partBytes)).toEqual(alone());
      if (make().inspect().entry(toEntry(sample)) === 'magic') return;
      const content = Buffer.from(sample.content);
      for (const within of cuts(content.length)) {
        const filler = Buffer.alloc(2 * windowOverlapBytes - within, '\n');
        const file = { ...sample, content: Buffer.concat([filler, content, filler]) };
        expect(inspect(make(), [file], 2 * windowOverlapBytes), `cut ${within} bytes into the sample`).toEqual(inspect(make(), [file]));
      }
    });

    it('does not rely on a buffer after the call', () => {
      const inspection = make().inspect();
      const content = Buffer.from(sample.content);
      feed(inspection, { ...sample, content }, Number.POSITIVE_INFINITY, true);
      expect(inspection.end()).toEqual(alone());
    });

    it('does not change what it is shown', () => {
      const content = Buffer.from(sample.content);
      inspect(make(), [{ ...sample, content }]);
      expect(content.equals(Buffer.from(sample.content))).toBe(true);
    });

    it('wants no content of what is not a file', () => {
      for (const type of ['directory', 'symlink', 'hardlink', 'device', 'fifo'] as const) {
        const inspection = make().inspect();
        const linkName = type === 'symlink' || type === 'hardlink' ? 'elsewhere' : '';
        expect(inspection.entry({ ...toEntry(sample), type, sizeBytes: 0, linkName })).toBe('none');
        expect(inspection.end().filter(({ kind }) => kind !== 'gap')).toEqual([]);
      }
    });

    it('says so where a file is too large, and not where it did not want it whole', () => {
      const inspection = make().inspect();
      const entry = { ...toEntry(sample), sizeBytes: 2 ** 33 };
      const asked = inspection.entry(entry);
      if ((asked === 'magic' ? inspection.magic(entry, Buffer.from(sample.content).subarray(0, magicBytes)) : asked) !== 'whole') return;
      inspection.tooLarge(entry);
      expect(inspection.end()).toEqual([expect.objectContaining({ kind: 'gap', path: sample.path, code: 'too-large' })]);
    });

    it('takes empty files and any bytes without an exception', () => {
      for (const content of [Buffer.alloc(0), Buffer.alloc(5000), Buffer.alloc(5000, 0xff), noise(20_000)]) {
        expect(() => inspect(make(), [{ ...sample, content }])).not.toThrow();
      }
      for (const length of cuts(Buffer.from(sample.content).length)) {
        expect(() => inspect(make(), [{ ...sample, content: Buffer.from(sample.content).subarray(0, length) }])).not.toThrow();
      }
    });

    it('comes to an end with hostile bytes', () => {
      const size = 1024 * 1024;
      for (const text of ['a', ' ', '\n', '=', '"', '[', '{"a":', '-----BEGIN ', '../', 'A: b\n']) {
        const content = Buffer.alloc(size, text);
        inspect(make(), [{ ...sample, content }], 64 * 1024);
      }
    });

    if (harmless) {
      it('observes nothing in a harmless file', () => {
        expect(inspect(make(), [harmless])).toEqual([]);
      });
    }
    if (damaged) {
      it('gives a gap for a damaged file', () => {
        expect(inspect(make(), [damaged])).toContainEqual(expect.objectContaining({ kind: 'gap', path: damaged.path }));
      });
    }
  });
}

/** Shows files to a new inspection and gives what it observes; streams come in windows of `partBytes` new bytes each. */
export function inspect(
  inspector: Inspector,
  files: readonly ContractFile[],
  partBytes = Number.POSITIVE_INFINITY,
): readonly Observation[] {
  const inspection = inspector.inspect();
  for (const file of files) feed(inspection, file, partBytes);
  return inspection.end();
}

function feed(inspection: LayerInspection, file: ContractFile, partBytes = Number.POSITIVE_INFINITY, wipe = false): void {
  const entry = toEntry(file);
  const content = Buffer.from(file.content);
  const interest = toInterest(inspection, file);
  if (interest === 'whole') inspection.file(entry, content);
  if (interest === 'stream') {
    for (let start = 0, end = 0; ; start = end - windowOverlapBytes) {
      end = Math.min(end + Math.max(partBytes, windowOverlapBytes + 1), content.length);
      const window = Buffer.from(content.subarray(start, end));
      inspection.window(entry, window, start, end === content.length);
      if (wipe) window.fill(0x5a);
      if (end === content.length) break;
    }
  }
  if (wipe) content.fill(0x5a);
}

/** Asks as the layer pass does; the first bytes are gone after the call. */
function toInterest(inspection: LayerInspection, file: ContractFile): Interest {
  const entry = toEntry(file);
  const interest = inspection.entry(entry);
  if (interest !== 'magic') return interest;
  const head = Buffer.from(Buffer.from(file.content).subarray(0, magicBytes));
  const decided = inspection.magic(entry, head);
  head.fill(0x5a);
  return decided;
}

function toEntry({ path, content, mode = 0o644 }: ContractFile): LayerEntry {
  return { path, type: 'file', sizeBytes: Buffer.byteLength(content), mode, linkName: '' };
}

/** Some places to cut `length` bytes at: all of a short file, spread over a long one. */
function cuts(length: number): readonly number[] {
  const step = Math.max(1, Math.floor(length / 200));
  return Array.from({ length: Math.ceil(length / step) }, (_, at) => at * step).filter((at) => at > 0);
}

/** Repeatable bytes without a pattern (xorshift). */
function noise(length: number): Buffer {
  let state = 0x9e3779b9;
  return Buffer.from(
    Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}
