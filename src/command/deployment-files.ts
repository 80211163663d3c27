import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { fileLimitCharacters } from '../deployment/yaml-file.ts';
import { StepError } from '../lib/step-error.ts';
import { isGlobMatch, parseGlob } from '../policy/glob.ts';
import type { StandardInput } from '../source/standard-input.ts';
import { isWithin, toPathFrom } from './workspace-path.ts';

/** Path of what comes through the standard input. */
export const standardInputPath = '-';

/** Most files that folders and patterns may stand for. */
const filesLimit = 10_000;

/** A file that an item stands for; `path` in the workspace, with `/`. */
export interface DeploymentPath {
  readonly path: string;
  /** A link that was found in a folder. Who writes the deployment made it, so it may not lead out of the workspace. */
  readonly isLink: boolean;
}

/**
 * The files that the items of the input `deployment` stand for, each once: files as they are; of a folder those that kubectl and Kustomize read by their names; of a pattern
 * those that it matches. Rejects with a StepError of origin `input` where an item stands for none, or where a folder cannot be read.
 */
export async function findDeploymentFiles(items: readonly string[], workspace: string): Promise<readonly DeploymentPath[]> {
  const files = new Map<string, DeploymentPath>();
  for (const item of items) {
    const found = item === standardInputPath ? [{ path: item, isLink: false }] : await findFiles(item, workspace);
    if (found.length === 0) throw unreadable(item, 'there is no such file', `Give files, folders or patterns, relative to ${workspace}.`);
    for (const file of found) files.set(file.path, file);
    if (files.size > filesLimit)
      throw unreadable(item, `it stands for more than ${filesLimit} files`, 'Name the folders with the deployment, or narrower patterns.');
  }
  return [...files.values()];
}

async function findFiles(item: string, workspace: string): Promise<readonly DeploymentPath[]> {
  const path = resolve(workspace, item);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return [{ path: toPathFrom(workspace, path), isLink: false }];
  if (found?.isDirectory())
    return (await walk(path, workspace)).filter((file) => /(?:\.ya?ml|\.json|(?:^|\/)Kustomization)$/.test(file.path));
  if (!/[*?]/.test(item)) return [];
  const pattern = item.split(sep).join('/').replace(/^\.\//, '');
  // Everything below the last folder before the first part with a special character.
  const folders = pattern.split('/').slice(0, -1);
  const special = folders.findIndex((part) => /[*?\\]/.test(part));
  const root = (special === -1 ? folders : folders.slice(0, special)).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const glob = parseGlob(toWorkspacePattern(pattern, workspace), { separated: true });
  return (await walk(resolve(workspace, root), workspace)).filter((file) => isGlobMatch(glob, file.path));
}

/** Absolute patterns are held against paths in the workspace as well. */
function toWorkspacePattern(pattern: string, workspace: string): string {
  const folder = `${workspace.split(sep).join('/')}/`;
  return pattern.startsWith(folder) ? pattern.slice(folder.length) : pattern;
}

/** Files of a folder and those below it, in order. Neither the history of the repository nor installed packages; links that lead to folders are not followed, as kubectl does. */
async function walk(folder: string, workspace: string): Promise<readonly DeploymentPath[]> {
  const files: DeploymentPath[] = [];
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of await readFolder(at, workspace)) {
      const path = join(at, entry.name);
      const isLink = entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isDirectory() !== true;
      if (entry.isDirectory() && !['.git', 'node_modules'].includes(entry.name)) folders.push(path);
      else if (entry.isFile() || isLink) files.push({ path: toPathFrom(workspace, path), isLink });
    }
    if (files.length > filesLimit * 10)
      throw unreadable(toPathFrom(workspace, folder), 'it has too many files', 'Name the folders with the deployment.');
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function readFolder(folder: string, workspace: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The fixed part of a pattern may not be there.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadable(toPathFrom(workspace, folder), code ?? 'unknown error', 'Let the job read the folder, or name the files.');
  }
}

/** The text of a file, or why it cannot be read. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly reason: string; readonly isAbsent?: boolean };

/** `isNamed`: by the user, who may name any file; what a file of the deployment leads to has to be in the workspace. */
export async function readDeploymentFile(path: string, isNamed: boolean, workspace: string): Promise<FileText> {
  const file = resolve(workspace, path);
  try {
    if (!isNamed && !(await isInside(file, workspace))) return { kind: 'unreadable', reason: 'it is outside of the workspace' };
    if ((await stat(file)).size > fileLimitCharacters * 3) return { kind: 'unreadable', reason: 'it is too large' };
    return toText(await readFile(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isAbsent = code === 'ENOENT';
    return { kind: 'unreadable', reason: isAbsent ? 'there is no such file' : (code ?? 'unknown error'), isAbsent };
  }
}

/** What is piped into the process. */
export async function readStandardInput(input: StandardInput | undefined): Promise<FileText> {
  const refuse = (reason: string) =>
    unreadable(standardInputPath, reason, 'Pipe the deployment into it (helm template … | …), or give the path of a file.');
  if (input === undefined) throw refuse('this host gives a step no standard input');
  if (input.isTerminal) throw refuse('the standard input is a terminal');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input.open()) {
    size += chunk.length;
    if (size > fileLimitCharacters * 3) throw refuse('it is too large');
    chunks.push(chunk);
  }
  if (size === 0) throw refuse('it is empty');
  return toText(Buffer.concat(chunks));
}

/** A byte order mark stays: every byte is to be where it was when digests are written in. */
function toText(bytes: Uint8Array): FileText {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: 'unreadable', reason: 'it is not UTF-8' };
  }
}

async function isInside(file: string, workspace: string): Promise<boolean> {
  return isWithin(await realpath(workspace), await realpath(file));
}

function unreadable(item: string, reason: string, hint: string): StepError {
  return new StepError({
    code: 'file-unreadable',
    origin: 'input',
    message: `Cannot read ${JSON.stringify(item)} of the input deployment: ${reason}`,
    hint,
  });
}
