/** A time as RFC 3339 has it, in UTC and without a fraction of a second. */
export function toTimeText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
