import type { Advisory } from '../model/advisory.ts';

/** The publisher's summary, or the first sentence of the details where it wrote none. */
export function summaryOf({ summary, details }: Advisory): string | undefined {
  return summary ?? firstSentence(details);
}

function firstSentence(details: string | undefined): string | undefined {
  const line = details?.split('\n').find((text) => text.trim() !== '' && !text.startsWith('#'));
  return line?.slice(0, 1_000).split(/(?<=\.)\s/, 1)[0];
}
