import * as v from 'valibot';

/** Bytes in lower-case hexadecimal digits, at least one. */
export const hexBytes = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{2})+$/),
  v.transform((text) => Buffer.from(text, 'hex')),
);
