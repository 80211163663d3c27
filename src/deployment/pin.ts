import type { PinPlace } from './used-image.ts';

export interface Pin {
  readonly place: Extract<PinPlace, { kind: 'insertion' }>;
  readonly digest: string;
}

/** The text of a file with digests written into it. Everything else stays as it is, byte for byte; a place that is given twice is written once. */
export function pinText(text: string, pins: readonly Pin[]): string {
  const sorted = [...new Map(pins.map((pin) => [pin.place.offset, pin])).values()].sort((a, b) => a.place.offset - b.place.offset);
  let out = '';
  let done = 0;
  for (const { place, digest } of sorted) {
    out += `${text.slice(done, place.offset)}${place.before}${digest}${place.after}`;
    done = place.offset;
  }
  return out + text.slice(done);
}
