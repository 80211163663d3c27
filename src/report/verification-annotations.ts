import { toClipped, toVisibleLine } from '../lib/visible-text.ts';
import type { Annotation } from '../model/annotation.ts';
import type { CheckedImage, Failure, ImageUse, Verification } from '../model/verification.ts';

/** Both hosts cut a message at 4,096 characters. */
const messageMaxCharacters = 4000;

/**
 * What `verify` shows on the lines of the deployment, most severe first: each image that does not pass at each place that names it, with the policies that refuse it;
 * what the files leave open; what policies only log.
 */
export function toVerificationAnnotations({ images, remarks }: Verification): readonly Annotation[] {
  const failed = images.flatMap((image) => placesOf(image).flatMap((use) => toFailed(image, use)));
  const denials = failed.filter(({ kind }) => kind === 'deny');
  const undecided = failed.filter(({ kind }) => kind === 'undecided');
  const open = remarks.map(
    ({ level, file, line, reason }): Annotation => ({
      level: level === 'error' ? 'error' : 'notice',
      title: level === 'error' ? 'Undecided: an image may have been missed' : 'Not verified',
      message: toLine(reason, messageMaxCharacters),
      file,
      line,
    }),
  );
  return [
    ...[...denials, ...undecided].map(({ annotation }) => annotation),
    ...open.filter(({ level }) => level === 'error'),
    ...images.flatMap(toWarnings),
    ...open.filter(({ level }) => level === 'notice'),
  ];
}

/** Where an image is named; one that an input names has no line. */
function placesOf({ uses }: CheckedImage): readonly (ImageUse | undefined)[] {
  return uses.length === 0 ? [undefined] : uses;
}

function toFailed(
  image: CheckedImage,
  use: ImageUse | undefined,
): readonly { readonly kind: Failure['kind']; readonly annotation: Annotation }[] {
  const failures = image.failures.filter(({ uses }) => uses === undefined || use === undefined || uses.includes(use));
  const [first] = failures;
  if (first === undefined) return [];
  const kind = failures.some((failure) => failure.kind === 'deny') ? 'deny' : 'undecided';
  const policies = [...new Set(failures.filter((failure) => failure.kind === kind).map(({ policy }) => toLine(policy, 60)))];
  const verb = kind === 'deny' ? 'refused' : 'undecided';
  const lines = failures.map(({ policy, message, hint }) => `${toLine(policy, 60)}: ${toLine(message, 700)}. ${toLine(hint, 300)}`);
  const annotation: Annotation = {
    level: 'error',
    title: `${toLine(image.reference, 120)}, ${verb} by ${policies.slice(0, 3).join(', ')}`,
    message: toClipped([...(use === undefined ? [] : [toLine(use.user, 200)]), ...lines].join('\n'), messageMaxCharacters),
    file: use?.file,
    line: use?.file === undefined ? undefined : use.line,
  };
  return [{ kind, annotation }];
}

function toWarnings(image: CheckedImage): readonly Annotation[] {
  if (image.warnings.length === 0) return [];
  const message = image.warnings.map((warning) => toLine(warning, 700)).join('\n');
  return placesOf(image).map((use) => ({
    level: 'warning',
    title: toLine(image.reference, 120),
    message: toClipped(message, messageMaxCharacters),
    file: use?.file,
    line: use?.file === undefined ? undefined : use.line,
  }));
}

function toLine(text: string, max: number): string {
  return toClipped(toVisibleLine(text), max);
}
