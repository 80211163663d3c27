import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The repository. */
export const root = resolve(import.meta.dirname, '../..');

export interface MarkdownFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly CodeBlock[];
  /** The text outside of code blocks. */
  readonly prose: string;
}

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The nearest heading above. */
  readonly heading: string;
}

const fence = /^```(\w*)\n(.*?)^```$/gms;

export function readMarkdown(path: string): MarkdownFile {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = [...text.matchAll(fence)].map(({ 1: language = '', 2: block = '', index }) => {
    const headings = [
      ...text
        .slice(0, index)
        .replaceAll(fence, '')
        .matchAll(/^#+ (.*)$/gm),
    ];
    return { language, text: block, heading: headings.at(-1)?.[1] ?? '' };
  });
  return { path, text, blocks, prose: text.replaceAll(fence, '') };
}

/** README and its like, and all of `docs`. */
export function documents(): readonly MarkdownFile[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return [...top, ...docs.map((name) => `docs/${name.replaceAll('\\', '/')}`)].sort().map(readMarkdown);
}

/** The rows, without the head, of the tables whose first column has this title; each a list of cells. */
export function tableRows(text: string, firstTitle: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|') ? toCells(line) : [];
    if (cells.length === 0) inside = false;
    else if (cells[0] === firstTitle) inside = true;
    else if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}

function toCells(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}
