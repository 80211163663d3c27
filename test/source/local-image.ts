import { type LocalSourceText, parseImageSource } from '../../src/source/image-source-text.ts';

/** An image of this machine by its name in the input `image`. */
export function localImage(text: string): LocalSourceText {
  const source = parseImageSource(text);
  if (source.kind === 'registry') throw new Error(`${text} is in a registry`);
  return source;
}
