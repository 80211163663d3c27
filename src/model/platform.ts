import type { Platform } from './image.ts';

const platformPart = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Reads `OS/ARCHITECTURE[/VARIANT]`, e.g. `linux/arm/v7`, to its normal form; undefined where it is none. */
export function parsePlatform(text: string): Platform | undefined {
  const [os = '', architecture = '', variant, ...rest] = text.split('/');
  if (rest.length > 0 || ![os, architecture, variant ?? 'none'].every((part) => platformPart.test(part))) return undefined;
  return normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/**
 * One name for what is known under several, as containerd does it (https://github.com/containerd/platforms, `Normalize`): `arm64/v8` is
 * `arm64`, `amd64/v1` is `amd64`, `arm` is `arm/v7`, and the machine names of `uname` are those of Go.
 */
export function normalizePlatform({ os, architecture, variant = '' }: Platform): Platform {
  const [arch, fine] = normalizeArchitecture(architecture.toLowerCase(), variant.toLowerCase());
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  return { os: system, architecture: arch, ...(fine === '' ? {} : { variant: fine }) };
}

/** Whether two name the same platform. A variant is not taken for another one that it could run. */
export function isSamePlatform(one: Platform, other: Platform): boolean {
  const [a, b] = [normalizePlatform(one), normalizePlatform(other)];
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}

function normalizeArchitecture(architecture: string, variant: string): readonly [string, string] {
  switch (architecture) {
    case 'i386':
      return ['386', ''];
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'aarch64':
    case 'arm64':
      return ['arm64', variant === '8' || variant === 'v8' ? '' : variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      return ['arm', variant === '' ? 'v7' : /^[5-8]$/.test(variant) ? `v${variant}` : variant];
    default:
      return [architecture, variant];
  }
}
