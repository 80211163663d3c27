import { RegistryError } from './registry-error.ts';
import type { Session } from './session.ts';

const tries = 20;

/** Content of a tag to which several writers add at the same time. */
export interface SharedContent<Content> {
  readonly fetch: () => Promise<Content>;
  /** Whether all that is to be added is there. */
  readonly isComplete: (content: Content) => boolean;
  /** Puts the content with what is missing. False where a registry that can tell says that it has changed since it was read. */
  readonly put: (content: Content) => Promise<boolean>;
  /** The error where others keep writing over it. */
  readonly lost: () => Error;
}

/**
 * Adds to what is at a tag, and only once. Most registries have no conditional write: the content is read again after a write, at once and when others that read
 * before have had time to write, and what is missing is put back.
 */
export async function mergeAtTag<Content>(session: Session, { fetch, isComplete, put, lost }: SharedContent<Content>): Promise<void> {
  let seen = 0;
  let windowMs = 0;
  for (let count = 1; count <= tries; count += 1) {
    const startMs = session.now();
    const content = await fetch();
    if (isComplete(content)) {
      seen += 1;
      // Only who has written has to fear that an earlier reader writes over it.
      if (windowMs === 0 || seen === 3) return;
      await session.settle(windowMs);
      continue;
    }
    seen = 0;
    const isWritten = await put(content);
    windowMs = Math.max(windowMs, session.now() - startMs, 1);
    if (!isWritten) await session.settle(windowMs);
  }
  throw lost();
}

/** The error of who could not `verb` because of others. */
export function writtenOver(session: Session, verb: string, tag: string): RegistryError {
  return new RegistryError({
    code: 'referrers-unavailable',
    message: `cannot ${verb}: others kept writing over it at the tag ${session.name}:${tag}`,
    hint: 'Run the step again when fewer writers attach to this image at once, or use a registry with the referrers API.',
  });
}
