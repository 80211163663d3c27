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
  readonly #windows = new Windows((window, offset, last) => this.#giveWindow(window, offset, last));
  /** The inspector that was asked last: who is to blame where one throws. */
  #asked: Inspector | undefined;

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
    try {
      for (const running of this.#running) this.#offer(running, entry, repeated);
    } catch (error) {
      throw this.#blame(error);
    }
    return this.#magicFor.length > 0 || this.#wholeFor.length > 0 || this.#streamFor.length > 0;
  }

  content(part: Buffer, last: boolean): void {
    try {
      const bytes = this.#magicFor.length > 0 ? this.#decide(part, last) : part;
      if (bytes === undefined) return;
      if (this.#streamFor.length > 0) this.#windows.write(bytes, last);
      if (this.#wholeFor.length > 0) this.#collect(bytes, last);
    } catch (error) {
      throw this.#blame(error);
    }
  }

  /** After the last entry. */
  end(): readonly Observation[] {
    try {
      for (const running of this.#running) this.#keep(this.#ask(running).end());
    } catch (error) {
      throw this.#blame(error);
    }
    return this.#observations;
  }

  #offer(running: Running, entry: LayerEntry, repeated: boolean): void {
    if (repeated && entry.type === 'file') this.#restart(running, entry.path);
    const interest = this.#ask(running).entry(entry);
    if (interest === 'none' || entry.type !== 'file') return;
    if (interest === 'magic') this.#magicFor.push(running);
    else this.#serve(running, interest, entry);
  }

  #serve(running: Running, interest: Interest, entry: LayerEntry): void {
    if (interest === 'none') return;
    if (interest === 'stream') this.#streamFor.push(running);
    else if (entry.sizeBytes <= (running.inspector.wholeLimitBytes ?? wholeFileLimitBytes)) this.#wholeFor.push(running);
    else this.#ask(running).tooLarge(entry);
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
      this.#serve(running, this.#ask(running).magic(entry, head), entry);
    }
    this.#magicFor = [];
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
    for (const running of this.#wholeFor) this.#ask(running).file(entry, content);
  }

  #giveWindow(window: Buffer, offset: number, last: boolean): void {
    const entry = this.#entry as LayerEntry;
    for (const running of this.#streamFor) this.#ask(running).window(entry, window, offset, last);
  }

  /** The later file of a path is the one that is unpacked, so the state of the earlier one is given up; its secrets and malware stay in the layer. */
  #restart(running: Running, path: string): void {
    const observations = this.#ask(running).end();
    this.#keep(observations.filter((observation) => observation.path !== path || isOfLayer(observation)));
    running.inspection = running.inspector.inspect();
  }

  #keep(observations: readonly Observation[]): void {
    for (const observation of observations) this.#observations.push(observation);
  }

  #ask({ inspector, inspection }: Running): LayerInspection {
    this.#asked = inspector;
    return inspection;
  }

  #blame(cause: unknown): StepError<LayerErrorCode> {
    return new StepError<LayerErrorCode>({
      code: 'inspector-failed',
      origin: 'us',
      message: `cannot inspect ${this.#entry?.path ?? 'the entries'} of layer ${this.#layer}: the inspector ${this.#asked?.name} failed`,
      hint: 'This is a defect of the step, not of the image; please report it with this message.',
      cause,
    });
  }
}

const noBytes = Buffer.alloc(0);

function isOfLayer(observation: Observation): boolean {
  return observation.kind === 'secret' || observation.kind === 'malware';
}
