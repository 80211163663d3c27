/** Whether what was signed along with an image is what is to be, in any order. */
export function isSameMetadata(signed: ReadonlyMap<string, unknown>, metadata: ReadonlyMap<string, string>): boolean {
  return signed.size === metadata.size && [...metadata].every(([name, value]) => signed.get(name) === value);
}
