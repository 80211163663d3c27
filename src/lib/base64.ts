import * as v from 'valibot';

/**
 * Bytes in base64 (RFC 4648, 4) that can be written in this way only. Not by a regular expression: those of many megabytes, as an envelope with a bill of materials
 * is, end the stack.
 */
export const base64Bytes = v.pipe(
  v.string(),
  v.transform((text) => ({ text, bytes: Buffer.from(text, 'base64') })),
  v.check(({ text, bytes }) => bytes.toString('base64') === text, 'no base64'),
  v.transform(({ bytes }) => bytes),
);
