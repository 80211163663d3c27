import { describe, expect, it } from 'vitest';
import { allInspectors } from '../../../src/inspect/inspectors.ts';
import { toInventory } from '../../../src/inspect/inventory/inventory.ts';
import { inspectFiles, placeLayers } from '../inspect-files.ts';

const release = { 'etc/os-release': 'ID="rhel"\nVERSION_ID="9.5"\nPRETTY_NAME="Red Hat Enterprise Linux 9.5"\n' };

function gapsOf(...layers: readonly Readonly<Record<string, string>>[]) {
  return toInventory(placeLayers(...layers.map((files) => inspectFiles(allInspectors(), files)))).gaps;
}

describe('databases of package managers that are not read', () => {
  it.each([
    ['rpm', 'var/lib/rpm/rpmdb.sqlite'],
    ['rpm', 'usr/lib/sysimage/rpm/rpmdb.sqlite'],
    ['rpm', 'var/lib/rpm/Packages'],
    ['rpm', 'var/lib/rpm/Packages.db'],
    ['rpm', 'var/lib/rpmmanifest/container-manifest-2'],
    ['pacman', 'var/lib/pacman/local/ALPM_DB_VERSION'],
    ['opkg', 'usr/lib/opkg/status'],
  ])('%s: %s leaves the run undecided', (manager, path) => {
    expect(gapsOf({ ...release, [path]: 'content' })).toEqual([
      { code: 'unsupported', path, layer: 0, reason: `databases of ${manager} are not read, so none of its packages is known` },
    ]);
  });

  it('an empty one holds no packages', () => {
    expect(gapsOf({ ...release, 'var/lib/rpm/Packages': '' })).toEqual([]);
  });

  it('files beside it are none', () => {
    expect(gapsOf({ ...release, 'var/lib/rpm/.rpm.lock': 'x', 'srv/var/lib/rpm/Packages': 'x' })).toEqual([]);
  });
});
