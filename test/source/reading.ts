import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHttp } from '../../src/lib/http-client.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { Platform } from '../../src/model/image.ts';
import type { ImageSource, SourceImage } from '../../src/model/source.ts';
import type { DockerSettings } from '../../src/source/docker-endpoint.ts';
import { localImage } from './local-image.ts';
import { openSource } from './open-source.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-custody-source-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens `text` in a new folder that has `files`. */
export async function openIn(
  files: Readonly<Record<string, Buffer>> | ReadonlyMap<string, Buffer>,
  text: string,
  platforms: readonly Platform[] = [],
): Promise<ImageSource> {
  const workspace = temporaryFolder();
  for (const [name, bytes] of files instanceof Map ? files : Object.entries(files)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), bytes);
  }
  return await openAt(workspace, text, undefined, platforms);
}

export async function openAt(
  workspace: string,
  text: string,
  docker?: string | DockerSettings,
  platforms: readonly Platform[] = [],
): Promise<ImageSource> {
  const http = createHttp({ userAgent: 'test' });
  onTestFinished(() => http.close());
  const settings = typeof docker === 'object' ? docker : { host: docker };
  return await openSource(localImage(text), { workspace, docker: settings, stream: http.stream, platforms });
}

/** Reads an image, dropping its layers' bytes. */
export async function readWhole(source: ImageSource): Promise<SourceImage> {
  return await source.read(
    async (_layer, content) => {
      for await (const _ of content);
    },
    { parallel: 2 },
  );
}

/** The StepError that opening and reading ends with. `visits` counts the layers that were visited before. */
export async function refusalOf(open: () => Promise<ImageSource>): Promise<{ readonly error: StepError; readonly visits: number }> {
  let visits = 0;
  try {
    const source = await open();
    await source.read(
      async (_layer, content) => {
        visits++;
        for await (const _ of content);
      },
      { parallel: 2 },
    );
  } catch (error) {
    if (error instanceof StepError) return { error, visits };
    throw error;
  }
  throw new Error('it was read');
}
