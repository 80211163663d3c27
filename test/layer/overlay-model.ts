import { posix } from 'node:path';
import type { TarMember } from './tar-writer.ts';

interface ModelNode {
  readonly kind: 'file' | 'folder' | 'symlink';
  readonly text: string;
  layer: number;
}

/**
 * The layers of an image unpacked into one folder, written for plainness: a map of full paths, searched from end to end. Gives each path with
 * `file CONTENT`, `symlink TARGET` or `folder`; undefined where a layer cannot be unpacked.
 */
export function unpackModel(layers: readonly (readonly TarMember[])[]): Map<string, string> | undefined {
  const nodes = new Map<string, ModelNode>();
  try {
    layers.forEach((members, layer) => {
      for (const member of members) unpack(nodes, member, layer);
    });
  } catch (error) {
    if (error === impossible) return undefined;
    throw error;
  }
  return new Map([...nodes].map(([path, { kind, text }]) => [path, kind === 'folder' ? kind : `${kind} ${text}`]));
}

const impossible = new Error('cannot be unpacked');

function unpack(nodes: Map<string, ModelNode>, member: TarMember, layer: number): void {
  const clean = posix.normalize(`/${member.name}`).replace(/\/$/, '');
  const folder = resolveFolder(nodes, posix.dirname(clean));
  makeFolders(nodes, folder, layer);
  const base = posix.basename(clean);
  const path = posix.join(folder, base);
  const below = (prefix: string) => [...nodes.keys()].filter((other) => other.startsWith(prefix === '/' ? '/' : `${prefix}/`));
  const remove = (paths: readonly string[]) => {
    for (const other of paths) if ((nodes.get(other) as ModelNode).layer < layer) nodes.delete(other);
  };
  if (base === '.wh..wh..opq') {
    remove(below(folder));
  } else if (base.startsWith('.wh.')) {
    const hidden = posix.join(folder, base.slice('.wh.'.length));
    remove([...below(hidden), ...(nodes.has(hidden) ? [hidden] : [])]);
  } else if (member.type === '5') {
    if (nodes.get(path)?.kind !== 'folder') nodes.delete(path);
    makeFolders(nodes, path, layer);
  } else {
    const node = toNode(nodes, member, layer);
    for (const other of [path, ...below(path)]) nodes.delete(other);
    nodes.set(path, node);
  }
}

function toNode(nodes: Map<string, ModelNode>, member: TarMember, layer: number): ModelNode {
  if (member.type === '2') return { kind: 'symlink', text: member.linkName ?? '', layer };
  if (member.type !== '1') return { kind: 'file', text: String(member.content), layer };
  const target = posix.normalize(`/${member.linkName}`);
  const linked = nodes.get(posix.join(resolveFolder(nodes, posix.dirname(target)), posix.basename(target)));
  if (linked === undefined || linked.kind === 'folder') throw impossible;
  return { ...linked, layer };
}

function makeFolders(nodes: Map<string, ModelNode>, path: string, layer: number): void {
  if (path === '/') return;
  makeFolders(nodes, posix.dirname(path), layer);
  const node = nodes.get(path);
  if (node !== undefined && node.kind !== 'folder') throw impossible;
  nodes.delete(path);
  nodes.set(path, { kind: 'folder', text: '', layer });
}

/** Replaces the first symlink on the way by its target, until there is none. */
function resolveFolder(nodes: Map<string, ModelNode>, path: string): string {
  let resolved = path;
  for (let links = 0; links < 256; links++) {
    const parts = resolved.split('/').filter((part) => part !== '');
    const at = parts.findIndex((_, count) => nodes.get(`/${parts.slice(0, count + 1).join('/')}`)?.kind === 'symlink');
    if (at === -1) return resolved;
    const folder = `/${parts.slice(0, at).join('/')}`;
    const { text } = nodes.get(posix.join(folder, parts[at] as string)) as ModelNode;
    resolved = posix.normalize(posix.join(text.startsWith('/') ? '/' : folder, text, ...parts.slice(at + 1)));
    if (resolved.length > 1) resolved = resolved.replace(/\/$/, '');
  }
  throw impossible;
}
