import { randomUUID } from 'node:crypto';
import { chmod, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { findUsedImages } from '../deployment/deployment.ts';
import { type Pin, pinText } from '../deployment/pin.ts';
import type { DeploymentFile } from '../deployment/used-image.ts';
import { parseYamlFile } from '../deployment/yaml-file.ts';
import { StepError } from '../lib/step-error.ts';
import type { Verification } from '../model/verification.ts';
import type { PinnableImage } from './verify-image.ts';

/** A file with digests to be written into it. */
interface PinnedFile extends DeploymentFile {
  /** Where it really is: where links lead. */
  readonly target: string;
  readonly pins: readonly Pin[];
}

/**
 * Writes the digests of images that pass into the files that name them by tag: all of the files, or none where one of them cannot be written into as it is. A file is replaced at
 * once, so that nobody finds half of it. Rejects with a StepError where a file cannot be written, or was changed since it was read.
 */
export async function writePins(
  images: readonly PinnableImage[],
  files: readonly DeploymentFile[],
  workspace: string,
): Promise<Verification['pinned']> {
  const pins = new Map<string, Pin[]>();
  for (const { reference, digest, failures, uses } of images) {
    if (digest === undefined || failures.some(({ uses: at }) => at === undefined) || reference.includes('@')) continue;
    for (const { file, pin } of uses) {
      if (pin.kind === 'insertion' && file !== undefined) pins.set(file, [...(pins.get(file) ?? []), { place: pin, digest }]);
    }
  }
  // A file may have several names.
  const pinned = new Map<string, PinnedFile>();
  for (const file of files) {
    const own = pins.get(file.path);
    if (own === undefined) continue;
    const target = await realpath(resolve(workspace, file.path)).catch((error: unknown) => fail(file.path, error));
    if (!pinned.has(target)) pinned.set(target, { ...file, target, pins: own });
  }
  const changes = [];
  for (const file of pinned.values()) changes.push({ file, text: await checkChange(file) });
  for (const { file, text } of changes) await replace(file, text);
  return [...pinned.values()].map(({ path, pins: own }) => ({ file: path, digests: new Set(own.map(({ place }) => place.offset)).size }));
}

/** The text of the file with the digests in it. */
async function checkChange({ path, text, target, pins }: PinnedFile): Promise<string> {
  const changed = pinText(text, pins);
  if (!isSame(path, text, changed)) throw unwritable(path, 'it would not be read as it was with the digests in it');
  const now = await readFile(target, 'utf8').catch((error: unknown) => fail(path, error));
  if (now !== text) throw unwritable(path, 'it was changed while the images were verified');
  return changed;
}

async function replace({ path, target }: PinnedFile, text: string): Promise<void> {
  const part = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    const { mode } = await stat(target);
    await writeFile(part, text, { flag: 'wx' });
    await chmod(part, mode);
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    fail(path, error);
  }
}

/** Whether the file names the same images as before, each as it was or with a digest, and nothing else is wrong with it. */
function isSame(path: string, before: string, after: string): boolean {
  const [old, now] = [before, after].map((text) => {
    const parsed = parseYamlFile({ path, text });
    return findUsedImages([{ parsed, folder: '.', variables: new Map(), isIncluded: false }], new Map());
  });
  if (old === undefined || old.images.length !== now?.images.length || old.remarks.length !== now.remarks.length) return false;
  return old.images.every(({ reference }, at) => {
    const found = now.images[at]?.reference ?? '';
    return found === reference || (found.startsWith(`${reference.trimEnd()}@sha256:`) && !reference.includes('@'));
  });
}

function fail(path: string, error: unknown): never {
  throw unwritable(path, (error as NodeJS.ErrnoException).code ?? 'unknown error');
}

function unwritable(path: string, reason: string): StepError {
  return new StepError({
    code: 'pin-unwritable',
    origin: 'input',
    message: `Cannot write digests into ${JSON.stringify(path)}: ${reason}`,
    hint: 'Let the job write to the files of the deployment, or give the digests by hand: the report has them.',
  });
}
