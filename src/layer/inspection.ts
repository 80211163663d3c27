import { StepError } from '../lib/step-error.ts';
import type { Observation } from '../model/observation.ts';
import { type Inspector, type Interest, type LayerEntry, type LayerInspection, magicBytes, wholeFileLimitBytes } from './inspector.ts';
import type { LayerErrorCode } from './refusal.ts';
import { Windows } from './window.ts';

interface Running {
  readonly inspector: Inspector;
  inspection: LayerInspection;
}

/** Hands the entries of one layer to all inspectors, the content of each file once for all of them. */
export class LayerInspections {
  readonly #layer: string;
  readonly #running: readonly Running[];
  readonly #observations: Observation[] = [];
  #entry: LayerEntry | undefined;
  #magicFor: Running[] = [];
  /** The first bytes of a file, where they come in several parts and some inspector has yet to decide by them. */
  #head = noBytes;
  #wholeFor: Running[] = [];
  #whole: Buffer | undefined;
  #wholeBytes = 0;
  #streamFor: Running[] = [];
  #windows: Windows | undefined;

  constructor(layer: string, inspectors: readonly Inspector[]) {
    this.#layer = layer;
    this.#running = inspectors.map((inspector) => ({ inspector, inspection: inspector.inspect() }));
  }

  /** Whether the content is wanted. `repeated`: a file of that path came before in this layer. */
  entry(entry: LayerEntry, repeated: boolean): boolean {
    this.#entry = entry;
    this.#magicFor = [];
    this.#wholeFor = [];
    this.#streamFor = [];
    for (const running of this.#running) {
      if (repeated && entry.type === 'file') this.#restart(running, entry.path);
      const interest = this.#ask(running, (inspection) => inspection.entry(entry));
      if (interest === 'none' || entry.type !== 'file') continue;
      if (interest === 'magic') this.#magicFor.push(running);
      else this.#serve(running, interest, entry);
    }
    if (this.#magicFor.length > 0) return true;
    this.#openWindows();
    return this.#wholeFor.length > 0 || this.#streamFor.length > 0;
  }

  content(part: Buffer, last: boolean): void {
    const bytes = this.#magicFor.length > 0 ? this.#decide(part, last) : part;
    if (bytes === undefined) return;
    this.#windows?.write(bytes, last);
    if (this.#wholeFor.length > 0) this.#collect(bytes, last);
  }

  /** After the last entry. */
  end(): readonly Observation[] {
    for (const running of this.#running) this.#keep(this.#ask(running, (inspection) => inspection.end()));
    return this.#observations;
  }

  #serve(running: Running, interest: Interest, entry: LayerEntry): void {
    if (interest === 'none') return;
    if (interest === 'stream') this.#streamFor.push(running);
    else if (entry.sizeBytes <= (running.inspector.wholeLimitBytes ?? wholeFileLimitBytes)) this.#wholeFor.push(running);
    else this.#ask(running, (inspection) => inspection.tooLarge(entry));
  }

  #openWindows(): void {
    this.#windows = this.#streamFor.length > 0 ? new Windows((window, offset, last) => this.#giveWindow(window, offset, last)) : undefined;
  }

  /** Has the inspectors decide that wait for the first bytes, and gives all that came so far; undefined while that is too little. */
  #decide(part: Buffer, last: boolean): Buffer | undefined {
    const bytes = this.#head.length === 0 ? part : Buffer.concat([this.#head, part]);
    const isEnough = last || bytes.length >= magicBytes;
    this.#head = isEnough ? noBytes : Buffer.from(bytes);
    if (!isEnough) return undefined;
    const entry = this.#entry as LayerEntry;
    const head = bytes.subarray(0, magicBytes);
    for (const running of this.#magicFor) {
      const interest = this.#ask(running, (inspection) => inspection.magic(entry, head));
      this.#serve(running, interest, entry);
    }
    this.#magicFor = [];
    this.#openWindows();
    return bytes;
  }

  /** A file that lies in one part is handed over as it is. */
  #collect(part: Buffer, last: boolean): void {
    const entry = this.#entry as LayerEntry;
    let content = part;
    if (this.#whole !== undefined || !last) {
      this.#whole ??= Buffer.allocUnsafe(entry.sizeBytes);
      this.#wholeBytes += part.copy(this.#whole, this.#wholeBytes);
      content = this.#whole;
    }
    if (!last) return;
    this.#whole = undefined;
    this.#wholeBytes = 0;
    for (const running of this.#wholeFor) this.#ask(running, (inspection) => inspection.file(entry, content));
  }

  #giveWindow(window: Buffer, offset: number, last: boolean): void {
    const entry = this.#entry as LayerEntry;
    for (const running of this.#streamFor) this.#ask(running, (inspection) => inspection.window(entry, window, offset, last));
  }

  /** The later file of a path is the one that is unpacked, so the state of the earlier one is given up; its secrets and malware stay in the layer. */
  #restart(running: Running, path: string): void {
    const observations = this.#ask(running, (inspection) => inspection.end());
    this.#keep(observations.filter((observation) => observation.path !== path || isOfLayer(observation)));
    running.inspection = running.inspector.inspect();
  }

  #keep(observations: readonly Observation[]): void {
    for (const observation of observations) this.#observations.push(observation);
  }

  #ask<T>(running: Running, ask: (inspection: LayerInspection) => T): T {
    try {
      return ask(running.inspection);
    } catch (cause) {
      throw new StepError<LayerErrorCode>({
        code: 'inspector-failed',
        origin: 'us',
        message: `cannot inspect ${this.#entry?.path ?? 'the entries'} of layer ${this.#layer}: the inspector ${running.inspector.name} failed`,
        hint: 'This is a defect of the step, not of the image; please report it with this message.',
        cause,
      });
    }
  }
}

const noBytes = Buffer.alloc(0);

function isOfLayer(observation: Observation): boolean {
  return observation.kind === 'secret' || observation.kind === 'malware';
}
