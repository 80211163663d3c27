import type { ImageConfig } from '../../model/image.ts';

/**
 * Whether the image's processes run as root: no `USER`, `root`, user id 0 in any spelling, or a name that `etc/passwd` gives the id 0. A
 * Windows image has no such user.
 */
export function runsAsRoot({ user, platform }: ImageConfig, superusers: readonly string[]): boolean {
  if (platform.os === 'windows') return false;
  const name = user.split(':', 1)[0]?.trim() ?? '';
  return name === '' || name === 'root' || /^[+-]?0+$/.test(name) || superusers.includes(name);
}
