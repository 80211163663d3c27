import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findUsedImages } from '../deployment/deployment.ts';
import { type Pin, pinText } from '../deployment/pin.ts';
import type { DeploymentFile } from '../deployment/used-image.ts';
import { parseYamlFile } from '../deployment/yaml-file.ts';
import { StepError } from '../lib/step-error.ts';
import type { Verification } from '../model/verification.ts';
import type { PinnableImage } from './verify-image.ts';

/**
 * Writes the digests of images that pass into the files that name them by tag. Each file is read as it will be before it is written. Rejects with a StepError
 * where a file cannot be written, or was changed since it was read.
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
  const pinned: { file: string; digests: number }[] = [];
  for (const { path, text } of files) {
    const own = pins.get(path);
    if (own === undefined) continue;
    await writePinned(path, text, own, workspace);
    pinned.push({ file: path, digests: new Set(own.map(({ place }) => place.offset)).size });
  }
  return pinned;
}

async function writePinned(path: string, text: string, pins: readonly Pin[], workspace: string): Promise<void> {
  const changed = pinText(text, pins);
  if (!isSame(path, text, changed)) throw unwritable(path, 'it would not be read as it was with the digests in it');
  const file = resolve(workspace, path);
  try {
    if ((await readFile(file, 'utf8')) !== text) throw unwritable(path, 'it was changed while the images were verified');
    await writeFile(file, changed);
  } catch (error) {
    throw error instanceof StepError ? error : unwritable(path, (error as NodeJS.ErrnoException).code ?? 'unknown error');
  }
}

/** Whether the file names the same images as before, each as it was or with a digest. */
function isSame(path: string, before: string, after: string): boolean {
  const [old, now] = [before, after].map(
    (text) =>
      findUsedImages([{ parsed: parseYamlFile({ path, text }), folder: '.', variables: new Map(), isIncluded: false }], new Map()).images,
  );
  return (
    old?.length === now?.length &&
    old?.every(({ reference }, at) => {
      const found = now?.[at]?.reference ?? '';
      return found === reference || (found.startsWith(`${reference.trimEnd()}@sha256:`) && !reference.includes('@'));
    }) === true
  );
}

function unwritable(path: string, reason: string): StepError {
  return new StepError({
    code: 'pin-unwritable',
    origin: 'input',
    message: `Cannot write digests into ${JSON.stringify(path)}: ${reason}`,
    hint: 'Let the job write to the files of the deployment, or give the digests by hand: the report has them.',
  });
}
