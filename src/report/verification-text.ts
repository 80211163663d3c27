import type { CheckedImage, Confirmation, DeploymentRemark, ImageUse, Verification } from '../model/verification.ts';
import { toCount } from './verdict-text.ts';

export type Standing = 'pass' | 'deny' | 'undecided';

export function standingOf({ failures }: CheckedImage): Standing {
  if (failures.length === 0) return 'pass';
  return failures.some(({ kind }) => kind === 'deny') ? 'deny' : 'undecided';
}

/** What came of it, in one sentence of plain text that quotes nothing. */
export function toVerificationSentence({ images, remarks, verdict, pinned }: Verification): string {
  const count = toCount(images.length, 'image');
  const refused = images.filter((image) => standingOf(image) === 'deny').length;
  const open = images.filter((image) => standingOf(image) === 'undecided').length + remarks.filter(({ level }) => level === 'error').length;
  const digests = pinned.reduce((sum, file) => sum + file.digests, 0);
  const written =
    digests === 0 ? '' : ` ${toCount(digests, 'digest')} ${digests === 1 ? 'was' : 'were'} written into ${toCount(pinned.length, 'file')}.`;
  switch (verdict) {
    case 'deny':
      return `${refused} of ${count} ${refused === 1 ? 'is' : 'are'} refused${open === 0 ? '' : `, and ${toCount(open, 'thing')} could not be found out`}.${written}`;
    case 'undecided':
      return `Nothing is refused, but ${toCount(open, 'thing')} could not be found out.${written}`;
    case 'pass':
      return `${images.length === 1 ? 'The image has' : `All ${count} have`} what is asked for.${written}`;
  }
}

/** Where an image or a remark stands, `file:line`; undefined where no file has it. */
export function toPlaceText({ file, line }: Pick<ImageUse | DeploymentRemark, 'file' | 'line'>): string {
  return file === undefined ? `standard input:${line}` : `${file}:${line}`;
}

/** What is confirmed of an image: `signature by CN=release (trusted-certificate)`. */
export function toConfirmationText({ kind, signedBy, policy, time }: Confirmation): string {
  const made = time === undefined ? '' : `, ${time.slice(0, 10)}`;
  return `${kind} by ${signedBy} (${policy}${made})`;
}
