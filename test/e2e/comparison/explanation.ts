import { type Glob, isGlobMatch, parseGlob } from '../../../src/policy/glob.ts';
import { readMarkdown, tableRows } from '../../docs/markdown.ts';
import type { Difference } from './comparison.ts';

/** A row of the table of differences in docs/inventory.md: what is found by some only in which image, and why. */
export interface Explanation {
  readonly row: string;
  readonly image: Glob;
  readonly foundBy: string;
  readonly package: Glob;
}

export function readExplanations(): readonly Explanation[] {
  return tableRows(readMarkdown('docs/inventory.md').text, 'image').map(([image = '', foundBy = '', item = '', why = '']) => {
    if (why === '') throw new Error(`docs/inventory.md does not say why ${item} is found by ${foundBy} only`);
    return { row: `${image} ${foundBy} ${item}`, image: toGlob(image), foundBy, package: toGlob(item) };
  });
}

export function explains(explanation: Explanation, image: string, difference: Difference): boolean {
  const { image: images, foundBy, package: packages } = explanation;
  return isGlobMatch(images, image) && foundBy === difference.foundBy && isGlobMatch(packages, difference.package);
}

function toGlob(cell: string): Glob {
  return parseGlob(cell.replaceAll('`', ''), { separated: false });
}
