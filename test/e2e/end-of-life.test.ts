import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLastDay } from '../../src/inspect/inventory/end-of-life.ts';

/** The days of Debian and Ubuntu, as Debian's package distro-info-data has them. */
const folder = mkdtempSync(join(tmpdir(), 'distro-info-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'pipe' });
  // apt downloads as a user of its own, who may not write to a private folder.
  execFileSync('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', 'distro-info-data'], { cwd: folder, stdio: 'pipe' });
  execFileSync('dpkg', ['-x', readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '', 'data'], { cwd: folder });
}, 120_000);

describe.each([
  ['debian', 'eol-lts'],
  ['ubuntu', 'eol'],
])('%s, column %s', (id, column) => {
  test('is what we say of each release', () => {
    const [head = '', ...lines] = readFileSync(join(folder, 'data/usr/share/distro-info', `${id}.csv`), 'utf8')
      .trim()
      .split('\n');
    const at = head.split(',').indexOf(column);
    const told = lines.flatMap((line) => {
      const cells = line.split(',');
      const ours = findLastDay({ id, versionId: (cells[0] ?? '').replace(' LTS', ''), prettyName: '' });
      return ours === undefined ? [] : [[cells[0], ours, cells[at]]];
    });
    expect(told.length).toBeGreaterThan(6);
    for (const [version, ours, theirs] of told) expect(ours, version).toBe(theirs);
  });
});
