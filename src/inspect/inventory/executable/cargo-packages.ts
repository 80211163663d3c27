import { inflateSync } from 'node:zlib';
import type { PackageRecord } from '../../../model/package.ts';
import type { ExecutableImage } from './executable-image.ts';
import { UnkeptError } from './layout.ts';

/**
 * The crates of a Rust program that was built with cargo-auditable: a section holds them as JSON, compressed with zlib
 * (https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md). Those that were only there to build it are no part of it. Throws where
 * the section is damaged or was not kept.
 */
export function readCargoPackages(image: ExecutableImage): readonly PackageRecord[] {
  const section = image.section('.dep-v0');
  if (section === undefined) return [];
  if (section === 'unread') throw new UnkeptError('its list of crates');
  return toRecords(parseList(section));
}

/** The list of the largest programs is some 100 KiB. */
const maxListBytes = 8 * 1024 * 1024;

function parseList(section: Buffer): unknown {
  try {
    return JSON.parse(inflateSync(section, { maxOutputLength: maxListBytes }).toString('utf8'));
  } catch {
    throw new Error('its list of crates is damaged');
  }
}

function toRecords(list: unknown): readonly PackageRecord[] {
  const crates = typeof list === 'object' && list !== null && 'packages' in list ? list.packages : undefined;
  if (!Array.isArray(crates)) throw new Error('its list of crates is none');
  const records = new Map<string, PackageRecord>();
  let damaged = 0;
  for (const crate of crates as readonly unknown[]) {
    const { name, version, kind } = (typeof crate === 'object' && crate !== null ? crate : {}) as Record<string, unknown>;
    if (kind === 'build') continue;
    if (typeof name !== 'string' || typeof version !== 'string' || !crateName.test(name) || !crateVersion.test(version)) damaged++;
    else records.set(`${name} ${version}`, { type: 'cargo', name, version });
  }
  if (damaged > 0) throw new Error(`${damaged} entries of its list of crates cannot be read`);
  return [...records.values()];
}

const crateName = /^[A-Za-z0-9_][\w-]{0,100}$/;
const crateVersion = /^\d[\w.+-]{0,200}$/;
