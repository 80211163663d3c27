/** The first `most` of some texts, and how many more there are: `a, b, c and 4 more`. */
export function firstFew(texts: readonly string[], most: number, separator = ', '): string {
  const more = texts.length > most ? ` and ${texts.length - most} more` : '';
  return `${texts.slice(0, most).join(separator)}${more}`;
}
