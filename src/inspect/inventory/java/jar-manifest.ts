/** The main section of a jar's manifest: names in lower case (https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest). */
export type JarManifest = ReadonlyMap<string, string>;

/** More than any real main section; per-file digests follow it. */
const mainSectionLimit = 256 * 1024;

/** A line that begins with a space goes on with the one before; the first empty line ends the section. */
export function parseJarManifest(content: Buffer): JarManifest {
  const fields = new Map<string, string>();
  const text = content.toString('utf8', 0, mainSectionLimit);
  let [name, value] = ['', ''];
  const keep = (): void => {
    if (name !== '' && !fields.has(name)) fields.set(name, value.trim());
  };
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.startsWith(' ')) {
      value += line.slice(1);
      continue;
    }
    if (line === '') break;
    keep();
    const colon = line.indexOf(':');
    [name, value] = colon === -1 ? ['', ''] : [line.slice(0, colon).toLowerCase(), line.slice(colon + 1)];
  }
  keep();
  return fields;
}

/** A value that is no placeholder which a build tool left there. */
export function manifestValue(manifest: JarManifest, ...names: readonly string[]): string | undefined {
  return names.map((name) => manifest.get(name)).find((value) => value !== undefined && value !== '' && !/^[%$@]|\$\{/.test(value));
}
