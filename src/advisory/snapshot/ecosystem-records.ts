import type { Advisory } from '../../model/advisory.ts';
import { advisoryError } from '../advisory-error.ts';
import { toAdvisory } from '../advisory-record.ts';
import { toBase } from '../ecosystem.ts';
import type { ZipFile } from '../zip.ts';
import { nameKey, type SnapshotEcosystem, snapshotLimits } from './format.ts';
import { PackageLine } from './package-line.ts';

/** The records of one ecosystem, reduced and put under the names of their packages. Withdrawn ones are left out. */
export class EcosystemRecords {
  readonly #name: string;
  /** A record of a later time says nothing of how new the others are. */
  readonly #latest: string;
  readonly #packages = new Map<string, PackageLine>();
  readonly #releases = new Set<string>();
  readonly #damaged: SnapshotEcosystem['damaged'] = [];
  #records = 0;
  #newest: string | undefined;

  constructor(name: string, now: Date) {
    this.#name = name;
    this.#latest = now.toISOString();
  }

  add({ name, bytes }: ZipFile): void {
    const text = bytes.toString('utf8');
    const advisory = parseRecord(text);
    if (advisory === undefined) {
      this.#addDamaged(name, text);
      return;
    }
    const own = (advisory.affected ?? [])
      .flatMap((affected) => affected.package ?? [])
      .filter(({ ecosystem }) => toBase(ecosystem) === this.#name);
    for (const { ecosystem } of own) this.#releases.add(ecosystem);
    const modified = toTime(advisory.modified);
    if (modified !== undefined && modified <= this.#latest && (this.#newest === undefined || modified > this.#newest))
      this.#newest = modified;
    if (advisory.withdrawn !== undefined || own.length === 0) return;
    this.#records += 1;
    for (const key of new Set(own.map((named) => nameKey(named.name)))) {
      this.#lineOf(key).add(advisory, (affected) => {
        const named = affected.package;
        return named !== undefined && toBase(named.ecosystem) === this.#name && nameKey(named.name) === key;
      });
    }
  }

  /** In the order of their keys. */
  *lines(): Generator<readonly [string, string]> {
    for (const key of [...this.#packages.keys()].sort()) yield [key, this.#lineOf(key).toText()];
  }

  facts(): Omit<SnapshotEcosystem, 'blocksBytes' | 'index'> {
    return {
      name: this.#name,
      records: this.#records,
      packages: this.#packages.size,
      ...(this.#newest === undefined ? {} : { newest: this.#newest }),
      releases: [...this.#releases].sort(),
      damaged: this.#damaged,
    };
  }

  #lineOf(key: string): PackageLine {
    const line = this.#packages.get(key) ?? new PackageLine();
    this.#packages.set(key, line);
    return line;
  }

  #addDamaged(file: string, text: string): void {
    const names = [...text.matchAll(/"name"\s*:\s*"([^"\\]*)(["\\])/g)];
    const isEscaped = names.some(([, , close]) => close === '\\');
    this.#damaged.push({ file, keys: isEscaped ? [] : [...new Set(names.map(([, name = '']) => nameKey(name)))] });
    if (this.#damaged.length <= snapshotLimits.damagedRecords) return;
    throw advisoryError(
      'damaged-archive',
      `cannot make a snapshot of the advisories of ${this.#name}: more than ${snapshotLimits.damagedRecords} records are not in OSV format`,
      'check that the source is a database in OSV format',
    );
  }
}

function parseRecord(text: string): Advisory | undefined {
  try {
    return toAdvisory(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** As a snapshot has it; undefined where the text is no time. */
function toTime(text: string | undefined): string | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
