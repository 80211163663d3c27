import { type BerElement, BerFields, berTags, eachChild, readBer, readOctetString, readOid } from '../../lib/ber.ts';

export interface Extension {
  readonly isCritical: boolean;
  /** The element in its OCTET STRING. */
  readonly value: BerElement;
}

/** A list or an answer has three or four. */
const maxExtensions = 64;

/** Extensions by their OID (RFC 5280, 4.1). Throws where one is there twice. */
export function readExtensions(list: BerElement | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  if (list === undefined) return extensions;
  for (const element of eachChild(list)) {
    const fields = new BerFields(element);
    const oid = readOid(fields.take(berTags.oid));
    const isCritical = (fields.takeOptional(berTags.boolean)?.content[0] ?? 0) !== 0;
    const value = readBer(readOctetString(fields.take(berTags.octetString)));
    fields.end();
    if (extensions.has(oid)) throw new Error(`its extension ${oid} is there twice`);
    if (extensions.size === maxExtensions) throw new Error(`it has more than ${maxExtensions} extensions`);
    extensions.set(oid, { isCritical, value });
  }
  return extensions;
}

/** Throws where one is critical and not known here. */
export function refuseCritical(extensions: ReadonlyMap<string, Extension>, known: readonly string[]): void {
  for (const [oid, { isCritical }] of extensions)
    if (isCritical && !known.includes(oid)) throw new Error(`its critical extension ${oid} is not known`);
}

/** A Time (RFC 5280, 4.1.2.5), or a GeneralizedTime alone. */
export function readTime({ tag, content }: BerElement): Date {
  const digits = content.toString('latin1');
  const isShort = tag === berTags.utcTime;
  const match = (isShort ? /^(\d{2})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(digits);
  const [, given = '', month, day, hour, minute, second] = match ?? [];
  const year = isShort ? `${Number(given) < 50 ? 20 : 19}${given}` : given;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = new Date(text);
  // Date takes 30 February for 1 March.
  if ((!isShort && tag !== berTags.generalizedTime) || Number.isNaN(time.getTime()) || time.toISOString() !== text)
    throw new Error('a time in it is none');
  return time;
}

/** `-5 minutes` of a clock that is behind do not make an answer one of tomorrow. */
const skewMs = 5 * 60_000;

/** Throws where what was said from `thisUpdate` on does not count now; without an end it never does, as for notation. */
export function verifyFreshness(thisUpdate: Date, nextUpdate: Date | undefined, now: Date): void {
  if (thisUpdate.getTime() > now.getTime() + skewMs) throw new Error(`it counts only from ${thisUpdate.toISOString()} on`);
  if (nextUpdate === undefined) throw new Error('it does not say until when it counts (nextUpdate)');
  if (now > nextUpdate) throw new Error(`it counted until ${nextUpdate.toISOString()}`);
}

/** `invalidityDate` (RFC 5280, 5.3.2): from when on the key was not to be trusted. */
export function readInvalidityDate(extensions: ReadonlyMap<string, Extension>): Date | undefined {
  const extension = extensions.get('2.5.29.24');
  return extension && readTime(extension.value);
}

/** RFC 5280, 5.3.1. */
export const reasonNames: Readonly<Record<number, string>> = {
  1: 'key compromise',
  2: 'CA compromise',
  3: 'affiliation changed',
  4: 'superseded',
  5: 'cessation of operation',
  6: 'certificate hold',
  8: 'removed from the list',
  9: 'privilege withdrawn',
  10: 'AA compromise',
};

/** An authority's word on one certificate. */
export type Verdict = { readonly kind: 'good' } | { readonly kind: 'revoked'; readonly reason: string };

export function toRevoked(time: Date, reason: number | undefined): Verdict {
  const name = reason === undefined ? undefined : reasonNames[reason];
  return { kind: 'revoked', reason: `since ${time.toISOString()}${name === undefined ? '' : `, ${name}`}` };
}
