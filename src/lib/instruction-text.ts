import { toClipped, toVisibleLine } from './visible-text.ts';

/**
 * The Dockerfile instruction in a history entry's `created_by`, whoever wrote it: Docker's classic builder (`/bin/sh -c #(nop)  COPY file:… in /x`),
 * BuildKit (`RUN |1 A=b /bin/sh -c make # buildkit`), buildah (`/bin/sh -c make`) or kaniko (`RUN make`). Build arguments, the shell and the
 * builder's marks are taken off. Undefined where there is no instruction (an import, a commit).
 */
export function parseInstruction(createdBy: string): { readonly keyword: string; readonly rest: string } | undefined {
  const text = createdBy
    .slice(0, readCharacters)
    .trim()
    .replace(/ # buildkit$/, '')
    .trim();
  const nop = /^(?:\S+\s+)*?#\(nop\)\s*([A-Z]+)\s+([\s\S]*)$/.exec(text) ?? /^#\(nop\)\s*([A-Z]+)\s+([\s\S]*)$/.exec(text);
  if (nop) return { keyword: nop[1] ?? '', rest: (nop[2] ?? '').trim() };
  const plain = keywordPattern.exec(text);
  if (plain && plain[1] !== 'RUN') return { keyword: plain[1] ?? '', rest: (plain[2] ?? '').trim() };
  const command = stripBuildArguments(plain ? (plain[2] ?? '') : text);
  const shell =
    /^(?:\/\S*\/)?(?:sh|bash|ash|dash|zsh|ksh|cmd|powershell|pwsh)(?:\.exe)?(?:\s+[-/][A-Za-z]\S*|\s+pipefail)*?\s+[-/](?:[a-z]*c|C|Command)\s+/.exec(
      command,
    );
  if (plain || shell || command !== text) return { keyword: 'RUN', rest: shell ? command.slice(shell[0].length).trim() : command };
  return undefined;
}

/**
 * An instruction as it may be shown: one line, without the values of ENV, ARG and LABEL and without whatever looks like a credential. Not yet
 * escaped for the place it is shown at.
 */
export function toInstructionText(keyword: string, rest: string): string {
  const line = rest
    .slice(0, 4 * shownCharacters)
    .replace(/\s+/g, ' ')
    .trim();
  const shown = valued.has(keyword) ? toNames(line) : toRedacted(line);
  return toClipped(toVisibleLine(`${keyword} ${shown}`.trim()), shownCharacters);
}

/** Longer entries are here-documents; what tells instructions apart stands at their beginning. */
const readCharacters = 32 * 1024;
const shownCharacters = 1000;

const keywordPattern =
  /^(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\b\s*([\s\S]*)$/;

const valued = new Set(['ENV', 'ARG', 'LABEL']);

/** `|2 A=b C=d e /bin/sh -c make`: a value may hold blanks, so the end of the last one is where the shell begins. */
function stripBuildArguments(command: string): string {
  const count = /^\|(\d+)\s/.exec(command);
  if (!count) return command.trim();
  const shell =
    / (?=(?:\/\S*\/)?(?:sh|bash|ash|dash|zsh|ksh|cmd|powershell|pwsh)(?:\.exe)?(?: -\S+(?: pipefail)?| \/S)*? [-/](?:[a-z]*c|C|Command) )/.exec(
      command,
    );
  if (shell) return command.slice(shell.index + 1).trim();
  return command
    .split(' ')
    .slice(1 + Number(count[1]))
    .join(' ')
    .trim();
}

/**
 * The first name, and those after it that are spelt as variables and labels are: builders write values without quotes, so that a word with `=`
 * behind it may be the end of a private key.
 */
function toNames(line: string): string {
  const first = /^["']?([^\s="']{1,100})["']?(=?)/.exec(line);
  if (first === null) return '…';
  if (first[2] === '') return line.includes(' ') ? `${first[1]} …` : `${first[1]}`;
  const more = [...line.slice(first[0].length).matchAll(/\s["']?([A-Z][A-Z0-9_]{0,39}|[a-z][a-z0-9]*(?:[._/-][a-z0-9]+)+)["']?=(?!=)/g)];
  return [first[1], ...more.map((match) => match[1])].map((name) => `${name}=…`).join(' ');
}

const credentials: readonly RegExp[] = [
  /(?<=:\/\/)[^\s/@]+(?=@)/g,
  /(?<=\b(?:bearer|basic)\s+)[^\s"']+/gi,
  /(?<=[\w-]*(?:pass(?:word|wd)?|token|secret|api[_-]?key|access[_-]?key|credential)[\w-]*["']?\s*[=:]\s*["']?)[^\s"';&|]+/gi,
  /(?<=(?:^|\s)(?:--?(?:password|token|user|u)|-p)[ =])[^\s"';&|]+/g,
  /\b(?:gh[opsur]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|sk_live_|npm_|pypi-|eyJ)[\w.-]{12,}/g,
  /(?<![\w/.@:-])(?=[A-Za-z0-9+_=-]*\d)(?=[A-Za-z0-9+_=-]*[a-z])(?=[A-Za-z0-9+_=-]*[A-Z])[A-Za-z0-9+_-]{24,}={0,2}(?![\w/.-])/g,
];

function toRedacted(line: string): string {
  return credentials.reduce((text, pattern) => text.replace(pattern, '…'), line);
}
