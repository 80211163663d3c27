import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMarkdown, root, tableRows } from './markdown.ts';

const rows = tableRows(readMarkdown('docs/architecture.md').text, 'folder').map(([folder = '', , files = '']) => ({
  folder: folder.replace(/^`|\/`$/g, ''),
  files: [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
}));

describe('docs/architecture.md', () => {
  test('has every folder of src', () => {
    expect(rows.map(({ folder }) => folder).sort()).toEqual(readdirSync(join(root, 'src')).sort());
  });

  test.each(rows)('$folder: the files to start at are there', ({ folder, files }) => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, 'src', folder, file)))).toEqual([]);
  });
});
