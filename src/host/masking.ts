/**
 * Shortest text that is masked. Masking less would blot out every such run of letters in the log (a one-letter secret once masked every `a`),
 * and GitHub drops outputs that hold a masked text.
 */
export const shortestMask = 4;

/**
 * The texts to register for a secret: each of its lines that is long enough. Both runners match line by line, so a secret of several lines
 * is never seen whole; GitHub's would also register every line of it by itself, the `}` of a JSON credential among them.
 */
export function toMasks(secret: string): readonly string[] {
  const lines = secret.split(/[\r\n]+/);
  const masks = lines.flatMap((line) => [line, line.trim()]).filter((line) => line.trim().length >= shortestMask);
  return [...new Set(masks)];
}

export const unmaskedNotice = `A secret of fewer than ${shortestMask} characters on each line is not masked, for that would blot out the log. Choose a longer one.`;
