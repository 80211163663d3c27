import { describe, expect, it } from 'vitest';
import { allInspectors } from '../../../src/inspect/inspectors.ts';
import { toInventory } from '../../../src/inspect/inventory/inventory.ts';
import { inspectFiles, placeLayers } from '../inspect-files.ts';

const release = { 'etc/os-release': 'ID="arch"\nPRETTY_NAME="Arch Linux"\n' };

function gapsOf(...layers: readonly Readonly<Record<string, string>>[]) {
  return toInventory(placeLayers(...layers.map((files) => inspectFiles(allInspectors(), files)))).gaps;
}

describe('databases of package managers that are not read', () => {
  it.each([
    ['pacman', 'var/lib/pacman/local/ALPM_DB_VERSION'],
    ['opkg', 'usr/lib/opkg/status'],
  ])('%s: %s leaves the run undecided', (manager, path) => {
    expect(gapsOf({ ...release, [path]: 'content' })).toEqual([
      { code: 'unsupported', path, layer: 0, reason: `databases of ${manager} are not read, so none of its packages is known` },
    ]);
  });

  it('an empty one holds no packages', () => {
    expect(gapsOf({ ...release, 'usr/lib/opkg/status': '' })).toEqual([]);
  });

  it('files beside it are none', () => {
    expect(gapsOf({ ...release, 'usr/lib/opkg/info/a.list': 'x', 'srv/usr/lib/opkg/status': 'x' })).toEqual([]);
  });
});
