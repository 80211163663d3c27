import { toCode, toText } from './markdown.ts';

/** What a pull request is told where the step ended before there was a verdict. Message and hint may quote the image or a server. */
export function toFailureMarkdown(image: string, message: string | undefined, hint: string | undefined): string {
  const reason = message === undefined ? 'The step failed in a way that it does not know; its log has the place.' : toText(message, 2000);
  const advice = hint === undefined ? '' : `\n\n${toText(hint, 2000)}`;
  return `## ⚠️ Could not decide: ${toCode(image, 200)}\n\n**Nothing is known of this image, and no tag was moved.**\n\n${reason}${advice}\n`;
}
