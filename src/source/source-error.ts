import { type ErrorOrigin, StepError } from '../lib/step-error.ts';

/**
 * `form`: the input is no form of image. `not-found`: no such file or image. `ambiguous`: several images, none chosen. `platform`: not for
 * the platforms that are asked for. `unreadable`: the file system refuses. `damaged`: not what its format says. `incomplete`: names content that it does not have. `changed`: not the bytes that were
 * read before. `unsupported`: sound, but nothing that is published. `daemon`: the Docker daemon cannot be asked or gave up.
 */
export type SourceErrorCode =
  | 'source-form'
  | 'source-not-found'
  | 'source-ambiguous'
  | 'source-platform'
  | 'source-unreadable'
  | 'source-damaged'
  | 'source-incomplete'
  | 'source-changed'
  | 'source-unsupported'
  | 'source-daemon';

/** Makes the error that says why a source cannot be read; its reason continues `cannot read NAME: `. */
export type SourceFailure = (code: SourceErrorCode, reason: string, hint: string, cause?: unknown) => StepError<SourceErrorCode>;

const inputCodes: readonly SourceErrorCode[] = ['source-form', 'source-not-found', 'source-ambiguous', 'source-platform'];

/** The failure of the source that the user named `name`. What another name would mend is of origin `input`. */
export function failureOf(name: string): SourceFailure {
  return (code, reason, hint, cause) => {
    const origin: ErrorOrigin = inputCodes.includes(code) ? 'input' : 'source';
    return new StepError({ code, origin, message: `cannot read ${name}: ${reason}`, hint, ...(cause === undefined ? {} : { cause }) });
  };
}

/** As `failureOf`; what would be mended by writing an archive again is mended by pushing the image again. */
export function failureOfRegistry(name: string): SourceFailure {
  const fail = failureOf(name);
  return (code, reason, hint, cause) => fail(code, reason, hint === hints.writeAgain ? hints.pushAgain : hint, cause);
}

export const hints = {
  writeAgain: 'Write the archive again (docker save, docker buildx build --output, skopeo copy) and check that it was copied whole.',
  pushAgain: 'Push the image again, and look at the registry if it stays so.',
  leaveAlone: 'Do not write to the archive while it is read.',
  permission: 'Let the user of this job read it.',
} as const;

/** Puts names from an image or archive into a message: quoted, each control character escaped, and not endless. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
